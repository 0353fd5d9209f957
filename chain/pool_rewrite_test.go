package chain_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// weakDisk is in memory and fails if it is told to. Whoever uses it from several
// goroutines must not tell it to.
type weakDisk struct {
	mu    sync.Mutex
	files map[string][]byte
	fail  bool
	// rewriting is called once when all records of a new file are written.
	rewriting func()
	// created counts new files.
	created int
	// writing is called once before anything is written to the journal.
	writing func()
}

func (d *weakDisk) ReadFile(path string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(b), nil
}

func (d *weakDisk) Read(path string, from int64) (io.ReadCloser, error) {
	b, err := d.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(b[from:])), nil
}

func (d *weakDisk) Sweep(string) {}

func (d *weakDisk) Create(path string) (journal.Replacement, error) {
	if d.fail {
		return nil, syscall.ENOSPC
	}
	d.mu.Lock()
	d.created++
	d.mu.Unlock()
	return &weakReplacement{weakFile: weakFile{d, path}}, nil
}

func (d *weakDisk) Append(path string) (journal.File, error) { return &weakFile{d, path}, nil }

type weakFile struct {
	disk *weakDisk
	path string
}

func (f *weakFile) Write(b []byte) (int, error) {
	if f.disk.fail {
		return 0, syscall.ENOSPC
	}
	f.disk.mu.Lock()
	do := f.disk.writing
	f.disk.writing = nil
	f.disk.mu.Unlock()
	if do != nil {
		do()
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.files[f.path] = append(f.disk.files[f.path], b...)
	return len(b), nil
}
func (f *weakFile) Sync() error          { return nil }
func (f *weakFile) Close() error         { return nil }
func (f *weakFile) Truncate(int64) error { return nil }

type weakReplacement struct {
	weakFile
	data []byte
}

func (r *weakReplacement) Write(b []byte) (int, error) {
	if r.disk.fail {
		return 0, syscall.ENOSPC
	}
	r.data = append(r.data, b...)
	return len(b), nil
}

func (r *weakReplacement) Sync() error {
	if do := r.disk.rewriting; do != nil {
		r.disk.rewriting = nil
		do()
	}
	return nil
}

func (r *weakReplacement) Commit() error {
	if r.disk.fail {
		return syscall.ENOSPC
	}
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	r.disk.files[r.path] = r.data
	return nil
}

func (r *weakReplacement) Discard() {}

// told lists what a journal on the disk has, and whether that was acknowledged.
func (d *weakDisk) told(t *testing.T, path string, genesis core.Hash) map[core.Hash]bool {
	t.Helper()
	raw, err := d.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return toldIn(t, raw, genesis)
}

// A payment that has left the pool and comes again while the journal is rewritten
// without it, is written again: its record goes with the old file. So is one whose
// block is reverted just then.
func TestPaymentsThatComeAgainDuringARewrite(t *testing.T) {
	b := newBuilder(t)
	disk := &weakDisk{files: make(map[string][]byte)}
	m := mustOpen(t, memFS(), chain.Options{Journal: "j"}.WithJournal(journal.Options{Disk: disk}))
	coins := b.fund(m, 3)
	gone, mined, stays := b.pay(coins[0], 1000), b.pay(coins[1], 1000), b.pay(coins[2], 1000)
	mustSubmit(t, m, gone, mined, stays)
	m.RemoveTx(gone.ID())
	parent := m.Tip().ID
	mustAdd(t, m, b.child(parent, mined))
	disk.rewriting = func() {
		mustSubmit(t, m, gone)
		mustAdd(t, m, b.branch(parent, 2)...)
	}
	if err := m.RewriteJournal(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what the rewrite has noted is right: another one loses nothing
		told := disk.told(t, "j", b.genesis())
		for i, tx := range []core.Transaction{gone, mined, stays} {
			if !isPooled(m, tx) || !told[tx.ID()] {
				t.Errorf("payment %d: in the pool %t, in the journal %v", i, isPooled(m, tx), told)
			}
		}
		size := len(disk.files["j"])
		if outs, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{gone, mined, stays})); err != nil || outs[1].Status != mempool.Known {
			t.Fatal(outs, err)
		}
		if len(disk.files["j"]) != size {
			t.Error("what the journal has is written again")
		}
		if err := m.RewriteJournal(); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, m)
}

