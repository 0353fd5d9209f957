package host

import (
	"fmt"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// shareWorld sends messages at a clock of its own.
type shareWorld struct {
	t   *testing.T
	s   *shares
	now time.Time
	// gone are peers that are not connected.
	gone map[peer.ID]bool
}

func newShareWorld(t *testing.T, topics ...string) *shareWorld {
	w := &shareWorld{t: t, now: time.Unix(1_800_000_000, 0), gone: make(map[peer.ID]bool)}
	w.s = newShares(topics, func() time.Time { return w.now }, func(p peer.ID) bool { return !w.gone[p] })
	return w
}

// send offers n messages and returns how many pass.
func (w *shareWorld) send(from peer.ID, topic string, n int) int {
	w.t.Helper()
	rpc := &pubsub.RPC{}
	for i := range n {
		rpc.Publish = append(rpc.Publish, &pb.Message{Topic: &topic, Data: []byte{byte(i)}})
	}
	if err := w.s.inspect(from, rpc); err != nil {
		w.t.Fatal(err)
	}
	return len(rpc.Publish)
}

// flood has many peers send all they can for some seconds, and returns how many
// messages passed.
func (w *shareWorld) flood(peers, seconds int) (passed int) {
	for range seconds * 10 {
		w.now = w.now.Add(time.Second / 10)
		for p := range peers {
			passed += w.send(peer.ID(fmt.Sprint("enemy", p)), "txs", 150)
		}
	}
	return passed
}

func TestShareOfOnePeer(t *testing.T) {
	w := newShareWorld(t, "txs")
	const seconds = 20
	got := w.flood(1, seconds)
	if most := ownBurst + peerBurst + seconds*(ownRate+peerRate); got < seconds*peerRate || got > most {
		t.Errorf("%d messages of one peer passed in %d s, want at most %d and not much less", got, seconds, most)
	}
}

func TestSharesOfAllAreBounded(t *testing.T) {
	w := newShareWorld(t, "txs")
	const seconds, peers = 20, 50
	got := w.flood(peers, seconds)
	if most := allBurst + peers*ownBurst + seconds*(allRate+peers*ownRate); got < seconds*allRate || got > most {
		t.Errorf("%d messages of %d peers passed in %d s, want at most %d and not much less", got, peers, seconds, most)
	}
}

func TestAFloodLeavesOthersTheirShare(t *testing.T) {
	w := newShareWorld(t, "txs", "blocks")
	w.flood(50, 20)
	honest := peer.ID("honest")
	for range 200 { // ten seconds' worth of an honest publisher, amid the flood
		w.now = w.now.Add(time.Second / 20)
		w.send("enemy1", "txs", 1000)
		if w.send(honest, "txs", 1) != 1 {
			t.Fatal("an honest peer's payment was dropped")
		}
	}
	if got := w.send("enemy1", "blocks", 10); got != 10 {
		t.Errorf("%d of 10 blocks passed after a flood of payments", got)
	}
}

func TestMessagesOfOtherTopicsAreDropped(t *testing.T) {
	w := newShareWorld(t, "txs")
	if got := w.send("p", "elsewhere", 3); got != 0 {
		t.Errorf("%d messages of an unknown topic passed", got)
	}
	if got := w.send("p", "txs", 3); got != 3 {
		t.Errorf("%d of 3 messages passed", got)
	}
}

func TestNewIdentitiesGetLittle(t *testing.T) {
	w := newShareWorld(t, "txs")
	honest := peer.ID("honest")
	w.send(honest, "txs", 1)
	passed, most := 0, 0
	const seconds, perSecond = 60, 500
	for i := range seconds * perSecond {
		w.now = w.now.Add(time.Second / perSecond)
		p := peer.ID(fmt.Sprint(i))
		passed += w.send(p, "txs", 20)
		w.gone[p] = true
		most = max(most, len(w.s.topics["txs"].peers))
		if i%(perSecond/20) == 0 && w.send(honest, "txs", 1) != 1 {
			t.Fatal("an honest peer that came before was dropped")
		}
	}
	if bound := 20*(newBurst+seconds*newRate) + allBurst + seconds*allRate; passed > bound {
		t.Errorf("%d messages of new identities passed, want at most %d", passed, bound)
	}
	if most > maxShares {
		t.Errorf("%d peers remembered, want at most %d", most, maxShares)
	}
}
