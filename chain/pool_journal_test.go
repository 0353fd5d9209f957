package chain_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// branchTo lists the builder's blocks after genesis up to one.
func (b *builder) branchTo(id core.Hash) (blocks []*core.Block) {
	for at := id; at != b.genesis(); at = b.blocks[at].Header.Parent {
		blocks = append([]*core.Block{b.blocks[at]}, blocks...)
	}
	return blocks
}

// mustOpen opens a manager that the test closes.
func mustOpen(t *testing.T, disk vfs.FS, opts chain.Options) *chain.Manager {
	t.Helper()
	m, err := openOn(t, disk, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustClose(t *testing.T, m *chain.Manager) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func isPooled(m *chain.Manager, tx core.Transaction) (ok bool) {
	m.ReadPool(func(p *mempool.Pool) { ok = p.Has(tx.ID()) })
	return ok
}

// records reads a journal beside whoever has it open.
func records(t *testing.T, path string, genesis core.Hash) map[core.Hash]bool {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return toldIn(t, raw, genesis)
}

// toldIn lists what a journal has, and whether that was acknowledged.
func toldIn(t *testing.T, raw []byte, genesis core.Hash) map[core.Hash]bool {
	t.Helper()
	held, err := journal.Parse(raw, genesis)
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[core.Hash]bool)
	for _, r := range held.Records {
		tx, err := core.ParseTransaction(r.Tx)
		if err != nil {
			t.Fatal(err)
		}
		told[tx.ID()] = told[tx.ID()] || r.Acknowledged
	}
	return told
}

// What was acknowledged outlives a kill, with what it depends on; the rest of the
// pool outlives a clean end.
func TestJournalOverKillAndRestart(t *testing.T) {
	b := newBuilder(t)
	dir, mem := t.TempDir(), memFS()
	path := filepath.Join(dir, "mempool.dat")
	m := mustOpen(t, mem, chain.Options{Journal: path})
	coins := b.fund(m, 4)
	ours := b.pay(coins[0], 1000)
	parent := b.pay(coins[1], 1000)            // of a peer
	child := b.pay(outputOf(&parent, 0), 1000) // ours, and depends on it
	theirs := b.pay(coins[2], 1000)
	if outs, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{parent, theirs})); err != nil || outs[0].Err != nil || outs[1].Err != nil {
		t.Fatal(outs, err)
	}
	mustSubmit(t, m, ours, child)
	// The kill: what is in the file by now.
	killed := filepath.Join(dir, "killed")
	copyFile(t, path, killed)
	if told := records(t, killed, b.genesis()); len(told) != 3 || !told[ours.ID()] || !told[child.ID()] || told[parent.ID()] {
		t.Errorf("the journal has %v", told)
	}
	mustClose(t, m)

	other := mustOpen(t, memFS(), chain.Options{Journal: killed})
	if isPooled(other, ours) {
		t.Error("a payment whose coins are not there came back")
	}
	other.ReadPool(func(p *mempool.Pool) {
		if why, ok := p.Explain(ours.ID()); !ok || why.Reason != mempool.CoinGone {
			t.Errorf("%+v, %v", why, ok)
		}
	})
	mustClose(t, other)

	copyFile(t, path, killed+"2") // saved by Close: all of the pool
	if told := records(t, path, b.genesis()); len(told) != 4 || !told[ours.ID()] || !told[child.ID()] || told[parent.ID()] || told[theirs.ID()] {
		t.Errorf("after a clean end the journal has %v", told)
	}
	again := mustOpen(t, mem, chain.Options{Journal: path})
	for i, tx := range []core.Transaction{ours, parent, child, theirs} {
		if !isPooled(again, tx) {
			t.Errorf("payment %d did not come back", i)
		}
	}
	// Acknowledging again writes nothing that is there.
	size := fileSize(t, path)
	if outs, err := again.SubmitTxs(t.Context(), pointers([]core.Transaction{ours})); err != nil || outs[0].Status != mempool.Known {
		t.Fatal(outs, err)
	}
	if fileSize(t, path) != size {
		t.Error("a payment was written twice")
	}
	if _, err := again.SubmitTxs(t.Context(), pointers([]core.Transaction{theirs})); err != nil {
		t.Fatal(err)
	}
	if told := records(t, path, b.genesis()); !told[theirs.ID()] {
		t.Error("a known payment was acknowledged and not kept")
	}
	mustClose(t, again)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// The journal is judged when it is loaded: signatures too, and what a block took
