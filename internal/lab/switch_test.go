package lab

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a card in memory: what the switch writes comes out of got.
type wire struct {
	in  chan []byte
	got chan []byte
}

func newWire() *wire { return &wire{in: make(chan []byte), got: make(chan []byte, 1000)} }

func (w *wire) Read(b []byte) (int, error) {
	frame, ok := <-w.in
	if !ok {
		return 0, io.EOF
	}
	return copy(b, frame), nil
}
func (w *wire) Write(b []byte) (int, error) { w.got <- b; return len(b), nil }
func (w *wire) Close() error                { return nil }

func ethernet(dst, src, payload byte) []byte {
	frame := make([]byte, ethernetHeader+1)
	frame[5], frame[11], frame[ethernetHeader] = dst, src, payload
	return frame
}

func TestSwitchLearnsAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFabric(1)
		if err := f.setLink(Link{Latency: 10 * time.Millisecond, Jitter: 30 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		wires := []*wire{newWire(), newWire(), newWire()}
		for i, w := range wires {
			p := f.attach(string(rune('a'+i)), w)
			go f.run(t.Context(), p)
		}
		start := time.Now()
		wires[0].in <- ethernet(2, 1, 0) // card 2 is unknown yet: flooded
		<-wires[1].got
		if d := time.Since(start); d < 10*time.Millisecond || d > 40*time.Millisecond {
			t.Errorf("delivered after %v, want 10 to 40 ms", d)
		}
		<-wires[2].got
		wires[1].in <- ethernet(1, 2, 0)
		<-wires[0].got
		const frames = 200
		for i := range frames {
			wires[0].in <- ethernet(2, 1, byte(i))
		}
		for i := range frames {
			if frame := <-wires[1].got; frame[ethernetHeader] != byte(i) {
				t.Fatalf("frame %d came in place of %d", frame[ethernetHeader], i)
			}
		}
		if len(wires[2].got) != 0 {
			t.Errorf("a frame for a known card was flooded")
		}
		for _, w := range wires {
			close(w.in)
		}
	})
}

func TestSwitchQueueIsBounded(t *testing.T) {
	f := newFabric(1)
	if err := f.setLink(Link{Latency: time.Hour}); err != nil {
		t.Fatal(err)
	}
	a, b := f.attach("a", newWire()), f.attach("b", newWire())
	for range maxQueuedFrames + 5 {
		f.forward(a, ethernet(2, 1, 0), time.Now())
	}
	if len(b.queue) != maxQueuedFrames || f.stats.Overflowed != 5 {
		t.Errorf("%d queued, %d overflowed; want %d and 5", len(b.queue), f.stats.Overflowed, maxQueuedFrames)
	}
}

func TestLinkIsChecked(t *testing.T) {
	for _, l := range []Link{{Latency: -1}, {Jitter: -1}, {Loss: -0.1}, {Loss: 30}} {
		if newFabric(1).setLink(l) == nil {
			t.Errorf("%+v was accepted", l)
		}
	}
}