// While somebody else writes a payment that a reverted block had, a change of the
// chain does not go on: its store would forget the block before the journal has it.
func TestAChangeWaitsForWhoSavesPayments(t *testing.T) {
	b := newBuilder(t)
	disk := &weakDisk{files: make(map[string][]byte)}
	m := mustOpen(t, memFS(), chain.Options{Journal: "j"}.WithJournal(journal.Options{Disk: disk}))
	tx := b.pay(b.fund(m, 1)[0], 1000)
	mustSubmit(t, m, tx)
	parent := m.Tip().ID
	mustAdd(t, m, b.child(parent, tx))
	if err := m.RewriteJournal(); err != nil {
		t.Fatal(err)
	}
	went := make(chan bool)
	disk.writing = func() {
		go func() {
			m.SaveOwed()
			told := disk.told(t, "j", b.genesis())
			went <- told[tx.ID()]
		}()
		select {
		case has := <-went:
			go func() { went <- has }()
		case <-time.After(50 * time.Millisecond): // as it should
		}
	}
	mustAdd(t, m, b.branch(parent, 2)...)
	if !<-went {
		t.Error("a change went on before the payment was in the journal")
	}
	mustClose(t, m)
}

// What is promised of a payment in vain, since the disk fails, is promised anew
// when it is submitted again.
func TestAPromiseThatFailedIsWrittenLater(t *testing.T) {
	b := newBuilder(t)
	disk := &weakDisk{files: make(map[string][]byte)}
	m := mustOpen(t, memFS(), chain.Options{Journal: "j"}.WithJournal(journal.Options{Disk: disk}))
	parent := b.pay(b.fund(m, 1)[0], 1000)
	child := b.pay(outputOf(&parent, 0), 1000)
	if _, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{parent})); err != nil {
		t.Fatal(err)
	}
	mustSubmit(t, m, child) // the parent is written along
	disk.rewriting = func() {
		disk.fail = true
		if _, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{parent})); err == nil {
			t.Error("the disk did not fail")
		}
		disk.fail = false
	}
	if err := m.RewriteJournal(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{parent})); err != nil {
		t.Fatal(err)
	}
	if told := disk.told(t, "j", b.genesis()); !told[parent.ID()] || !told[child.ID()] {
		t.Errorf("the journal has %v", told)
	}
	mustClose(t, m)
}

// However many payments are driven out of the pool, the journal knows of few more
// than are in it; and what is in it outlives a kill, also after a rewrite.
func TestNotesOfPaymentsThatLeftAreForgotten(t *testing.T) {
	const room, batch = 500, 200
	const bound = room*chain.NotesGrowth/100 + chain.NotesSlack + batch
	p := newPurse(t, 2*chain.NotesSlack+room)
	dir, mem := t.TempDir(), memFS()
	policy := mempool.DefaultPolicy()
	policy.MaxTxs = room
	opts := chain.Options{Policy: &policy, Journal: filepath.Join(dir, "mempool.dat")}
	m := p.reopen(t, mem, opts)
	mustAdd(t, m, p.chain...)
	most := 0
	for txs := range slices.Chunk(p.rising(), batch) {
		submitAll(t, m, txs, batch, 1)
		notes, _ := m.Notes()
		most = max(most, notes)
	}
	if most > bound || most < chain.NotesSlack {
		t.Errorf("%d notes, want at most %d", most, bound)
	}
	for range 2 {
		wantKept(t, m, opts.Journal, p.genesis(), room)
		if err := m.RewriteJournal(); err != nil {
			t.Fatal(err)
		}
		if n, _ := m.Notes(); n != room {
			t.Errorf("%d notes after a rewrite, want %d", n, room)
		}
	}
	killed := filepath.Join(dir, "killed")
	copyFile(t, opts.Journal, killed)
	mustClose(t, m)
	opts.Journal = killed
	m = p.reopen(t, mem, opts)
	m.ReadPool(func(p *mempool.Pool) {
		if n := p.Stats(0).Count; n != room {
			t.Errorf("%d payments came back, want %d", n, room)
		}
	})
	mustClose(t, m)
}