// meanwhile is told apart.
func TestJournalIsJudged(t *testing.T) {
	b := newBuilder(t)
	dir, mem := t.TempDir(), memFS()
	path := filepath.Join(dir, "mempool.dat")
	m := mustOpen(t, mem, chain.Options{Journal: path})
	coins := b.fund(m, 4)
	good, mined, forged := b.pay(coins[0], 1000), b.pay(coins[1], 1000), b.pay(coins[2], 1000)
	// A child stands before its parent.
	child := b.pay(outputOf(&good, 1), 1000)
	mustAdd(t, m, b.child(m.Tip().ID, mined))
	mustClose(t, m)
	spoil(&forged, false)
	j, _, err := journal.Open(path, b.genesis(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tx := range []core.Transaction{child, mined, forged, good, good} {
		if err := j.Append(journal.Record{Time: 5, Acknowledged: true, Tx: tx.AppendTo(nil)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Append(journal.Record{Time: 6, Tx: []byte("no payment")}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	policy := mempool.DefaultPolicy()
	policy.Expiry = 1 << 60
	m = mustOpen(t, mem, chain.Options{Journal: path, Policy: &policy, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	m.ReadPool(func(p *mempool.Pool) {
		if s := p.Stats(0); s.Count != 2 || s.Orphans != 0 || !p.Has(good.ID()) || !p.Has(child.ID()) {
			t.Errorf("%+v", s)
		}
		if e, _ := p.Get(good.ID()); e.Time != 5 {
			t.Errorf("it came at %d", e.Time)
		}
		if why, ok := p.Explain(forged.ID()); !ok || why.Code != core.ErrTxSignature {
			t.Errorf("%+v, %v", why, ok)
		}
	})
	for _, want := range []string{"reason=confirmed count=1 acknowledged=1", "reason=tx-signature count=1", mined.ID().String(), "records=1", "count=2"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	mustClose(t, m)
}

// A file that is no journal, or another network's, is set aside: the node starts.
func TestAJournalThatCannotBeReadIsSetAside(t *testing.T) {
	b := newBuilder(t)
	for name, content := range map[string][]byte{"damaged": []byte("????"), "empty": nil, "other network": otherJournal(t)} {
		path := filepath.Join(t.TempDir(), "mempool.dat")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		m := mustOpen(t, memFS(), chain.Options{Journal: path, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		mustSubmit(t, m, b.pay(b.fund(m, 1)[0], 1000))
		mustClose(t, m)
		if aside, err := os.ReadFile(path + ".damaged"); err != nil || !bytes.Equal(aside, content) {
			t.Errorf("%s: %q, %v", name, aside, err)
		}
		if !strings.Contains(log.String(), path+".damaged") {
			t.Errorf("%s: nothing in the log", name)
		}
		if told := records(t, path, b.genesis()); len(told) != 1 {
			t.Errorf("%s: %d payments in the new journal", name, len(told))
		}
	}
	// What is not even a file is for the operator to look at.
	if m, err := openOn(t, memFS(), chain.Options{Journal: t.TempDir()}); err == nil {
		mustClose(t, m)
		t.Error("a directory passed as a journal")
	}
}

func otherJournal(t *testing.T) []byte {
	path := filepath.Join(t.TempDir(), "j")
	j, _, err := journal.Open(path, core.Hash{9}, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Once a block has taken payments, a rewrite drops them and keeps the others.
func TestTheJournalIsRewritten(t *testing.T) {
	b := newBuilder(t)
	path := filepath.Join(t.TempDir(), "mempool.dat")
	m := mustOpen(t, memFS(), chain.Options{Journal: path})
	coins := b.fund(m, 3)
	mined, stays := b.pay(coins[0], 1000), b.pay(coins[1], 1000)
	theirs := b.pay(coins[2], 1000)
	mustSubmit(t, m, mined, stays)
	if _, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{theirs})); err != nil {
		t.Fatal(err)
	}
	parent := m.Tip().ID
	mustAdd(t, m, b.child(parent, mined))
	if err := m.RewriteJournal(); err != nil {
		t.Fatal(err)
	}
	if told := records(t, path, b.genesis()); len(told) != 1 || !told[stays.ID()] {
		t.Errorf("the journal has %v", told)
	}
	// The block is reverted: the payment is owed again, and written.
	mustAdd(t, m, b.branch(parent, 2)...)
	if told := records(t, path, b.genesis()); len(told) != 2 || !told[mined.ID()] || !isPooled(m, mined) {
		t.Errorf("after the reorganisation the journal has %v", told)
	}
	mustClose(t, m)
	if _, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{b.pay(coins[2], 5000)})); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("a closed chain: %v", err)
	}
}

// A payment that a reverted block held is in the journal before the store has
// forgotten that block: a kill between the two would lose it.
func TestRevertedPaymentsAreJournalledBeforeTheChainMoves(t *testing.T) {
	b := newBuilder(t)
	path := filepath.Join(t.TempDir(), "mempool.dat")
	var mined *core.Transaction // to be in the journal when the store is written
	flushes := 0
	m := mustOpen(t, memFS(), chain.Options{Journal: path, Trace: func(phase string, begin bool) {
		if phase != chain.PhaseFlushing || !begin || mined == nil {
			return
		}
		if flushes++; !records(t, path, b.genesis())[mined.ID()] {
			t.Error("the store moves first")
		}
	}})
	coins := b.fund(m, 1)
	tx := b.pay(coins[0], 1000)
	mustSubmit(t, m, tx)
	parent := m.Tip().ID
	mustAdd(t, m, b.child(parent, tx))
	if err := m.RewriteJournal(); err != nil {
		t.Fatal(err)
	}
	mined = &tx
	mustAdd(t, m, b.branch(parent, 2)...)
	if flushes == 0 || !isPooled(m, tx) {
		t.Errorf("%d flushes, in the pool: %v", flushes, isPooled(m, tx))
	}
	mined = nil
	mustClose(t, m)
}

// What a kill during a rewrite leaves beside the journal goes at the next start;
// other files do not.
func TestHalfAJournalIsSweptAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [strange] name")
	path := filepath.Join(dir, "mempool.dat")
	half, others := path+".tmp-123", []string{path + ".damaged", filepath.Join(dir, "other.dat.tmp-1")}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(others, half) {
		if err := os.WriteFile(p, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, mustOpen(t, memFS(), chain.Options{Journal: path}))
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a journal is still there: %v", err)
	}
	for _, p := range others {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}

// A payment that was acknowledged and mined before a restart is an acknowledged one
// if its block is reverted.
func TestAPromiseOutlivesARestartInABlock(t *testing.T) {
	b := newBuilder(t)
	mem := memFS()
	path := filepath.Join(t.TempDir(), "mempool.dat")
	m := mustOpen(t, mem, chain.Options{Journal: path})
	coins := b.fund(m, 1)
	tx := b.pay(coins[0], 1000)
	mustSubmit(t, m, tx)
	parent := m.Tip().ID
	mustAdd(t, m, b.child(parent, tx))
	mustClose(t, m)
	m = mustOpen(t, mem, chain.Options{Journal: path})
	mustAdd(t, m, b.branch(parent, 2)...)
	if told := records(t, path, b.genesis()); !isPooled(m, tx) || !told[tx.ID()] {
		t.Errorf("in the pool: %v, acknowledged in the journal: %v", isPooled(m, tx), told[tx.ID()])
	}
	mustClose(t, m)
}

// What could not be written of reverted blocks is owed until it is.
func TestOwedPaymentsOutliveAFailedJournal(t *testing.T) {
	b := newBuilder(t)
	disk := &weakDisk{files: make(map[string][]byte)}
	m := mustOpen(t, memFS(), chain.Options{Journal: "j"}.WithJournal(journal.Options{Disk: disk}))
	coins := b.fund(m, 2)
	tx, other := b.pay(coins[0], 1000), b.pay(coins[1], 1000)
	parent := m.Tip().ID
	mustAdd(t, m, b.child(parent, tx)) // nobody here knows whether somebody was told
	disk.fail = true
	if _, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{other})); err == nil {
		t.Fatal("the journal did not fail")
	}
	mustAdd(t, m, b.branch(parent, 2)...)
	if !isPooled(m, tx) {
		t.Fatal("the payment did not come back")
	}
	disk.fail = false
	m.TendPool()
	m.TendPool()
	if !bytes.Contains(disk.files["j"], tx.AppendTo(nil)) {
		t.Error("the payment is not in the journal")
	}
	mustClose(t, m)
}

// A full journal is rewritten without what blocks took; if that does not help,
// nothing is acknowledged.
func TestAFullJournalRefuses(t *testing.T) {
	b := newBuilder(t)
	path := filepath.Join(t.TempDir(), "mempool.dat")
	const room = 1500 // bytes: about six payments
	m := mustOpen(t, memFS(), chain.Options{Journal: path}.WithJournal(journal.Options{MaxBytes: room}))
	coins := b.fund(m, 20)
	var txs []core.Transaction
	for _, c := range coins {
		txs = append(txs, b.pay(c, 1000))
	}
	n := 0
	var err error
	for ; err == nil; n++ {
		_, err = m.SubmitTxs(t.Context(), pointers(txs[n:n+1]))
	}
	if !errors.Is(err, journal.ErrFull) || n < 3 {
		t.Fatalf("payment %d: %v", n, err)
	}
	n-- // it is in the pool, but nobody was told
	if !isPooled(m, txs[n]) || records(t, path, b.genesis())[txs[n].ID()] {
		t.Error("the refused payment is not in the pool, or in the journal")
	}
	mustAdd(t, m, b.child(m.Tip().ID, txs[:n]...))
	if outs, err := m.SubmitTxs(t.Context(), pointers(txs[n:n+1])); err != nil || outs[0].Status != mempool.Known {
		t.Fatal(outs, err)
	}
	if told := records(t, path, b.genesis()); len(told) != 1 || !told[txs[n].ID()] {
		t.Errorf("the journal has %v", told)
	}
	mustClose(t, m)
}

// While the disk is full nothing is acknowledged; once there is room again, time
// mends the journal, with all that was acknowledged before.
func TestAFailedJournalMends(t *testing.T) {
	b := newBuilder(t)
	disk := &weakDisk{files: make(map[string][]byte)}
	var log bytes.Buffer
	m := mustOpen(t, memFS(), chain.Options{Journal: "j", Logger: slog.New(slog.NewTextHandler(&log, nil))}.WithJournal(journal.Options{Disk: disk}))
	coins := b.fund(m, 4)
	first, second, third := b.pay(coins[0], 1000), b.pay(coins[1], 1000), b.pay(coins[2], 1000)
	mustSubmit(t, m, first)
	if err := m.JournalErr(); err != nil {
		t.Fatal(err)
	}
	disk.fail = true
	for _, tx := range []core.Transaction{second, second, third} {
		if outs, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{tx})); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, chain.ErrNotKept) || outs != nil {
			t.Fatal(outs, err)
		}
	}
	m.TendPool()
	if err := m.JournalErr(); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, chain.ErrNotKept) {
		t.Error("while it has failed:", err)
	}
	if !strings.Contains(log.String(), "journal") {
		t.Error("nothing in the log")
	}
	disk.fail = false
	m.TendPool()
	if err := m.JournalErr(); err != nil {
		t.Error("mended:", err)
	}
	if outs, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{third})); err != nil || outs[0].Status != mempool.Known {
		t.Fatal(outs, err)
	}
	held, err := journal.Parse(disk.files["j"], b.genesis())
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[core.Hash]bool)
	for _, r := range held.Records {
		if tx, err := core.ParseTransaction(r.Tx); err == nil && r.Acknowledged {
			told[tx.ID()] = true
		}
	}
	if !told[first.ID()] || !told[third.ID()] {
		t.Errorf("%d of %d payments are marked", len(told), len(held.Records))
	}
	mustClose(t, m)
}
