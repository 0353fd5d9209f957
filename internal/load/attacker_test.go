package load

import (
	"context"
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	p2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	// gossipID is the version of gossipsub that attackers write by hand.
	gossipID p2pprotocol.ID = "/meshsub/1.2.0"
	// rpcBytes is about how much they put in one RPC.
	rpcBytes = 64 << 10
	// beat is how often they send.
	beat = 5 * time.Millisecond
	// again is how long they wait before they dial once more.
	again = 100 * time.Millisecond
	// helloEvery keeps them joined.
	helloEvery = 5 * time.Second
	dialLimit  = 5 * time.Second
)

// attack is one way of flooding a node.
type attack struct {
	name string
	// peers flood at once, sharing the rate.
	peers int
	// perMessage is how many payments one gossip message has.
	perMessage int
	// fresh has whoever is thrown out come back as somebody else; otherwise it
	// dials again as who it was.
	fresh bool
	// deaf has them listen to gossip without ever reading it.
	deaf bool
	// mute has them claim that they have payments to be asked for, and never
	// answer.
	mute bool
}

// attackers flood one node until their context ends.
type attackers struct {
	attack
	n      *network
	victim peer.AddrInfo
	rate   int // payments per second, of all together
	next   func(b []byte) []byte

	sent, joined, thrown atomic.Int64
}

// newAttackers prepares a flood of what next appends to a buffer: one encoded
// payment after another. It is called by several goroutines.
func (n *network) newAttackers(a attack, victim *process, rate int, next func([]byte) []byte) *attackers {
	n.Helper()
	info, err := peer.AddrInfoFromString(victim.first.Addrs[0])
	if err != nil {
		n.Fatal(err)
	}
	return &attackers{attack: a, n: n, victim: *info, rate: rate, next: next}
}

// run floods until ctx ends.
func (a *attackers) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range a.peers {
		wg.Go(func() { a.one(ctx) })
	}
	wg.Wait()
}

// one is one peer, thrown out as often as may be.
func (a *attackers) one(ctx context.Context) {
	var h p2phost.Host
	var err error
	for ctx.Err() == nil {
		if h == nil {
			if h, err = a.newPeer(); err != nil {
				a.n.Errorf("attacker: %v", err)
				return
			}
		}
		if err := a.visit(ctx, h); err != nil && ctx.Err() == nil {
			a.thrown.Add(1)
		}
		if a.fresh {
			_ = h.Close()
			h = nil
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
	if h != nil {
		_ = h.Close()
	}
}

// newPeer makes a host that has nothing of ours. Its id is below the victim's, so
// that it is the one to say hello.
func (a *attackers) newPeer() (p2phost.Host, error) {
	for {
		key, _, err := crypto.GenerateEd25519Key(nil)
		if err != nil {
			return nil, err
		}
		id, err := peer.IDFromPrivateKey(key)
		if err != nil {
			return nil, err
		}
		if id >= a.victim.ID {
			continue
		}
		h, err := libp2p.New(libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.Transport(tcp.NewTCPTransport),
			libp2p.Security(libp2ptls.ID, libp2ptls.New), libp2p.DisableRelay(), libp2p.DisableMetrics(),
			libp2p.ResourceManager(&p2pnetwork.NullResourceManager{}))
		if err != nil {
			return nil, err
		}
		ignore := func(s p2pnetwork.Stream) { _, _ = io.Copy(io.Discard, s) }
		if a.deaf {
			h.SetStreamHandler(gossipID, func(p2pnetwork.Stream) {})
		} else {
			h.SetStreamHandler(gossipID, ignore)
		}
		if a.mute {
			h.SetStreamHandler(protocol.ID, ignore) // which never closes its side
		} else {
			h.SetStreamHandler(protocol.ID, func(s p2pnetwork.Stream) { _ = s.Reset() })
		}
		return h, nil
	}
}

// visit connects, says hello, and floods until it is thrown out.
func (a *attackers) visit(ctx context.Context, h p2phost.Host) error {
	dial, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if err := h.Connect(dial, a.victim); err != nil {
		return err
	}
	defer func() { _ = h.Network().ClosePeer(a.victim.ID) }()
	hello, err := h.NewStream(dial, a.victim.ID, protocol.ID)
	if err != nil {
		return err
	}
	gossip, err := h.NewStream(dial, a.victim.ID, gossipID)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = hello.Reset(); _ = gossip.Reset() })
	defer stop()
	go func() { _, _ = io.Copy(io.Discard, hello) }()
	a.joined.Add(1)
	return a.flood(ctx, hello, gossip)
}

