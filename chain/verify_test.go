package chain_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// stored makes a closed store with a chain of payments and returns its blocks.
func stored(t *testing.T, b *builder) (*vfs.MemFS, []*core.Block) {
	t.Helper()
	fs := vfs.NewMem()
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	at := b.genesis()
	var blocks []*core.Block
	for range 30 {
		blk := b.spending(at, rng, 3)
		blocks, at = append(blocks, blk), blk.ID()
	}
	mustAdd(t, m, blocks...)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return fs, blocks
}

// openStore opens the store alone.
func openStore(t *testing.T, fs vfs.FS) *pebbledb.DB {
	t.Helper()
	db, err := pebbledb.Open("d", devRules(t).GenesisID(), pebbledb.Options{FS: fs, CacheBytes: 1 << 20, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// verifyStopped checks a stopped node's store without changing it.
func verifyStopped(t *testing.T, fs vfs.FS) (chain.VerifyReport, error) {
	t.Helper()
	rules := devRules(t)
	db, err := pebbledb.OpenReadOnly("d", rules.GenesisID(), pebbledb.Options{FS: fs, CacheBytes: 1 << 20, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	m, err := chain.Open(db, rules, chain.Options{})
	if err != nil {
		db.Close()
		return chain.VerifyReport{}, err
	}
	defer m.Close()
	return m.Verify(context.Background(), nil)
}

// One thing in the store is changed into another that is well-formed.
func TestVerifyFindsOneAlteration(t *testing.T) {
	b := newBuilder(t)
	clean, blocks := stored(t, b)
	if r, err := verifyStopped(t, clean); err != nil || len(r.Problems) > 0 || r.Blocks != 30 || r.Coins == 0 {
		t.Fatal(r, err)
	}
	tip := blocks[29]
	coins := b.coins[tip.ID()]
	coin := coins[sortedOutpoints(coins)[1]]
	other := coin
	other.Value++
	extra := coin
	extra.Index += 7
	undo := func(db *pebbledb.DB, i int) []byte {
		u, err := db.Undo(blocks[i].Header.Height, blocks[i].ID())
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(u)
	}
	commit := func(c chain.Commit) func(*pebbledb.DB) error {
		return func(db *pebbledb.DB) error {
			c.State = b.states[tip.ID()]
			return db.Commit(&c)
		}
	}
	record := func(change func(r *chain.Record)) func(*pebbledb.DB) error {
		return func(db *pebbledb.DB) error {
			r, err := db.Record(blocks[11].ID())
			if err != nil {
				return err
			}
			change(r)
			return db.Save(&chain.Changes{Records: []*chain.Record{r}})
		}
	}
	alterations := map[string]func(*pebbledb.DB) error{
		"coin altered":         commit(chain.Commit{Created: []core.Coin{other}}),
		"coin missing":         commit(chain.Commit{Spent: []core.Outpoint{coin.Outpoint}}),
		"coin too many":        commit(chain.Commit{Created: []core.Coin{extra}}),
		"index entry altered":  commit(chain.Commit{Index: map[uint32]core.Hash{7: blocks[8].ID()}}),
		"index entry missing":  commit(chain.Commit{Index: map[uint32]core.Hash{7: {}}}),
		"index entry too many": commit(chain.Commit{Index: map[uint32]core.Hash{31: blocks[8].ID()}}),
		"body altered": func(db *pebbledb.DB) error {
			txs := slices.Clone(blocks[4].Txs)
			txs[0].Outputs = []core.Output{{Value: txs[0].Outputs[0].Value, Address: core.Address{Hash: [20]byte{9}}}}
			altered, err := core.NewBlock(blocks[4].Header, txs)
			if err != nil {
				return err
			}
			return db.Save(&chain.Changes{Bodies: []*core.Block{altered}})
		},
		"body missing": func(db *pebbledb.DB) error {
			return db.Save(&chain.Changes{Dropped: []chain.BodyKey{{Height: 5, ID: blocks[4].ID()}}})
		},
		"undo altered": func(db *pebbledb.DB) error {
			for i := range blocks {
				u := undo(db, i)
				if n := len(u); (n-1)%core.HashSize != 0 { // holds coins
					u[n-30]++ // the last coin's value
					k := chain.BodyKey{Height: blocks[i].Header.Height, ID: blocks[i].ID()}
					return commit(chain.Commit{Undo: []chain.UndoRecord{{BodyKey: k, Undo: u}}})(db)
				}
			}
			return errors.New("no block spends coins")
		},
		"undo peaks altered": func(db *pebbledb.DB) error {
			u := undo(db, 0)
			u[5]++
			k := chain.BodyKey{Height: 1, ID: blocks[0].ID()}
			return commit(chain.Commit{Undo: []chain.UndoRecord{{BodyKey: k, Undo: u}}})(db)
		},
		"undo of another block": func(db *pebbledb.DB) error {
			k := chain.BodyKey{Height: 9, ID: blocks[8].ID()}
			return commit(chain.Commit{Undo: []chain.UndoRecord{{BodyKey: k, Undo: undo(db, 3)}}})(db)
		},
		"work altered":        record(func(r *chain.Record) { r.Work = r.Work.Add(r.Work) }),
		"far ancestor":        record(func(r *chain.Record) { r.Far = blocks[2].ID() }),
		"parent time altered": record(func(r *chain.Record) { r.ParentTime++ }),
		"flags lost":          record(func(r *chain.Record) { r.Flags = 0 }),
	}
	for what, alter := range alterations {
		t.Run(what, func(t *testing.T) {
			fs := copyFS(t, clean)
			db := openStore(t, fs)
			if err := alter(db); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := verifyStopped(t, fs)
			if err == nil && len(r.Problems) == 0 {
				t.Error("not found")
			}
		})
	}
}

// copyFS copies a store in memory.
func copyFS(t *testing.T, from *vfs.MemFS) *vfs.MemFS {
	t.Helper()
	to := vfs.NewMem()
	if ok, err := vfs.Clone(from, to, "d", "d"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	return to
}

// One bit of one value flips, of every kind of key: it is noticed.
func TestVerifyFindsOneFlippedBit(t *testing.T) {
	b := newBuilder(t)
	clean, _ := stored(t, b)
	for _, prefix := range "mhbuic" {
		for i := range 6 {
			fs := copyFS(t, clean)
			key := flipBit(t, fs, byte(prefix), rand.New(rand.NewPCG(uint64(i), uint64(prefix))))
			if strings.HasPrefix(key, "mtips") || strings.HasPrefix(key, "mschema") || strings.HasPrefix(key, "mgenesis") {
				continue // these fail at opening
			}
			r, err := verifyStopped(t, fs)
			if err == nil && len(r.Problems) == 0 {
				t.Errorf("flipped bit in the value of %q not found", key)
			}
			if err != nil && !errors.Is(err, chain.ErrCorrupt) {
				t.Errorf("flipped bit in the value of %q: %v, want corruption", key, err)
			}
		}
	}
}

// flipBit changes a random value behind the store's back.
func flipBit(t *testing.T, fs vfs.FS, prefix byte, rng *rand.Rand) string {
	t.Helper()
	db, err := pebble.Open("d/chain", &pebble.Options{FS: fs, Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	var keys, values [][]byte
	for ok := it.First(); ok; ok = it.Next() {
		keys, values = append(keys, slices.Clone(it.Key())), append(values, slices.Clone(it.Value()))
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	n := rng.IntN(len(keys))
	values[n][rng.IntN(len(values[n]))] ^= 1 << rng.IntN(8)
	if err := db.Set(keys[n], values[n], pebble.Sync); err != nil {
		t.Fatal(err)
	}
	return string(keys[n])
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) { panic("pebble") }

// Coins that vanish from the store are our failure, not the block's that spends
// one; rebuilding from the bodies repairs them.
func TestOwnCorruptionCondemnsNobody(t *testing.T) {
	b := newBuilder(t)
	fs, blocks := stored(t, b)
	tip := blocks[29]
	coins := b.coins[tip.ID()]
	coin := coins[sortedOutpoints(coins)[0]]
	db := openStore(t, fs)
	if err := db.Commit(&chain.Commit{State: b.states[tip.ID()], Spent: []core.Outpoint{coin.Outpoint}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	next := b.child(tip.ID(), b.pay(coin, 1))
	if _, err := m.AddBlocks(context.Background(), []*core.Block{next}); !errors.Is(err, chain.ErrCorrupt) {
		t.Fatalf("%v, want corruption", err)
	}
	if m.Verdict(next.ID()) != nil {
		t.Error("the block was condemned")
	}
	if _, err := m.StateHashFull(context.Background()); !errors.Is(err, chain.ErrCorrupt) {
		t.Errorf("full state hash: %v", err)
	}
	m.Close()
	if m, err = openOn(t, fs, chain.Options{Reindex: true}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != next.ID() {
		t.Errorf("tip at height %d after rebuilding", m.Tip().Height)
	}
	b.wantState(m)
	wantVerified(t, m)
}

// A coin that the store gives back altered is our failure, whichever rule the
// block that spends it then seems to break.
func TestAlteredCoinCondemnsNobody(t *testing.T) {
	for what, alter := range map[string]func(*core.Coin){
		"value":    func(c *core.Coin) { c.Value++ },
		"owner":    func(c *core.Coin) { c.Address.Hash[0]++ },
		"height":   func(c *core.Coin) { c.Coinbase, c.Height = true, 31 },
		"too much": func(c *core.Coin) { c.Value = core.MaxAmount + 1 },
	} {
		b := newBuilder(t)
		fs, blocks := stored(t, b)
		tip := blocks[29]
		coins := b.coins[tip.ID()]
		coin := coins[sortedOutpoints(coins)[0]]
		altered := coin
		alter(&altered)
		db := openStore(t, fs)
		if err := db.Commit(&chain.Commit{State: b.states[tip.ID()], Created: []core.Coin{altered}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		m, err := openOn(t, fs, chain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		next := b.child(tip.ID(), b.pay(coin, 1))
		if _, err := m.AddBlocks(context.Background(), []*core.Block{next}); !errors.Is(err, chain.ErrCorrupt) {
			t.Errorf("%s: %v, want corruption", what, err)
		}
		if m.Verdict(next.ID()) != nil {
			t.Errorf("%s: the block was condemned", what)
		}
		m.Close()
	}
}

// A damaged body is dropped with what rests on it; the rest is rebuilt, and the
// bodies are asked for again.
func TestReindexDropsADamagedBody(t *testing.T) {
	b := newBuilder(t)
	fs, blocks := stored(t, b)
	flipBit(t, fs, 'b', rand.New(rand.NewPCG(1, 1)))
	m, err := openOn(t, fs, chain.Options{Reindex: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if h := m.Tip().Height; h == 0 || h >= 30 {
		t.Fatalf("tip at height %d", h)
	}
	wantVerified(t, m)
	mustAdd(t, m, blocks...)
	if m.Tip().ID != blocks[29].ID() {
		t.Fatal("did not catch up")
	}
	b.wantState(m)
	wantVerified(t, m)
}

// A verdict of other rules is forgotten, and the block judged again.
func TestOtherRulesJudgeAgain(t *testing.T) {
	b := newBuilder(t)
	fs, blocks := stored(t, b)
	for _, revision := range []uint32{chain.RulesRevision, chain.RulesRevision + 1} {
		db := openStore(t, fs)
		v := &chain.Verdict{ID: blocks[20].ID(), Height: 21, Code: core.ErrTxSum, Revision: revision}
		if err := db.Save(&chain.Changes{Judged: []*chain.Verdict{v}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		m, err := openOn(t, fs, chain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := uint32(30)
		if revision == chain.RulesRevision {
			want = 20
		}
		if m.Tip().Height != want {
			t.Errorf("revision %d: tip at height %d, want %d", revision, m.Tip().Height, want)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStoreOfOtherRules(t *testing.T) {
	p := core.Dev()
	p.Name = "other"
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	fs, _ := stored(t, newBuilder(t))
	db := openStore(t, fs)
	defer db.Close()
	if _, err := chain.Open(db, rules, chain.Options{}); !errors.Is(err, chain.ErrWrongNetwork) {
		t.Fatal(err)
	}
}

// What the operator called invalid stays stored through a rebuilding, and can be
// reconsidered without anybody sending it again.
func TestReindexKeepsInvalidatedBlocks(t *testing.T) {
	b := newBuilder(t)
	fs, blocks := stored(t, b)
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Invalidate(t.Context(), blocks[20].ID()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err = openOn(t, fs, chain.Options{Reindex: true}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != blocks[19].ID() {
		t.Fatalf("tip at height %d", m.Tip().Height)
	}
	if err := m.Reconsider(t.Context(), blocks[20].ID()); err != nil {
		t.Fatal(err)
	}
	if m.Tip().ID != blocks[29].ID() {
		t.Fatalf("tip at height %d after reconsidering", m.Tip().Height)
	}
	wantVerified(t, m)
}

// One bit flips in a file of a store whose process was killed: opening or
// checking it tells, or what is left is an older state, and whole.
func TestFlippedBitInAFile(t *testing.T) {
	b := newBuilder(t)
	fs := vfs.NewCrashableMem()
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(8, 8))
	blocks := b.forest(rng, 60)
	mustAdd(t, m, blocks[:30]...)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err = openOn(t, fs, chain.Options{}); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, blocks[30:]...)
	killed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	const flips = 20 // opening and checking take a second each under the race detector
	noticed, older := 0, 0
	for range flips {
		fs := copyFS(t, killed)
		flipFileBit(t, fs, rng)
		m, err := openOn(t, fs, chain.Options{})
		if err != nil {
			noticed++
			continue
		}
		r, err := m.Verify(context.Background(), nil)
		switch {
		case err != nil || len(r.Problems) > 0:
			noticed++
		case *m.TipState() != *b.states[m.Tip().ID]:
			t.Error("a state that is not that of the tip")
		case m.Tip().ID != b.best(blocks):
			older++
		}
		m.Close()
	}
	t.Logf("of %d flipped bits %d were noticed, %d left an older state", flips, noticed, older)
	if noticed == 0 {
		t.Error("none was noticed")
	}
}

func flipFileBit(t *testing.T, fs *vfs.MemFS, rng *rand.Rand) {
	t.Helper()
	names, err := fs.List("d/chain")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(n string) bool {
		return !strings.HasSuffix(n, ".log") && !strings.HasSuffix(n, ".sst")
	})
	path := "d/chain/" + names[rng.IntN(len(names))]
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return
	}
	var one [1]byte
	at := rng.Int64N(st.Size())
	if _, err := f.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 1 << rng.IntN(8)
	if _, err := f.WriteAt(one[:], at); err != nil {
		t.Fatal(err)
	}
}

func TestReadOnly(t *testing.T) {
	b := newBuilder(t)
	fs, blocks := stored(t, b)
	rules := devRules(t)
	db, err := pebbledb.OpenReadOnly("d", rules.GenesisID(), pebbledb.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	m, err := chain.Open(db, rules, chain.Options{Now: clockOf})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != blocks[29].ID() {
		t.Error("tip")
	}
	if _, err := m.BlockAt(17); err != nil {
		t.Error(err)
	}
	if _, err := m.AddBlocks(context.Background(), []*core.Block{b.child(blocks[29].ID())}); !errors.Is(err, chain.ErrReadOnly) {
		t.Error(err)
	}
}
