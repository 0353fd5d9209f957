package discovery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	maxDials         = 32 // attempts at once
	maxStrangerDials = 24 // of which at most so many at peers never joined
	maxChecks        = 32 // connections doubted at once
)

// Config says what a Dialer works with.
type Config struct {
	// Network is the host to connect; see Libp2p. Required.
	Network Network

	// Genesis is our network, the hex of its genesis id. Required.
	Genesis string

	// Static are peers given by the user, never given up; see ParsePeers.
	Static []peer.AddrInfo

	// Sources are run by Run.
	Sources []Source

	// SavedFile holds the peers that were joined, for the next start. Empty:
	// nothing is saved.
	SavedFile string

	// Gater keeps blocked peers away. The host must have been made with it.
	// Default: one of the Dialer's own, which then only stops our dials.
	Gater *Gater

	// Local describes our own network interfaces; a changed answer makes the
	// Dialer check every connection and redial every lost peer at once.
	// Default: the addresses of the machine.
	Local func() string

	// Log gets warnings, and at debug level every failed dial. Default:
	// slog.Default().
	Log *slog.Logger
}

// Dialer keeps a node connected to the peers of its network.
//
// It holds one table of known peers. Sources, the protocol layer and
// connection events change it under the lock and poke Run, which starts
// whatever dial is due and sleeps until the next.
type Dialer struct {
	nw      Network
	genesis string
	sources []Source
	gater   *Gater
	local   func() string
	log     *slog.Logger
	path    string // of the saved list, or ""

	poke     chan struct{} // wakes Run; one slot
	pokeSave chan struct{} // wakes the writer of the saved list; one slot

	// blocking is held while a peer is blocked or unblocked, and while a
	// blocked one is disconnected: a disconnect that is late must not end the
	// connection made after the peer was let in again. Taken before mu.
	blocking sync.Mutex

	mu     sync.Mutex
	table  table     // guarded by mu
	saved  savedList // guarded by mu
	dials  int       // guarded by mu: attempts under way
	checks int       // guarded by mu: checks under way
}

// New returns a Dialer that knows the static and the saved peers. It dials
// nobody before Run. A damaged saved list is set aside, not an error.
func New(cfg Config) (*Dialer, error) {
	if cfg.Network == nil || cfg.Genesis == "" {
		return nil, errors.New("discovery: Network and Genesis are required")
	}
	d := &Dialer{
		nw: cfg.Network, genesis: cfg.Genesis, sources: cfg.Sources,
		gater: cfg.Gater, local: cfg.Local, log: cfg.Log, path: cfg.SavedFile,
		poke:     make(chan struct{}, 1),
		pokeSave: make(chan struct{}, 1),
		table:    make(table),
	}
	if d.gater == nil {
		d.gater = NewGater()
	}
	if d.local == nil {
		d.local = localAddrs
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	if err := d.seed(cfg.Static); err != nil {
		return nil, err
	}
	return d, nil
}

// seed fills the table with static and saved peers.
func (d *Dialer) seed(static []peer.AddrInfo) error {
	now := time.Now()
	for _, info := range static {
		if info.ID == d.nw.ID() {
			continue // a list of peers shared by all nodes names each of them
		}
		e, _ := d.table.get(info.ID, now)
		if e == nil {
			return errors.New("discovery: too many static peers")
		}
		e.static = true
		e.pin(info.Addrs)
		d.schedule(e, now, now)
	}
	if d.path == "" {
		return nil
	}
	list, err := loadSaved(d.path, d.log)
	if err != nil {
		return err
	}
	d.saved = list
	for _, s := range list {
		if s.Genesis != d.genesis || s.ID == d.nw.ID() {
			continue
		}
		if e, _ := d.table.get(s.ID, now); e != nil {
			e.saved, e.listed, e.genesis = true, true, s.Genesis
			e.addrs, _ = mergeAddrs(e.addrs, s.addrs())
			d.schedule(e, now, now.Add(d.tieBreak(e)))
		}
	}
	return nil
}

// Run dials, runs the sources and writes the saved list until ctx is done,
// and returns when all of that has ended. Call it once.
func (d *Dialer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, s := range d.sources {
		wg.Go(func() {
			if err := s.Run(ctx, d.found); err != nil && ctx.Err() == nil {
				d.log.Warn("a source of peers has ended", "err", err)
			}
		})
	}
	watch := make(chan error, 1)
	wg.Go(func() { watch <- d.nw.Watch(ctx, d.changed) })
	wg.Go(func() { d.watchLocal(ctx) })
	if d.path != "" {
		wg.Go(func() { d.keepSaved(ctx) })
	}
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-watch:
			if ctx.Err() == nil {
				return err
			}
		case <-sweep.C:
			d.sweep()
		case <-d.poke:
		case <-timer.C:
		}
		timer.Reset(d.start(ctx, &wg, time.Now()))
	}
}

// wake makes Run look at the table.
func (d *Dialer) wake() {
	select {
	case d.poke <- struct{}{}:
	default:
	}
}

// start begins every dial and check that is due and may run, and returns when
// to come back. The end of a dial or check wakes Run by itself.
func (d *Dialer) start(ctx context.Context, wg *sync.WaitGroup, now time.Time) time.Duration {
	dials, checks, wait := d.due(now)
	for _, a := range dials {
		wg.Go(func() { d.dial(ctx, a) })
	}
	for _, p := range checks {
		wg.Go(func() { d.check(ctx, p) })
	}
	return wait
}

