package index

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

func smallOptions(fs vfs.FS) Options {
	return Options{FS: fs, CacheBytes: 1 << 20, MemTableBytes: 256 << 10}
}

func openIndex(t testing.TB, w *world, opts Options) *Index {
	t.Helper()
	x, err := Open("index", w, opts)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func closeIndex(t testing.TB, x *Index) {
	t.Helper()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// advance brings an index to the tip without Run.
func advance(t testing.TB, x *Index) {
	t.Helper()
	if err := x.catchUp(context.Background(), x.store); err != nil {
		t.Fatal(err)
	}
}

// rows reads all that the index keeps.
func rows(t testing.TB, x *Index) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := x.store.use(func() error {
		it, err := x.store.db.NewIter(&pebble.IterOptions{})
		if err != nil {
			return err
		}
		for ok := it.First(); ok; ok = it.Next() {
			all[string(it.Key())] = string(it.Value())
		}
		return it.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// check compares answers with the model of the block that the index stands at:
// all of the addresses, and those of some transactions, also of other branches.
func check(t testing.TB, w *world, x *Index, rng *rand.Rand) {
	t.Helper()
	v, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if v.Tip() != x.Tip() {
		t.Fatalf("view at %v, index at %v", v.Tip(), x.Tip())
	}
	if v.Tip().ID.IsZero() {
		return
	}
	m := w.model(v.Tip().ID)
	var supply core.Amount
	for _, a := range w.addrs {
		b, err := v.Balance(a)
		if want := m.balance(a, w.rules.Params().CoinbaseMaturity); err != nil || b != want {
			t.Fatalf("balance %+v (%v), want %+v", b, err, want)
		}
		supply += b.Confirmed + b.Immature
		checkLists(t, v, m, a, rng)
	}
	var minted core.Amount
	for h := uint32(1); h <= m.tip.Height; h++ {
		minted += w.rules.Params().SubsidyAt(h)
	}
	if supply != minted {
		t.Fatalf("balances sum up to %d, %d were minted", supply, minted)
	}
	for _, b := range w.blocks {
		for i := range b.Txs {
			// Others after another block.
			if id := b.TxID(i); (id[0]^m.tip.ID[0])%8 == 0 {
				checkTx(t, v, m, id, len(b.Txs[i].Outputs))
			}
		}
	}
}

func checkLists(t testing.TB, v *View, m *model, a core.Address, rng *rand.Rand) {
	t.Helper()
	limit := 1 + rng.IntN(7)
	var entries []Entry
	for at := (Cursor{}); ; {
		h, err := v.History(a, at, limit)
		if err != nil || h.Tip != m.tip || len(h.Entries) > limit {
			t.Fatal(h, err)
		}
		entries = append(entries, h.Entries...)
		if at = h.Next; at.IsZero() {
			break
		}
	}
	if d := cmp.Diff(m.history[a], entries); d != "" {
		t.Fatal("history", d)
	}
	var coins []core.Coin
	for at := (Cursor{}); ; {
		u, err := v.Unspent(a, at, limit)
		if err != nil || u.Tip != m.tip || len(u.Coins) > limit {
			t.Fatal(u, err)
		}
		coins = append(coins, u.Coins...)
		if at = u.Next; at.IsZero() {
			break
		}
	}
	if want := m.unspent(a); !reflect.DeepEqual(coins, want) {
		t.Fatalf("unspent %v, want %v", coins, want)
	}
}

func checkTx(t testing.TB, v *View, m *model, id core.Hash, outputs int) {
	t.Helper()
	want, ok := m.txs[id]
	got, err := v.Tx(id)
	if ok != (err == nil) || !ok && !errors.Is(err, chain.ErrNotFound) || ok && got != want {
		t.Fatalf("transaction %+v (%v), want %+v", got, err, want)
	}
	var ops []core.Outpoint
	for i := range outputs + 1 {
		ops = append(ops, core.Outpoint{TxID: id, Index: uint32(i)})
	}
	outs, err := v.Outputs(ops)
	if err != nil {
		t.Fatal(err)
	}
	for i, op := range ops {
		if d := cmp.Diff(m.outputs[op], outs[i]); d != "" {
			t.Fatal("output", d)
		}
	}
}

// Whatever the chain does, and wherever the process is killed, every answer is
// that of the block that the index stands at, and the rows are those of an index
// that never saw another branch.
func TestFollowsLikeTheModel(t *testing.T) {
	kept, midway := 0, 0
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t, 1+uint32(seed)%4)
		fs := vfs.NewCrashableMem()
		opts := smallOptions(fs)
		if seed%2 == 0 {
			opts.BatchBytes = 1 // a batch a block: crashes in the midst of a reorganisation
			opts.MemTableBytes = 16 << 10
		}
		x := openIndex(t, w, opts)
		known := []core.Hash{w.tip}
		for range 50 {
			switch rng.IntN(8) {
			case 0: // a jump to any block
				w.tip = known[rng.IntN(len(known))]
			case 1, 2: // a branch from not far below
				for range rng.IntN(6) {
					if b := w.blocks[w.tip]; b.Header.Height > 0 {
						w.tip = b.Header.Parent
					}
				}
				fallthrough
			default:
				for range 1 + rng.IntN(3) {
					w.tip = w.grow(rng, w.tip, rng.IntN(6)).ID()
					known = append(known, w.tip)
				}
			}
			if rng.IntN(3) == 0 {
				continue // falls behind
			}
			advance(t, x)
			if x.Tip().ID != w.tip {
				t.Fatal("not at the tip")
			}
			check(t, w, x, rng)
			if rng.IntN(4) > 0 {
				continue
			}
			if rng.IntN(2) == 0 {
				if err := x.store.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			dead := x
			opts.FS = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rand.New(rand.NewPCG(seed, rng.Uint64()))})
			fs = opts.FS.(*vfs.MemFS)
			x = openIndex(t, w, opts)
			closeIndex(t, dead)
			if x.progress.anew != "" {
				t.Fatal("a crash is no damage:", x.progress.anew)
			}
			check(t, w, x, rng)
			if at := x.Tip(); !at.ID.IsZero() {
				kept++
			}
			if at := x.Tip().ID; !at.IsZero() && at != w.tip {
				midway++
			}
		}
		advance(t, x)
		check(t, w, x, rng)
		fresh := openIndex(t, w, smallOptions(vfs.NewMem()))
		advance(t, fresh)
		if d := cmp.Diff(rows(t, fresh), rows(t, x)); d != "" {
			t.Error("rows differ from those of a new index:", d)
		}
		closeIndex(t, fresh)
		closeIndex(t, x)
	}
	if kept < 10 || midway < 3 {
		t.Errorf("%d crashes left something, %d of them less than all: too few to tell", kept, midway)
	}
}

// A chain that has lost its newest blocks is followed all the same.
func TestChainThatLostBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	w := newWorld(t, 2)
	x := openIndex(t, w, smallOptions(vfs.NewMem()))
	defer closeIndex(t, x)
	for range 10 {
		w.tip = w.grow(rng, w.tip, 3).ID()
	}
	common := w.tip
	for range 5 {
		w.tip = w.grow(rng, w.tip, 3).ID()
		w.lost[w.tip] = true
	}
	lostTip := w.tip
	w.lost = map[core.Hash]bool{}
	advance(t, x)
	for id := lostTip; id != common; id = w.blocks[id].Header.Parent {
		w.lost[id] = true
	}
	w.tip = w.grow(rng, common, 2).ID()
	advance(t, x)
	if x.Tip().ID != w.tip {
		t.Fatal("not at the tip")
	}
	check(t, w, x, rng)
	if err := x.WaitFor(context.Background(), lostTip); !errors.Is(err, chain.ErrNotFound) {
		t.Error("waiting for a block that is unknown:", err)
	}
}

