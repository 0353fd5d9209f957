package lab

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// maxFrame is the largest Ethernet frame the switch carries, in bytes:
	// the usual 1,500 of payload, a header of 14 and room for a VLAN tag.
	maxFrame = 2048

	// maxQueuedFrames bounds the frames on their way to one port. At 1,500
	// bytes it is 24 MiB, a second of the fastest traffic seen; more are
	// dropped as a real switch drops them.
	maxQueuedFrames = 16384

	// maxMACs bounds the learned addresses of one switch; further ones are
	// flooded to every port.
	maxMACs = 1024

	ethernetHeader = 14
)

// Link is what a frame meets between two hosts of a switch, each way.
type Link struct {
	Latency time.Duration // one way
	Jitter  time.Duration // up to this much is added, evenly spread; order within a pair is kept
	Loss    float64       // share of frames dropped, 0 to 1, drawn for each receiver
}

// Stats counts what a switch did since it was made.
type Stats struct {
	Frames      uint64 // delivered to a port
	Bytes       uint64 // in delivered frames
	Lost        uint64 // dropped by Link.Loss
	Partitioned uint64 // dropped between parts
	Overflowed  uint64 // dropped because a queue was full or a card was down
}

type mac [6]byte

// fabric is the switch proper: ports, learned addresses and the weather. It
// knows nothing of namespaces.
type fabric struct {
	mu    sync.Mutex
	link  Link           // guarded by mu
	rng   *rand.Rand     // guarded by mu
	ports []*port        // guarded by mu
	table map[mac]*port  // guarded by mu; at most maxMACs
	part  map[string]int // guarded by mu; host name to part, absent means 0; nil when whole
	stats Stats          // guarded by mu
}

func newFabric(seed uint64) *fabric {
	return &fabric{rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), table: make(map[mac]*port)}
}

// port is one card's end at the switch. rw yields and takes whole frames.
type port struct {
	name string // of the host, for partitions
	rw   io.ReadWriteCloser
	poke chan struct{} // 1 slot: the queue's head changed

	mu    sync.Mutex
	queue frameHeap           // guarded by mu; at most maxQueuedFrames
	due   map[*port]time.Time // guarded by mu; last deadline per sender, never decreasing
	seq   uint64              // guarded by mu
}

// frame is immutable once queued: a flooded one is shared by all receivers.
type frame struct {
	from *port
	data []byte
	due  time.Time
	seq  uint64
}

// attach adds a port. The caller runs it with [fabric.run].
func (f *fabric) attach(name string, rw io.ReadWriteCloser) *port {
	p := &port{name: name, rw: rw, poke: make(chan struct{}, 1), due: make(map[*port]time.Time)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ports = append(f.ports, p)
	return p
}

// run carries frames from and to the port until ctx ends or the card is gone,
// then detaches it. It returns when its goroutines have ended.
func (f *fabric) run(ctx context.Context, p *port) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { p.deliver(ctx, f) })
	stop := context.AfterFunc(ctx, func() { p.rw.Close() })
	f.receive(p)
	cancel()
	stop()
	p.rw.Close()
	f.detach(p)
	wg.Wait()
}

func (f *fabric) detach(p *port) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, q := range f.ports {
		if q == p {
			f.ports = append(f.ports[:i:i], f.ports[i+1:]...)
			break
		}
	}
	for m, q := range f.table {
		if q == p {
			delete(f.table, m)
		}
	}
}

// receive reads frames from the card until it is closed.
func (f *fabric) receive(p *port) {
	buf := make([]byte, maxFrame)
	for {
		n, err := p.rw.Read(buf)
		if err != nil {
			return
		}
		if n >= ethernetHeader {
			f.forward(p, append([]byte(nil), buf[:n]...), time.Now())
		}
	}
}

// forward learns the sender and queues the frame at the receivers.
func (f *fabric) forward(from *port, data []byte, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dst, src := mac(data[0:6]), mac(data[6:12])
	if _, known := f.table[src]; known || len(f.table) < maxMACs {
		f.table[src] = from
	}
	const group = 1 // lowest bit of the first byte: broadcast and multicast
	if to := f.table[dst]; to != nil && dst[0]&group == 0 {
		if to != from {
			f.send(from, to, data, now)
		}
		return
	}
	for _, to := range f.ports {
		if to != from {
			f.send(from, to, data, now)
		}
	}
}

// send queues one frame for one receiver unless the weather takes it. Caller
// holds f.mu.
func (f *fabric) send(from, to *port, data []byte, now time.Time) {
	if !f.together(from, to) {
		f.stats.Partitioned++
		return
	}
	if f.link.Loss > 0 && f.rng.Float64() < f.link.Loss {
		f.stats.Lost++
		return
	}
	delay := f.link.Latency
	if f.link.Jitter > 0 {
		delay += time.Duration(f.rng.Int64N(int64(f.link.Jitter)))
	}
	if !to.enqueue(frame{from: from, data: data, due: now.Add(delay)}) {
		f.stats.Overflowed++
	}
}

// together reports whether two ports are in one part. Caller holds f.mu.
func (f *fabric) together(a, b *port) bool { return f.part[a.name] == f.part[b.name] }

// enqueue reports whether there was room.
func (p *port) enqueue(fr frame) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) >= maxQueuedFrames {
		return false
	}
	if last := p.due[fr.from]; fr.due.Before(last) {
		fr.due = last // jitter must not reorder a pair's frames
	}
	p.due[fr.from] = fr.due
	p.seq++
	fr.seq = p.seq
	heap.Push(&p.queue, fr)
	if p.queue[0].seq == fr.seq {
		select {
		case p.poke <- struct{}{}:
		default:
		}
	}
	return true
}

// next pops the head if it is due, else says how long until it is. An empty
// queue waits for a poke.
func (p *port) next(now time.Time) (fr frame, ok bool, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return frame{}, false, time.Hour
	}
	if wait := p.queue[0].due.Sub(now); wait > 0 {
		return frame{}, false, wait
	}
	return heap.Pop(&p.queue).(frame), true, 0
}

// deliver writes frames to the card when they are due, until ctx ends.
func (p *port) deliver(ctx context.Context, f *fabric) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		fr, ok, wait := p.next(time.Now())
		if ok {
			f.hand(p, fr)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-p.poke:
		case <-timer.C:
		}
	}
}

// hand writes one due frame, unless a partition came up while it travelled.
func (f *fabric) hand(p *port, fr frame) {
	f.mu.Lock()
	together := f.together(fr.from, p)
	f.mu.Unlock()
	var err error
	if together {
		_, err = p.rw.Write(fr.data) // fails while the card is down
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !together:
		f.stats.Partitioned++
	case err != nil:
		f.stats.Overflowed++
	default:
		f.stats.Frames++
		f.stats.Bytes += uint64(len(fr.data))
	}
}

func (f *fabric) setLink(l Link) error {
	if l.Latency < 0 || l.Jitter < 0 || l.Loss < 0 || l.Loss > 1 {
		return errors.New("lab: a link needs latency and jitter >= 0 and loss between 0 and 1")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.link = l
	return nil
}

func (f *fabric) setParts(part map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.part = part
}

// frameHeap orders by deadline, then by arrival.
type frameHeap []frame

func (h frameHeap) Len() int { return len(h) }
func (h frameHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].seq < h[j].seq
}
func (h frameHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *frameHeap) Push(x any)   { *h = append(*h, x.(frame)) }
func (h *frameHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = frame{}
	*h = old[:len(old)-1]
	return last
}
