package chain_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

var poolWalks = flag.Int("pool-walks", 200, "how many reorganisations TestPoolWalks makes")

// poolWalker is a chain that is led from branch to branch with payments in its
// pool.
type poolWalker struct {
	*walker
	dir   string
	lives int           // of the manager: each has a journal of its own
	clock time.Duration // since clockOf
	// promised are payments that were acknowledged; told are those of them of which
	// the pool has said, before a restart, why they left.
	promised map[core.Hash]core.Transaction
	told     map[core.Hash]bool
	// templates and returned count what happened, so that a test of nothing shows.
	templates, returned, kills int
}

func newPoolWalker(t *testing.T, seed uint64) *poolWalker {
	w := &poolWalker{
		walker: newWalker(t, seed), dir: t.TempDir(),
		promised: make(map[core.Hash]core.Transaction), told: make(map[core.Hash]bool),
	}
	if err := w.m.Close(); err != nil {
		t.Fatal(err)
	}
	w.fs = vfs.NewCrashableMem()
	policy := mempool.DefaultPolicy()
	policy.MinFeeRate, policy.ReplaceBump = 1, 1
	policy.MaxTxs = 5 + w.rng.IntN(60)
	policy.MaxAncestors, policy.MaxDescendants = 6, 6
	policy.Expiry = 60 * 60 * 1000
	w.opts.Policy = &policy
	w.opts.Now = func() time.Time { return clockOf().Add(w.clock) }
	w.opts.Journal = w.journal()
	w.closing = w.check
	if seed%4 == 0 {
		w.opened = func() { w.m.LimitMoves(1) } // every reorganisation is a long one
	}
	w.open()
	return w
}

func (w *poolWalker) journal() string { return filepath.Join(w.dir, strconv.Itoa(w.lives)) }

// spendable lists coins of the tip and of the pool, spent in the pool or not.
func (w *poolWalker) spendable() (coins []core.Coin) {
	tip := w.m.Tip().ID
	for _, op := range sortedOutpoints(w.coins[tip]) {
		coins = append(coins, w.coins[tip][op])
	}
	w.m.ReadPool(func(p *mempool.Pool) {
		for _, e := range p.Snapshot() {
			for i := range e.Transaction().Outputs {
				coins = append(coins, outputOf(e.Transaction(), i))
			}
		}
	})
	return coins
}

