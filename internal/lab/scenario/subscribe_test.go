//go:build linux && multihost

package scenario

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

// seenLimit is how soon after "mine once" has returned everybody who listens
// must have the block.
const seenLimit = time.Second

// Whoever listens, by libp2p alone or by a verb, learns of a block at once.
func TestSubscribe(t *testing.T) {
	repeat(t, func(t *testing.T) {
		host := lab.Local(t)
		binary := lab.BuildBinary(t)
		cfg := localConfig(binary, quietNetwork(t, binary, "subscribe"))
		cfg.Name = "a"
		a := host.Node(cfg)
		status := a.Ready()

		streams := map[string]*lab.Stream{
			"examples/subscribe": host.StreamOf(host.Command(t.Context(),
				lab.BuildPackage(t, "./examples/subscribe"), addrOn(t, status, "127.0.0.1"), status.Genesis)),
			"topic sub blocks": a.Stream("topic", "sub", "blocks"),
			"events":           a.Stream("events"),
		}
		for name, s := range streams { // until each has one, it may not listen yet
			lab.Until(t, 30*time.Second, name+" listens", func() error {
				mine(t, a, 1)
				_, err := s.Wait(100*time.Millisecond, 0, func(lab.Line) bool { return true })
				return err
			})
		}
		var worst time.Duration
		for range 5 {
			block := mine(t, a, 1)
			returned := time.Now()
			for name, s := range streams {
				line, err := s.Wait(5*seenLimit, 0, mentions(block.ID))
				if err != nil {
					t.Fatalf("%s: block %v: %v", name, block, err)
				}
				took := line.At.Sub(returned)
				worst = max(worst, took)
				if took > seenLimit {
					t.Errorf("%s: block %v %v after mine once, want at most %v", name, block, took, seenLimit)
				}
			}
		}
		t.Logf("the last listener had a block %v after mine once had returned", round(worst))
	})
}

// A reader that comes back with its cursor gets what it missed and nothing
// else, also when the chain it knew is not the best any more.
func TestEventsSince(t *testing.T) {
	repeat(t, func(t *testing.T) {
		host := lab.Local(t)
		binary := lab.BuildBinary(t)
		cfg := localConfig(binary, quietNetwork(t, binary, "events"))
		cfg.Name = "a"
		a := host.Node(cfg)
		cfg.Name = "b"
		b := host.Node(cfg)
		addr := addrOn(t, b.Ready(), "127.0.0.1")
		a.MustJSON(nil, "net", "connect", addr)

		all := a.Stream("events", "--since", "genesis")
		onTip(t, 5*time.Second, mine(t, a, 4), a, b)
		a.MustJSON(nil, "net", "disconnect", b.Ready().PeerID)
		left := mine(t, a, 2) // the reader's last block is on the branch that loses
		awaitApply(t, all, left.ID)
		known := events(t, all)
		cursor := known[len(known)-1].Cursor

		mine(t, a, 1)
		tip := mine(t, b, 6)
		a.MustJSON(nil, "net", "connect", addr)
		onTip(t, 10*time.Second, tip, a, b)
		awaitApply(t, all, tip.ID)

		missed := a.Stream("events", "--since", cursor)
		awaitApply(t, missed, tip.ID)
		// The reader's cursor is on the branch that lost, one block short of its
		// end: it goes back by the shortest way.
		want, got := shortcut(events(t, all)[len(known):]), events(t, missed)
		if w, g := fmt.Sprint(want), fmt.Sprint(got); w != g {
			t.Errorf("events --since %s\n got %s\nwant %s", cursor, g, w)
		}
		replay(t, "events", append(known, got...))
		if len(got) != 2+6 || reverts(got, time.Time{}) != 2 {
			t.Errorf("%d events missed, %d of them reverts; want 8 and 2", len(got), reverts(got, time.Time{}))
		}
	})
}

// A fresh node syncs from three peers, of which one stops answering half-way.
func TestSync(t *testing.T) {
	repeat(t, func(t *testing.T) {
		host := lab.Local(t)
		binary := lab.BuildBinary(t)
		cfg := localConfig(binary, quietNetwork(t, binary, "sync"))
		var sources []*lab.Node
		for i := range 3 {
			cfg.Name = fmt.Sprintf("source%d", i+1)
			sources = append(sources, host.Node(cfg))
		}
		start := time.Now()
		tip := mine(t, sources[0], *syncBlocks)
		t.Logf("mined %d blocks in %v", tip.Height, round(time.Since(start)))
		for _, s := range sources[1:] {
			s.MustJSON(nil, "net", "connect", addrOn(t, sources[0].Ready(), "127.0.0.1"))
		}
		onTip(t, 5*time.Minute, tip, sources...)

		cfg.Name = "smooth"
		smooth := syncFresh(t, host.Node(cfg), sources, tip, nil)
		cfg.Name = "stalled"
		stalled := syncFresh(t, host.Node(cfg), sources, tip, sources[2])
		t.Logf("%d blocks: %v, %.0f blocks/s; with a peer that stops half-way %v, %.0f blocks/s: it cost %v, longest pause %v",
			tip.Height, round(smooth.took), smooth.rate(tip), round(stalled.took), stalled.rate(tip),
			round(stalled.took-smooth.took), round(stalled.pause))
	})
}

type syncFigures struct {
	took  time.Duration // from the first connect to the tip
	pause time.Duration // longest between two blocks
}

func (f syncFigures) rate(tip lab.BlockRef) float64 { return float64(tip.Height) / f.took.Seconds() }

// syncFresh connects an empty node to the sources and waits for the tip. A
// source to stop is frozen once half of the blocks are there.
func syncFresh(t *testing.T, fresh *lab.Node, sources []*lab.Node, tip lab.BlockRef, stop *lab.Node) syncFigures {
	t.Helper()
	all := fresh.Stream("events", "--since", "genesis")
	start := time.Now()
	for _, s := range sources {
		verb := fresh.Verb(t.Context(), "net", "connect", addrOn(t, s.Ready(), "127.0.0.1"))
		if _, err := fresh.Host.Start(verb); err != nil {
			t.Fatal(err)
		}
	}
	if stop != nil {
		if _, err := all.Wait(5*time.Minute, 0, func(l lab.Line) bool {
			var e event
			return json.Unmarshal(l.Text, &e) == nil && e.Block.Height >= tip.Height/2
		}); err != nil {
			t.Fatal(err)
		}
		stop.Freeze()
		defer stop.Thaw()
	}
	line, err := all.Wait(10*time.Minute, 0, mentions(tip.ID))
	if err != nil {
		t.Fatalf("tip %v: %v", tip, err)
	}
	figures := syncFigures{took: line.At.Sub(start)}
	last := start
	for _, l := range all.Lines() {
		figures.pause = max(figures.pause, l.At.Sub(last))
		last = l.At
	}
	fresh.Stop()
	all.Close()
	return figures
}

// shortcut leaves out blocks that were applied and then reverted again.
func shortcut(all []event) (short []event) {
	for _, e := range all {
		if n := len(short); n > 0 && e.Type == "revert" && short[n-1].Type == "apply" && short[n-1].Block.ID == e.Block.ID {
			short = short[:n-1]
			continue
		}
		short = append(short, e)
	}
	return short
}