// flood writes at the rate, or as fast as the victim reads.
func (a *attackers) flood(ctx context.Context, hello, gossip p2pnetwork.Stream) error {
	topic := protocol.TxTopic(a.n.rules.GenesisID())
	if _, err := gossip.Write(subscription(topic)); err != nil {
		return err
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var said time.Time
	began, count, buf := time.Now(), 0.0, []byte(nil)
	for ctx.Err() == nil {
		if time.Since(said) > helloEvery {
			said = time.Now()
			if _, err := hello.Write(wire.AppendFrame(nil, a.hello())); err != nil {
				return err
			}
		}
		due := time.Since(began).Seconds() * float64(a.rate) / float64(a.peers)
		if due-count > float64(a.rate)/float64(a.peers) {
			count = due - float64(a.rate)/float64(a.peers) // what is a second late is not made up for
		}
		for ; count < due; count += float64(a.perRPC()) {
			buf = a.rpc(buf[:0], topic)
			if _, err := gossip.Write(buf); err != nil {
				return err
			}
			a.sent.Add(int64(a.perRPC()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return ctx.Err()
}

// perRPC is how many payments go in one RPC: a beat's worth, or one message.
func (a *attackers) perRPC() int {
	each := a.rate / a.peers * int(beat/time.Millisecond) / 1000
	return max(1, min(each, rpcBytes/400)/a.perMessage) * a.perMessage
}

// rpc appends an RPC of messages, framed.
func (a *attackers) rpc(b []byte, topic string) []byte {
	var messages []byte
	var txs [][]byte
	for range a.perRPC() / a.perMessage {
		txs = txs[:0]
		for range a.perMessage {
			txs = append(txs, a.next(nil))
		}
		m := appendField(nil, 2, wire.AppendTxBatch(nil, txs))
		m = appendField(m, 4, []byte(topic))
		messages = appendField(messages, 2, m)
	}
	return append(binary.AppendUvarint(b, uint64(len(messages))), messages...)
}

// subscription is the framed RPC that subscribes to a topic.
func subscription(topic string) []byte {
	rpc := appendField(nil, 1, appendField([]byte{1 << 3, 1}, 2, []byte(topic)))
	return append(binary.AppendUvarint(nil, uint64(len(rpc))), rpc...)
}

// appendField appends a protobuf field of bytes.
func appendField(b []byte, number byte, value []byte) []byte {
	b = append(b, number<<3|2)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

// hello claims no chain but the genesis.
func (a *attackers) hello() *wire.Hello {
	caps := wire.CapHeaders | wire.CapBlocks
	if a.mute {
		caps |= wire.CapTxs
	}
	genesis := a.n.rules.GenesisID()
	return &wire.Hello{
		Version: wire.Version, Genesis: genesis, Tip: genesis,
		Clock: uint64(time.Now().UnixMilli()), Capabilities: caps, Agent: "attacker", Stamp: 1,
	}
}

// badSignatures returns payments without end, all different, each with a
// signature that is well-formed and somebody's, but not of this payment; all
// else about them is right. What they spend is never spent.
func badSignatures(p *purse, _ int) (next func(b []byte) []byte) {
	const witness = core.PublicKeySize + core.SignatureSize
	var count atomic.Uint64
	templates := make([][]byte, min(256, len(p.coins)))
	for i := range templates {
		tx, _ := p.pay(p.coins[i], 2000, make([]byte, 8))
		templates[i] = tx.AppendTo(nil)
	}
	return func(b []byte) []byte {
		i := count.Add(1)
		b = append(b, templates[i%uint64(len(templates))]...)
		binary.LittleEndian.PutUint64(b[len(b)-witness-8:], i)
		return b
	}
}

// unknownCoins returns payments that are signed as they should be, of coins that
// there never were: count different ones, or a few less, again and again.
func unknownCoins(p *purse, count int) (next func(b []byte) []byte) {
	const most = 500_000
	txs := p.orphans(min(count, most), 8)
	var at atomic.Uint64
	return func(b []byte) []byte { return append(b, txs[at.Add(1)%uint64(len(txs))]...) }
}
