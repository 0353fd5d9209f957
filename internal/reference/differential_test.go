package reference

import (
	"flag"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	executionsFlag = flag.Int("differential.n", 20_000, "blocks that core and the model both judge")
	seedFlag       = flag.Uint64("differential.seed", 1, "of the blocks' generator")
	worldFlag      = flag.Int64("differential.world", -1, "judge only this world, to see a difference again")
)

// worldBlocks is how long a world's chains may grow: past height 64, where the
// subsidy of the quickest halving ends.
const worldBlocks = 90

// progressEvery is how often a long run says how far it is.
const progressEvery = 30 * time.Second

// reachable are the verdicts that a block's bytes can lead to. Not among them:
// what takes a chain of many blocks (header-no-parent, header-bad-parent), the
// operator's word, what is said of a transaction alone (tx-malformed,
// tx-no-inputs), and tx-data, since more data does not parse.
var reachable = []string{
	"accepted",
	"rule header-parent", "rule header-height", "rule header-time", "rule header-bits", "rule header-work",
	"rule header-version", "defer header-new-rules", "defer header-future", "rule header-genesis",
	"body block-malformed", "body block-merkle-root", "rule block-size", "rule block-no-txs", "rule block-first-tx",
	"rule block-extra-coinbase", "rule block-coins", "rule block-double-spend",
	"rule coinbase-height", "rule coinbase-value", "rule coinbase-fee",
	"rule tx-version", "rule tx-size", "rule tx-no-outputs", "rule tx-owner-order", "rule tx-double-in", "rule tx-value",
	"rule tx-sum", "rule tx-kind", "rule tx-key-twice", "rule tx-key", "rule tx-signature",
	"rule connect-state", "rule connect-missing-coin", "rule connect-immature", "rule connect-owner", "rule connect-fee",
	"rule connect-input-sum",
}

// TestDifferential has core and the model judge the same bytes.
func TestDifferential(t *testing.T) {
	total := explore(t, *seedFlag, *executionsFlag, plant{})
	t.Log(total)
	if total.smallest != nil {
		t.Fatalf("core and the model differ, and this is the smallest of %d blocks:\n%v", total.differences, total.smallest)
	}
	if *worldFlag >= 0 {
		return
	}
	for _, v := range reachable {
		if total.codes[v] == 0 {
			t.Errorf("no block was judged %q", v)
		}
	}
	for v := range total.codes {
		if !slices.Contains(reachable, v) {
			t.Errorf("a block was judged %q, which is not in the list", v)
		}
	}
	if total.accepted*10 < total.executions {
		t.Errorf("%d of %d accepted, want a tenth", total.accepted, total.executions)
	}
	if total.unwanted > 0 {
		t.Errorf("both refuse %d blocks that were meant to be valid", total.unwanted)
	}
}

// explore grows one world after the other on every core, until so many blocks
// were judged or one made a difference. What each world is depends on seed and
// number alone.
func explore(t *testing.T, seed uint64, executions int, bug plant) *tally {
	var (
		mu    sync.Mutex
		total = newTally() // guarded by mu
		next  atomic.Uint64
		group sync.WaitGroup
	)
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return total.executions >= executions || total.differences > 0
	}
	began, said := time.Now(), time.Now() // said is guarded by mu
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for !enough() {
				number := next.Add(1) - 1
				if *worldFlag >= 0 {
					number = uint64(*worldFlag)
				}
				one := newTally()
				if err := exploreWorld(seeded(seed, number), number, bug, one, executions); err != nil {
					t.Errorf("world %d: %v", number, err)
					return
				}
				mu.Lock()
				total.add(one)
				if time.Since(said) > progressEvery {
					said = time.Now()
					t.Logf("%v: %d executions, %d accepted, %.0f a second", time.Since(began).Round(time.Second),
						total.executions, total.accepted, float64(total.executions)/time.Since(began).Seconds())
				}
				mu.Unlock()
				if *worldFlag >= 0 {
					return
				}
			}
		})
	}
	group.Wait()
	return total
}

func exploreWorld(c *choices, number uint64, bug plant, one *tally, limit int) error {
	w, err := newWorld(c, number, bug, one, limit)
	if err != nil {
		return err
	}
	blocks := worldBlocks
	if c.percent(70) {
		blocks = 5 + c.n(30)
	}
	w.run(blocks)
	return nil
}

// fuzzLimit bounds what one input of the fuzzer may make the validators judge.
const fuzzLimit = 64

// FuzzDifferential lets the fuzzer decide what the generator draws: its bytes are
// the choices, and the world ends with them.
func FuzzDifferential(f *testing.F) {
	for i := range uint64(8) {
		c := seeded(*seedFlag, i)
		b := make([]byte, 600)
		for j := range b {
			b[j] = byte(c.n(256))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		one := newTally()
		if err := exploreWorld(&choices{data: b}, 0, plant{}, one, fuzzLimit); err != nil {
			t.Fatal(err)
		}
		if one.smallest != nil {
			t.Fatal(one.smallest)
		}
	})
}
