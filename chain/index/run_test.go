package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// newManager opens a real chain in memory.
func newManager(t *testing.T) *chain.Manager {
	t.Helper()
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	db, err := pebbledb.OpenMem(rules.GenesisID())
	if err != nil {
		t.Fatal(err)
	}
	m, err := chain.Open(db, rules, chain.Options{Now: func() time.Time { return time.UnixMilli(1 << 50) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func mustAdd(t *testing.T, m *chain.Manager, blocks ...*coretest.Named) {
	t.Helper()
	for _, b := range blocks {
		if b.Err != nil {
			t.Fatal(b.Err)
		}
		if _, err := m.AddBlocks(t.Context(), []*core.Block{b.Block}); err != nil {
			t.Fatal(err)
		}
	}
}

// start runs an index; stop ends it and returns what Run returned.
func start(t *testing.T, x *Index) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func mustWait(t *testing.T, x *Index, id core.Hash) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := x.WaitFor(ctx, id); err != nil {
		t.Fatal(err)
	}
}

// balances are the confirmed balances of the named keys.
func balances(t *testing.T, x *Index, names ...string) (all []core.Amount) {
	t.Helper()
	v, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, n := range names {
		b, err := v.Balance(coretest.Key(n).Address)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Confirmed+b.Immature)
	}
	return all
}

// A payment on a real chain is confirmed, reorganised out, and confirmed again.
func TestFollowsAChain(t *testing.T) {
	m := newManager(t)
	c := coretest.New(t, core.Dev())
	a1 := c.Next("a1", coretest.Genesis)
	pay := coretest.Pay(c.Rules.GenesisID(), []core.Coin{a1.Coinbase()}, []string{ownerOf(t, a1)}, coretest.To("bob", 700), coretest.To("carol", 300))
	a2 := c.Next("a2", "a1", coretest.WithTx(pay))
	x, err := Open("index", m, smallOptions(vfs.NewMem()))
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, a1)
	stop := start(t, x)
	mustWait(t, x, a1.Block.ID())
	mustAdd(t, m, a2)
	mustWait(t, x, a2.Block.ID())
	if got := fmt.Sprint(balances(t, x, "bob", "carol")); got != fmt.Sprint([]core.Amount{700, 300}) {
		t.Error("confirmed:", got)
	}
	v, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	if o, err := v.Output(a1.Coinbase().Outpoint); err != nil || o.Spender == nil || o.Spender.TxID != pay.ID() || o.Spender.BlockID != a2.Block.ID() {
		t.Errorf("%+v %v", o, err)
	}
	v.Close()

	c.Chain("b", "a1", 2)
	b2 := c.Get("b2")
	mustAdd(t, m, c.Get("b1"), b2)
	mustWait(t, x, b2.Block.ID())
	if got := fmt.Sprint(balances(t, x, "bob", "carol")); got != fmt.Sprint([]core.Amount{0, 0}) {
		t.Error("reorganised out:", got)
	}
	mustWait(t, x, a2.Block.ID()) // no longer on the chain: the index is newer
	b3 := c.Next("b3", "b2", coretest.WithTx(pay))
	mustAdd(t, m, b3)
	mustWait(t, x, a2.Block.ID())
	mustWait(t, x, b3.Block.ID())
	mustWait(t, x, a1.Block.ID())
	if got := fmt.Sprint(balances(t, x, "bob", "carol")); got != fmt.Sprint([]core.Amount{700, 300}) {
		t.Error("confirmed again:", got)
	}
	st := x.Status()
	if st.Tip != st.Target || st.Tip.ID != b3.Block.ID() || st.Building || st.Err != nil || st.DiskBytes == 0 {
		t.Errorf("%+v", st)
	}
	if err := x.WaitFor(t.Context(), core.Hash{1}); !errors.Is(err, chain.ErrNotFound) {
		t.Error("unknown block:", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	b4 := c.Next("b4", "b3")
	mustAdd(t, m, b4)
	if err := x.WaitFor(t.Context(), b4.Block.ID()); !errors.Is(err, ErrStopped) {
		t.Error("waiting for an index that has stopped:", err)
	}
	mustWait(t, x, b3.Block.ID())
	closeIndex(t, x)
	if err := x.WaitFor(t.Context(), b4.Block.ID()); !errors.Is(err, chain.ErrClosed) {
		t.Error("waiting for a closed index:", err)
	}
}

// ownerOf names the key that a plain block's coinbase pays.
func ownerOf(t *testing.T, n *coretest.Named) string {
	t.Helper()
	for _, name := range []string{"miner", n.Name} {
		if coretest.Key(name).Address == n.Coinbase().Address {
			return name
		}
	}
	t.Fatal("whom does the coinbase pay?")
	return ""
}

func TestWaitEndsWithItsContext(t *testing.T) {
	w := newWorld(t, 1)
	w.tip = w.grow(rand.New(rand.NewPCG(1, 1)), w.tip, 0).ID()
	x := openIndex(t, w, smallOptions(vfs.NewMem()))
	defer closeIndex(t, x)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.WaitFor(ctx, w.tip); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Damage that a read meets is mended by Run.
func TestDamageWhileRunning(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	w := newWorld(t, 2)
	for range 20 {
		w.tip = w.grow(rng, w.tip, 3).ID()
	}
	x := openIndex(t, w, smallOptions(vfs.NewMem()))
	advance(t, x)
	if err := x.store.db.Set(addressKey(nil, prefixTotals, &w.addrs[0]), []byte{1, 0, 0, 0, 1, 9}, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	v, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Balance(w.addrs[0]); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	damaged := x.store
	v.Close()
	stop := start(t, x)
	for {
		x.mu.Lock()
		s, changed, tip := x.store, x.changed, x.tip
		x.mu.Unlock()
		if s != nil && s != damaged && tip.ID == w.tip {
			break
		}
		<-changed
	}
	check(t, w, x, rng)
	if st := x.Status(); st.Anew == "" {
		t.Errorf("%+v", st)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	closeIndex(t, x)
	// What was mended is not built again at the next start.
	x = openIndex(t, w, x.opts)
	if x.Tip().ID != w.tip {
		t.Error("begins at", x.Tip())
	}
	closeIndex(t, x)
}

// A feed that cannot be followed ends Run, rather than building anew for ever.
func TestGivesUp(t *testing.T) {
	w := newWorld(t, 2)
	bad := core.Transaction{Version: core.TxVersion, Inputs: []core.Input{{Outpoint: core.Outpoint{TxID: core.Hash{7}}}}, Witnesses: make([]core.Witness, 1)}
	w.tip = w.block(w.tip, []core.Transaction{core.NewCoinbase(1, 5, w.addrs[0], nil), bad}).ID()
	x := openIndex(t, w, smallOptions(vfs.NewMem()))
	if err := x.Run(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if st := x.Status(); !errors.Is(st.Err, ErrStopped) || !errors.Is(st.Err, ErrDamaged) {
		t.Errorf("%+v", st)
	}
	closeIndex(t, x)
}

func TestFailingDisk(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	var failing errorfs.Toggle
	failing.Injector = errorfs.ErrInjected.If(errorfs.Writes)
	w := newWorld(t, 2)
	opts := smallOptions(errorfs.Wrap(vfs.NewMem(), &failing))
	opts.MemTableBytes, opts.BatchBytes = 16<<10, 1
	x := openIndex(t, w, opts)
	for range 300 {
		w.tip = w.grow(rng, w.tip, 0).ID()
	}
	failing.On()
	defer failing.Off() // lets what Pebble still tries come to an end
	if err := x.Run(t.Context()); !errors.Is(err, chain.ErrDisk) {
		t.Error("run:", err)
	}
	if _, err := x.View(); !errors.Is(err, chain.ErrDisk) {
		t.Error("view:", err)
	}
	if err := x.Close(); !errors.Is(err, chain.ErrDisk) {
		t.Error("close:", err)
	}
}
