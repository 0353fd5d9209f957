package host

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	p2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

// TestWhoDoesNotReadIsNotWaitedFor: whatever deadline gossipsub sets, a peer has
// no longer than we say, and one that reads has no trouble.
func TestWhoDoesNotReadIsNotWaitedFor(t *testing.T) {
	const id p2pprotocol.ID = "/deaf"
	a := testHost(t, Config{Listen: maddrs("/ip4/127.0.0.1/tcp/0")})
	b := testHost(t, Config{Listen: maddrs("/ip4/127.0.0.1/tcp/0")})
	b.SetStreamHandler(id, func(p2pnetwork.Stream) {})
	connect(t, a, b)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	for _, deadline := range []time.Time{{}, time.Now().Add(time.Hour)} {
		s, err := impatientHost{a, 20 * time.Millisecond}.NewStream(ctx, b.ID(), id)
		if err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 64<<10)
		for err == nil {
			if err := s.SetWriteDeadline(deadline); err != nil {
				t.Fatal(err)
			}
			_, err = s.Write(message)
		}
		if !timedOut(err) {
			t.Errorf("deadline %v: %v", deadline, err)
		}
		_ = s.Reset()
	}
	s, err := impatientHost{a, time.Hour}.NewStream(ctx, b.ID(), id)
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Second)
	if err := s.SetWriteDeadline(past); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("late")); !timedOut(err) {
		t.Errorf("an earlier deadline: %v", err)
	}
	_ = s.Reset()
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