// offer makes payments, some of which spend the same coins or each other's, and
// gives them to the pool.
func (w *poolWalker) offer() {
	var txs []core.Transaction
	coins := w.spendable()
	for range w.rng.IntN(8) {
		if len(coins) == 0 {
			return
		}
		c := coins[w.rng.IntN(len(coins))]
		if c.Value < 5000 {
			continue
		}
		tx := w.pay(c, core.Amount(1+w.rng.IntN(2000)))
		txs = append(txs, tx)
		coins = append(coins, outputOf(&tx, 0))
	}
	w.rng.Shuffle(len(txs), func(i, j int) { txs[i], txs[j] = txs[j], txs[i] })
	if w.rng.IntN(3) == 0 {
		if _, err := w.m.AddTxs(w.t.Context(), "peer", pointers(txs)); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	outs, err := w.m.SubmitTxs(w.t.Context(), pointers(txs))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range outs {
		if outs[i].Err == nil {
			w.promised[outs[i].Tx.ID()] = *outs[i].Tx.Transaction()
		}
	}
}

// mine extends the tip by a template of the pool, which must be accepted.
func (w *poolWalker) mine() {
	tip := w.m.Tip()
	tmpl, err := w.m.PoolTemplate(clockOf(), w.addr, nil)
	if err != nil || tmpl.Parent != tip {
		w.t.Fatalf("template on %v, the tip is %v: %v", tmpl.Parent, tip, err)
	}
	w.salt++
	tmpl.Header.Time = tip.Time + 1000
	blk := w.solve(tmpl.Header, tmpl.Txs)
	w.add(blk)
	mustAdd(w.t, w.m, blk)
	if w.m.Tip().ID != blk.ID() {
		w.t.Fatal("the block of a template is not the tip")
	}
	w.templates += len(tmpl.Txs) - 1
}

// confirmed returns the blocks in which payments are, on the best chain.
func (w *poolWalker) confirmed() map[core.Hash]core.Hash {
	in := make(map[core.Hash]core.Hash)
	for at := w.m.Tip().ID; ; at = w.blocks[at].Header.Parent {
		b := w.blocks[at]
		for i := range b.Txs {
			in[b.TxID(i)] = at
		}
		if b.Header.Height == 0 {
			return in
		}
	}
}

// check looks at the pool as it stands.
func (w *poolWalker) check() {
	w.t.Helper()
	tip, in := w.m.Tip(), w.confirmed()
	w.m.ReadPool(func(p *mempool.Pool) {
		if p.Height() != tip.Height {
			w.t.Fatalf("the pool is at height %d, the tip at %d", p.Height(), tip.Height)
		}
		spent, made := make(map[core.Outpoint]bool), make(map[core.Hash]bool)
		for _, e := range p.Snapshot() {
			if _, ok := in[e.ID()]; ok {
				w.t.Fatal("a confirmed payment is in the pool")
			}
			for _, in := range e.Transaction().Inputs {
				c, ok := w.coins[tip.ID][in.Outpoint]
				switch {
				case spent[in.Outpoint]:
					w.t.Fatal("a coin is spent twice in the pool")
				case !ok && !made[in.TxID]:
					w.t.Fatal("a payment in the pool spends what is not there")
				case ok && !w.mature(c, tip.Height+1):
					w.t.Fatal("a payment in the pool spends a coinbase too early")
				}
				spent[in.Outpoint] = true
			}
			made[e.ID()] = true
		}
		for id := range w.promised {
			why, gone := p.Explain(id)
			at, mined := in[id]
			switch {
			case p.Has(id), mined && (!gone || why.Reason != mempool.Confirmed || why.Block == at):
				delete(w.told, id)
			case gone && why.Reason != mempool.Confirmed:
				w.told[id] = true
			case !w.told[id]:
				w.t.Fatalf("payment %s is not in the pool, nor in a block (%v), nor explained: %+v", id.Short(), mined, why)
			}
		}
	})
}

// pooled lists what is in the pool.
func (w *poolWalker) pooled() map[core.Hash]uint64 {
	ids := make(map[core.Hash]uint64)
	w.m.ReadPool(func(p *mempool.Pool) {
		for _, e := range p.Snapshot() {
			ids[e.ID()] = e.Time
		}
	})
	return ids
}

// why asks the pool why a payment left.
func (w *poolWalker) why(id core.Hash) (why mempool.Removed, ok bool) {
	w.m.ReadPool(func(p *mempool.Pool) { why, ok = p.Explain(id) })
	return why, ok
}

// restart closes and opens: everything in the pool is there again, but for what has
// to give way to payments that have waited, since a kill, for coins that were lost.
func (w *poolWalker) restart() {
	w.t.Helper()
	before := w.pooled()
	w.reopen()
	after := w.pooled()
	for id, at := range before {
		why, _ := w.why(id)
		if now, ok := after[id]; ok && now != at || !ok && why.Reason != mempool.Replaced && why.Reason != mempool.Evicted {
			w.t.Fatalf("payment %s of %d came back from a restart as of %d: %+v", id.Short(), at, now, why)
		}
	}
}

// kill ends the process: what was written is there, the rest is not. What is
// lost of the chain comes again.
func (w *poolWalker) kill() {
	w.t.Helper()
	if w.rng.IntN(2) == 0 {
		w.m.TendPool()
	}
	image := w.fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: w.rng})
	file, err := os.ReadFile(w.journal())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.m.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.lives++
	if err := os.WriteFile(w.journal(), file, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.fs, w.opts.Journal = image, w.journal()
	w.open()
	w.kills++
}

// Whatever the chain does, the pool fits the tip after each step, its templates
// are accepted, and a payment that was acknowledged is in the pool, in a block, or
// explained; restarts and kills included.
func TestPoolWalks(t *testing.T) {
	if raceEnabled {
		*poolWalks = min(*poolWalks, 50) // it has one goroutine
	}
	var sum poolWalker
	last := uint64(0)
	for i := range (*poolWalks + walksAChain - 1) / walksAChain {
		seed := *walksSeed + uint64(i)
		t.Cleanup(func() {
			if t.Failed() && seed >= last {
				t.Logf("-pool-walks %d -walks-seed %d", walksAChain, seed)
			}
		})
		last = seed
		w := newPoolWalker(t, seed)
		for range walksAChain {
			for range w.rng.IntN(4) {
				w.offer()
				w.check()
			}
			if w.rng.IntN(2) == 0 {
				w.mine()
				w.check()
			}
			w.walk()
			w.check()
			if w.rng.IntN(20) == 0 {
				w.detour()
				w.check()
			}
			switch w.rng.IntN(12) {
			case 0:
				w.restart()
			case 1:
				w.kill()
			case 2:
				w.clock += time.Duration(w.rng.IntN(40)) * time.Minute
				w.m.TendPool()
			}
			w.check()
		}
		w.wantState(w.m)
		if err := w.m.Close(); err != nil {
			t.Fatal(err)
		}
		sum.templates += w.templates
		sum.kills += w.kills
		sum.lives += len(w.promised)
		sum.returned += len(w.told)
	}
	t.Logf("%d payments acknowledged, %d explained, %d mined by templates, %d kills", sum.lives, sum.returned, sum.templates, sum.kills)
	if sum.lives < *poolWalks || sum.returned == 0 || sum.templates == 0 || sum.kills == 0 {
		t.Error("hardly anything happened")
	}
}