func TestBuildsAnew(t *testing.T) {
	other := newWorld(t, 5)
	for name, harm := range map[string]func(t *testing.T, fs vfs.FS, w *world) *world{
		"another network": func(t *testing.T, fs vfs.FS, w *world) *world { return other },
		"another format": func(t *testing.T, fs vfs.FS, w *world) *world {
			x := openIndex(t, w, smallOptions(fs))
			if err := x.store.db.Set(keySchema, []byte{9, 0, 0, 0}, pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			closeIndex(t, x)
			return w
		},
		"a table cut short": func(t *testing.T, fs vfs.FS, w *world) *world {
			harmFiles(t, fs, ".sst", func(b []byte) []byte { return b[:len(b)/2] })
			return w
		},
		"a table gone": func(t *testing.T, fs vfs.FS, w *world) *world {
			harmFiles(t, fs, ".sst", nil)
			return w
		},
		"no manifest": func(t *testing.T, fs vfs.FS, w *world) *world {
			harmFiles(t, fs, "MANIFEST", nil)
			return w
		},
		"no marker": func(t *testing.T, fs vfs.FS, w *world) *world {
			harmFiles(t, fs, "marker.manifest", nil)
			return w
		},
		"a marked store": func(t *testing.T, fs vfs.FS, w *world) *world {
			x := openIndex(t, w, smallOptions(fs))
			x.mark()
			closeIndex(t, x)
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 2))
			w := newWorld(t, 2)
			for range 20 {
				w.tip = w.grow(rng, w.tip, 3).ID()
			}
			fs := vfs.NewMem()
			x := openIndex(t, w, smallOptions(fs))
			advance(t, x)
			if err := x.store.db.Flush(); err != nil {
				t.Fatal(err)
			}
			closeIndex(t, x)
			w = harm(t, fs, w)
			var log strings.Builder
			opts := smallOptions(fs)
			opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			x = openIndex(t, w, opts)
			defer closeIndex(t, x)
			if !strings.Contains(log.String(), "built anew") {
				t.Error("the log says nothing:", log.String())
			}
			if !x.Tip().ID.IsZero() {
				t.Error("begins at", x.Tip())
			}
			advance(t, x)
			if x.Tip().ID != w.tip {
				t.Error("not at the tip")
			}
			check(t, w, x, rng)
		})
	}
}