// reopen opens a manager of the purse's network.
func (p *purse) reopen(t *testing.T, disk vfs.FS, opts chain.Options) *chain.Manager {
	t.Helper()
	m, err := openWith(p.rules, disk, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rising makes payments each of which pays more than all before.
func (p *purse) rising() []*core.Transaction {
	txs := make([]*core.Transaction, len(p.coins))
	for i, c := range p.coins {
		tx := p.pay(c, 1000+core.Amount(i))
		txs[i] = &tx
	}
	return txs
}

// wantKept checks that so many payments at least are in the pool, and all in the
// journal.
func wantKept(t *testing.T, m *chain.Manager, path string, genesis core.Hash, least int) {
	t.Helper()
	told := records(t, path, genesis)
	m.ReadPool(func(p *mempool.Pool) {
		list := p.Snapshot()
		if len(list) < least {
			t.Errorf("%d payments are in the pool, want %d", len(list), least)
		}
		for _, e := range list {
			if !told[e.ID()] {
				t.Fatalf("payment %s was acknowledged and is not in the journal", e.ID().Short())
			}
		}
	})
}

// In the journal is room for all that is in the pool, however large that may be.
func TestTheJournalOfALargePool(t *testing.T) {
	policy := mempool.DefaultPolicy()
	policy.Fit(2 * mempool.DefaultMemory)
	opts := chain.Options{Policy: &policy, Journal: "j"}
	disk := &weakDisk{files: make(map[string][]byte)}
	m := mustOpen(t, memFS(), opts.WithJournal(journal.Options{Disk: disk}))
	tx := make([]byte, journal.MaxTxBytes)
	for held := 0; held < policy.MaxBytes; held += len(tx) {
		if err := m.AppendToJournal(journal.Record{Tx: tx}); err != nil {
			t.Fatalf("with %d bytes, of a pool of %d: %v", held, policy.MaxBytes, err)
		}
	}
	mustClose(t, m)
}

// Where many find the journal full, one makes room for all of them.
func TestManyFindTheJournalFull(t *testing.T) {
	const room, before, many = 10, 30, 8
	p := newPurse(t, before+many)
	disk := &weakDisk{files: make(map[string][]byte)}
	policy := mempool.DefaultPolicy()
	policy.MaxTxs = room
	var txs []*core.Transaction
	for i, c := range p.coins {
		tx := p.pay(c, 1000*core.Amount(i+1)) // more than the floor that the one before leaves
		txs = append(txs, &tx)
	}
	record := int64(journal.RecordBytes + len(txs[0].AppendTo(nil)))
	opts := chain.Options{Policy: &policy, Journal: "j"}
	m := p.reopen(t, memFS(), opts.WithJournal(journal.Options{Disk: disk, MaxBytes: (before + 1) * record}))
	mustAdd(t, m, p.chain...)
	submitAll(t, m, txs[:before], 1, 1)
	disk.created = 0
	disk.rewriting = func() {
		stacks := make([]byte, 1<<20)
		for bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("(*Manager).makeRoom(")) < many {
			runtime.Gosched() // until all have found it full
		}
	}
	submitAll(t, m, txs[before:], 1, many)
	if disk.created != 1 {
		t.Errorf("%d rewrites, want 1", disk.created)
	}
	mustClose(t, m)
}

// Payments are submitted by several, driven out and submitted again, while notes
// are forgotten and the journal is rewritten all the time.
func TestSubmitForgetAndRewriteSideBySide(t *testing.T) {
	const room = 200
	p := newPurse(t, 1500)
	path := filepath.Join(t.TempDir(), "mempool.dat")
	policy := mempool.DefaultPolicy()
	policy.MaxTxs = room
	m := p.reopen(t, memFS(), chain.Options{Policy: &policy, Journal: path})
	mustAdd(t, m, p.chain...)
	txs := p.rising()
	done := make(chan struct{})
	var others, submitters sync.WaitGroup
	for _, do := range []func() error{m.RewriteJournal, m.ForgetNotes} {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := do(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for from := range 4 {
		submitters.Go(func() {
			for at := from * 10; at < len(txs); at += 40 {
				for range 2 {
					some := txs[at:min(at+10, len(txs))]
					if _, err := m.SubmitTxs(t.Context(), some); err != nil {
						t.Error(err)
						return
					}
					m.RemoveTx(some[0].ID()) // and comes again, unless the pool is full
				}
			}
		})
	}
	submitters.Wait()
	close(done)
	others.Wait()
	if _, writing := m.Notes(); writing != 0 {
		t.Errorf("%d appends are said to be under way", writing)
	}
	// Some that were removed did not come again: the pool was full meanwhile.
	wantKept(t, m, path, p.genesis(), room/2)
	mustClose(t, m)
}

// A long journal is loaded in parts; what it says of a payment in another part
// counts.
func TestALongJournalIsLoadedInParts(t *testing.T) {
	p := newPurse(t, chain.LoadTxs+300)
	path, mem := filepath.Join(t.TempDir(), "mempool.dat"), memFS()
	m := p.reopen(t, mem, chain.Options{})
	mustAdd(t, m, p.chain...)
	mustClose(t, m)
	txs := p.payments()
	last := len(txs) - 1
	var list []journal.Record
	for i, tx := range txs {
		list = append(list, journal.Record{Time: uint64(i + 1), Tx: tx.AppendTo(nil)})
	}
	list = append(list, journal.Record{Tx: []byte("no payment")})
	for _, i := range []int{0, last} {
		list = append(list, journal.Record{Time: 5, Acknowledged: true, Tx: list[i].Tx})
	}
	list[7].Acknowledged = true
	list = append(list, journal.Record{Tx: list[7].Tx})
	j, _, err := journal.Open(path, p.genesis(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(list...); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	policy := mempool.DefaultPolicy()
	policy.Expiry = 1 << 60
	m = p.reopen(t, mem, chain.Options{Policy: &policy, Journal: path, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	m.ReadPool(func(p *mempool.Pool) {
		for i, tx := range txs {
			if e, ok := p.Get(tx.ID()); !ok || e.Time != uint64(i+1) {
				t.Fatalf("payment %d: in the pool %t, as of %d", i, ok, e.Time)
			}
		}
	})
	for _, want := range []string{"records=1", fmt.Sprint("count=", len(txs))} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	if err := m.RewriteJournal(); err != nil {
		t.Fatal(err)
	}
	told := records(t, path, p.genesis())
	for i, tx := range txs {
		if want := i == 0 || i == 7 || i == last; told[tx.ID()] != want {
			t.Errorf("payment %d is acknowledged: %t", i, !want)
		}
	}
	mustClose(t, m)
}

// A payment that somebody is told is known, for being in a block, outlives a power
// cut.
func TestAKnownPaymentOutlivesItsBlock(t *testing.T) {
	b := newBuilder(t)
	disk := vfs.NewCrashableMem()
	opts := chain.Options{Journal: filepath.Join(t.TempDir(), "j")}
	m := mustOpen(t, disk, opts)
	tx := b.pay(b.fund(m, 1)[0], 1000)
	if err := m.Sync(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{tx})); err != nil {
		t.Fatal(err)
	}
	block := b.child(m.Tip().ID, tx)
	mustAdd(t, m, block)
	outs, err := m.SubmitTxs(t.Context(), pointers([]core.Transaction{tx}))
	if err != nil || outs[0].Status != mempool.Known {
		t.Fatal(outs, err)
	}
	image := disk.CrashClone(vfs.CrashCloneCfg{})
	killed := filepath.Join(t.TempDir(), "killed")
	copyFile(t, opts.Journal, killed)
	mustClose(t, m)
	m = mustOpen(t, image, chain.Options{Journal: killed})
	if !isPooled(m, tx) && !m.OnBestChain(block.ID()) {
		t.Errorf("it is lost; the tip is at height %d", m.Tip().Height)
	}
	mustClose(t, m)
}
