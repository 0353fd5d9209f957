package api

import (
	"context"
	"errors"
	"iter"
	"net"
	"slices"
	"testing"
	"time"
)

// take reads n items and stops.
func take[T any](t *testing.T, seq iter.Seq2[T, error], n int) []T {
	t.Helper()
	var got []T
	for v, err := range seq {
		if err != nil {
			t.Fatalf("after %d items: %v", len(got), err)
		}
		if got = append(got, v); len(got) == n {
			break
		}
	}
	return got
}

// A reader that comes back with its last cursor gets what it has missed, once.
func TestEventsResume(t *testing.T) {
	c := dial(t, serve(t, &fakeBackend{}))
	all := take(t, c.Events(t.Context(), "genesis"), 3)
	rest := take(t, c.Events(t.Context(), all[0].Cursor), 2)
	if all[1] != rest[0] || all[2] != rest[1] {
		t.Errorf("resumed with %v, want %v", rest, all[1:])
	}
	for _, err := range c.Events(t.Context(), "no such cursor") {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("unknown cursor: got %v, want %v", err, ErrNotFound)
		}
	}
}

// What ends a stream in its midst reaches the reader behind the items.
func TestStreamFails(t *testing.T) {
	c := dial(t, serve(t, &fakeBackend{err: ErrFailed}))
	var blocks int
	var last error
	for _, err := range c.Events(t.Context(), "genesis") {
		if last = err; err == nil {
			blocks++
		}
	}
	if blocks != 3 || !errors.Is(last, ErrFailed) {
		t.Errorf("got %d events and %v, want 3 and %v", blocks, last, ErrFailed)
	}
}

// A reader that is cancelled ends without an error.
func TestStreamCancelled(t *testing.T) {
	c := dial(t, serve(t, &fakeBackend{}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for a, err := range c.Announcements(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; a.Block.Height == 2 {
			cancel()
		}
	}
	if n != 1 {
		t.Errorf("got %d announcements, want 1", n)
	}
}

// signalling tells when a stream was subscribed to.
type signalling struct {
	*fakeBackend
	subscribed chan struct{}
}

func (s *signalling) Events(ctx context.Context, since string) iter.Seq2[Event, error] {
	close(s.subscribed)
	return s.fakeBackend.Events(ctx, since)
}

// Once the client's call returns, the node listens: nothing after it is missed.
func TestStreamSubscribesOnCall(t *testing.T) {
	b := &signalling{&fakeBackend{}, make(chan struct{})}
	c := dial(t, serve(t, b))
	seq := c.Events(t.Context(), "")
	select {
	case <-b.subscribed:
	default:
		t.Error("the call returned before the node listened")
	}
	take(t, seq, 1)
}

// The server stops within 2 s though streams and long calls are open, and
// readers learn that the node has gone.
func TestShutdownEndsStreams(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBackend{release: make(chan struct{})}
	stop := serveOn(t, ln, NewServer(b, Config{Token: testToken}))
	defer stop()
	c := dial(t, URL(ln))

	const readers = 8
	ready, ends := make(chan struct{}, readers), make(chan error, readers+1)
	for range readers {
		go func() {
			var last error
			for e, err := range c.Events(t.Context(), "genesis") {
				if last = err; e.Block.Height == 2 {
					ready <- struct{}{}
				}
			}
			ends <- last
		}()
	}
	go func() {
		_, err := c.MineOnce(t.Context(), 1, "")
		ends <- err
	}()
	for range readers {
		<-ready
	}
	waitUntil(t, func() bool { return len(b.changes()) == 1 })
	if took := stop(); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	for range readers + 1 {
		if err := <-ends; !errors.Is(err, ErrShuttingDown) && !errors.Is(err, ErrUnreachable) {
			t.Errorf("a reader ended with %v, want %v", err, ErrShuttingDown)
		}
	}
}

// Streams have a cap of their own, and ending one makes room.
func TestStreamLimit(t *testing.T) {
	c := dial(t, serve(t, &fakeBackend{}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var next []func() (Event, error, bool)
	for range maxStreams {
		pull, stop := iter.Pull2(c.Events(ctx, ""))
		defer stop()
		if _, err, _ := pull(); err != nil {
			t.Fatal(err)
		}
		next = append(next, pull)
	}
	for _, err := range c.Events(ctx, "") {
		if !errors.Is(err, ErrBusy) {
			t.Fatalf("stream beyond the limit: got %v, want %v", err, ErrBusy)
		}
	}
	if _, err := c.Status(ctx); err != nil {
		t.Errorf("other calls suffer: %v", err)
	}
	cancel()
	for _, pull := range slices.Backward(next) {
		for ok := true; ok; _, _, ok = pull() {
		}
	}
	waitUntil(t, func() bool {
		for _, err := range c.Events(t.Context(), "") {
			return err == nil
		}
		return false
	})
}

// waitUntil polls a condition for at most 5 s.
func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("condition not met within 5 s")
		case <-tick.C:
		}
	}
}