// harmFiles alters the files whose names contain part; nil deletes them.
func harmFiles(t *testing.T, fs vfs.FS, part string, alter func([]byte) []byte) {
	t.Helper()
	names, err := fs.List("index")
	if err != nil {
		t.Fatal(err)
	}
	harmed := 0
	for _, name := range names {
		if !strings.HasPrefix(name, part) && !strings.HasSuffix(name, part) {
			continue
		}
		harmed++
		name = fs.PathJoin("index", name)
		if alter == nil {
			if err := fs.Remove(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		f, err := fs.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		st, _ := f.Stat()
		b := make([]byte, st.Size())
		if _, err := f.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if f, err = fs.Create(name, vfs.WriteCategoryUnspecified); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(alter(b)); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if harmed == 0 {
		t.Fatal("no file to harm")
	}
}

// A directory that holds something else is never deleted.
func TestForeignDirectory(t *testing.T) {
	w := newWorld(t, 1)
	fs := vfs.NewMem()
	if err := fs.MkdirAll("index", 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Create(fs.PathJoin("index", "letter.txt"), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if x, err := Open("index", w, smallOptions(fs)); err == nil || !strings.Contains(err.Error(), "letter.txt") {
		t.Error(x, err)
	}
	if _, err := fs.Stat(fs.PathJoin("index", "letter.txt")); err != nil {
		t.Error(err)
	}
}

// An index that is open is never taken for a damaged one.
func TestOpenTwice(t *testing.T) {
	w := newWorld(t, 1)
	for _, opts := range []Options{smallOptions(vfs.NewMem()), smallOptions(vfs.Default)} {
		dir := t.TempDir()
		x, err := Open(dir, w, opts)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := Open(dir, w, opts); !errors.Is(err, chain.ErrLocked) {
			t.Error(second, err)
		}
		advance(t, x)
		closeIndex(t, x)
		if x, err = Open(dir, w, opts); err != nil || x.Tip().ID != w.tip {
			t.Fatal(err)
		}
		closeIndex(t, x)
	}
}

func TestCursorText(t *testing.T) {
	for _, c := range []Cursor{{}, {1, 2, 3}, {1<<32 - 1, maxU24, maxU24}} {
		if got, err := ParseCursor(c.String()); err != nil || got != c {
			t.Error(c, got, err)
		}
	}
	if c, err := ParseCursor(""); err != nil || !c.IsZero() {
		t.Error(c, err)
	}
	for _, s := range []string{"1", "1-2", "1-2-3-4", "01-2-3", "-1-2-3", "1-2-3 ", "1-16777216-0", "4294967296-0-0", "a-b-c"} {
		if _, err := ParseCursor(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestBoundsOfReads(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	w := newWorld(t, 1)
	x := openIndex(t, w, smallOptions(vfs.NewMem()))
	tx := core.NewCoinbase(1, 5000, w.addrs[1], nil)
	for range MaxPage + 10 {
		tx.Outputs = append(tx.Outputs, core.Output{Value: 1, Address: w.addrs[1]})
	}
	w.tip = w.block(w.tip, []core.Transaction{tx}).ID()
	advance(t, x)
	v, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]int{-1: 1, 0: 1, 1: 1, MaxPage: MaxPage, 1 << 40: MaxPage} {
		if u, err := v.Unspent(w.addrs[1], Cursor{}, limit); err != nil || len(u.Coins) != want || u.Next.IsZero() {
			t.Errorf("%d of %d coins, next %v, %v", len(u.Coins), limit, u.Next, err)
		}
	}
	if _, err := v.Outputs(make([]core.Outpoint, MaxOutputs+1)); err == nil {
		t.Error("too many outputs are looked for")
	}
	// A cursor that names no entry, from whoever made it up.
	if u, err := v.Unspent(w.addrs[1], Cursor{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, 5); err != nil || len(u.Coins) != 5 {
		t.Error(len(u.Coins), err)
	}
	// Other blocks do not change what a view says.
	before := v.Tip()
	w.tip = w.grow(rng, w.tip, 2).ID()
	advance(t, x)
	if b, err := v.Balance(w.addrs[1]); err != nil || b.Tip != before || b.Txs != 1 {
		t.Errorf("%+v %v", b, err)
	}
	v.Close()
	v.Close()
	if _, err := v.Balance(w.addrs[1]); !errors.Is(err, chain.ErrClosed) {
		t.Error(err)
	}
	closeIndex(t, x)
	closeIndex(t, x)
	if _, err := x.View(); !errors.Is(err, chain.ErrClosed) {
		t.Error(err)
	}
}