// attempt is one dial.
type attempt struct {
	peer.AddrInfo
	ended chan struct{} // closed at its end
}

// due takes what is due at now out of the table.
func (d *Dialer) due(now time.Time) (dials []attempt, checks []peer.ID, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait = sweepEvery
	var ready []*entry
	strangers := 0 // dials at them under way
	for _, e := range d.table {
		if e.check && !e.checking && d.checks < maxChecks {
			e.check, e.checking = false, true
			d.checks++
			checks = append(checks, e.id)
		}
		if e.dialing != nil && !e.known() {
			strangers++
		}
		switch {
		case e.next.IsZero():
		case e.next.After(now):
			wait = min(wait, e.next.Sub(now))
		default:
			ready = append(ready, e)
		}
	}
	slices.SortFunc(ready, func(a, b *entry) int {
		if a.known() != b.known() {
			if a.known() {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.fails, b.fails), a.next.Compare(b.next))
	})
	for _, e := range ready {
		if d.dials == maxDials {
			break
		}
		if !e.known() {
			if strangers == maxStrangerDials {
				break // known peers came first
			}
			strangers++
		}
		d.dials++
		e.dialing, e.next, e.last = make(chan struct{}), time.Time{}, now
		dials = append(dials, attempt{peer.AddrInfo{ID: e.id, Addrs: slices.Clone(e.addrs)}, e.dialing})
	}
	return dials, checks, wait
}

// dial makes one attempt that due has taken out.
func (d *Dialer) dial(ctx context.Context, a attempt) {
	var err error
	if !d.nw.Connected(a.ID) {
		err = d.connect(ctx, a.AddrInfo)
	}
	d.mu.Lock()
	d.dials--
	if e := d.table[a.ID]; e != nil && e.dialing == a.ended {
		e.dialing = nil
	}
	d.mu.Unlock()
	close(a.ended)
	d.dialed(ctx, a.ID, err)
	d.wake()
}

// errHungUp is how a dial fails whose connection the other side closed at
// once, for example because it blocks us.
var errHungUp = errors.New("the peer closed the connection at once")

func (d *Dialer) connect(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := d.nw.Connect(ctx, info); err != nil {
		return err
	}
	if !d.nw.Connected(info.ID) {
		return errHungUp
	}
	return nil
}

// dialed notes how an attempt ended.
func (d *Dialer) dialed(ctx context.Context, p peer.ID, err error) {
	if ctx.Err() != nil {
		return // we are leaving, or the caller lost patience: nobody failed
	}
	if err == nil || d.nw.Connected(p) {
		d.changed(p)
		return
	}
	now := time.Now()
	d.mu.Lock()
	e := d.table[p]
	if e == nil {
		d.mu.Unlock()
		return
	}
	e.short = errors.Is(err, errHungUp)
	d.failed(e, now, err.Error())
	fails := e.fails
	d.mu.Unlock()
	d.log.Debug("dial failed", "peer", p, "fails", fails, "err", err)
}

// failed counts a failure and plans the next attempt. The caller holds d.mu.
func (d *Dialer) failed(e *entry, now time.Time, reason string) {
	e.fails++
	e.lastErr = reason
	if e.wanted() {
		d.schedule(e, now, now.Add(backoff(e.fails, e.limit(now))))
	}
}

// schedule plans a dial at the given time, unless one is planned earlier or
// must not be. The caller holds d.mu.
func (d *Dialer) schedule(e *entry, now, at time.Time) {
	if e.connected || e.dialing != nil || len(e.addrs) == 0 || d.gater.Blocked(e.id) {
		return
	}
	if now.Before(e.refusedUntil) && at.Before(e.refusedUntil) {
		at = e.refusedUntil
	}
	if gap := e.last.Add(minDialGap); !e.last.IsZero() && at.Before(gap) {
		at = gap
	}
	if e.next.IsZero() || at.Before(e.next) {
		e.next = at
	}
}

// tieBreak returns how long to leave the dial of a peer just found to that
// peer. Both sides find each other at about the same time; were both to dial,
// two connections would come of it.
func (d *Dialer) tieBreak(e *entry) time.Duration {
	if e.static || d.nw.ID() < e.id {
		return 0
	}
	return between(waitForDial, waitForDialMax)
}

// redial returns how long to wait after a loss.
func (d *Dialer) redial(e *entry) time.Duration {
	wait := between(redialMin, redialMax)
	if d.nw.ID() > e.id {
		wait += redialLater
	}
	return wait
}

// check asks a peer over each of its connections whether it is there.
func (d *Dialer) check(ctx context.Context, p peer.ID) {
	cctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	d.nw.Check(cctx, p)
	d.mu.Lock()
	d.checks--
	if e := d.table[p]; e != nil {
		e.checking = false
	}
	d.mu.Unlock()
	d.changed(p)
	d.wake()
}

// watchLocal looks for changes of our own addresses: a cable, a new lease, a
// network joined, a lid opened.
func (d *Dialer) watchLocal(ctx context.Context) {
	before := d.local()
	tick := time.NewTicker(localEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if now := d.local(); now != before {
				before = now
				d.localChanged(time.Now())
			}
		}
	}
}

func (d *Dialer) localChanged(now time.Time) {
	d.mu.Lock()
	for _, e := range d.table {
		if e.connected {
			e.check = true
		} else if e.wanted() {
			e.fails, e.short = 0, false
			d.schedule(e, now, now.Add(d.redial(e)))
		}
	}
	d.mu.Unlock()
	d.wake()
}
