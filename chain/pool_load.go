package chain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

const (
	// loadTxs is how many payments of a journal are judged together.
	loadTxs = 4096
	// namedTxs is how many refused payments a log line names.
	namedTxs = 5
)

// openJournal opens the journal of payments and offers what it holds to the pool,
// as if a peer had sent it.
func (m *Manager) openJournal(ctx context.Context) error {
	file, held, err := m.openJournalFile()
	if err != nil {
		return err
	}
	j := newTxJournal(file)
	j.late = latePayments{tip: m.work.ID, until: m.now() + lateAge}
	m.pool.journal = j
	l := loading{m: m, records: len(held.Records), refused: make(map[string]*refusals)}
	err = l.load(ctx, held.Records)
	held.Records = nil // with the bytes of the file
	if err == nil && l.worthRewriting(&held) {
		err = m.rewriteJournal(true)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("load the journal of payments: %w", err), file.Close())
	}
	l.report(&held)
	return nil
}

// openJournalFile opens the file; one that is no journal of this network is set
// aside, since a node must start.
func (m *Manager) openJournalFile() (*journal.Journal, journal.Loaded, error) {
	path, genesis, opts := m.opts.Journal, m.rules.GenesisID(), m.opts.journal
	if opts.MaxBytes == 0 {
		// A payment takes no more in the file than in the pool, whatever its bound: a
		// full pool leaves a quarter of the file.
		opts.MaxBytes = max(journal.DefaultMaxBytes, int64(m.pool.pool.Policy().MaxBytes)/3*4)
	}
	file, held, err := journal.Open(path, genesis, opts)
	if !errors.Is(err, journal.ErrFormat) && !errors.Is(err, journal.ErrGenesis) {
		return file, held, err
	}
	aside := path + ".damaged"
	if rerr := os.Rename(path, aside); rerr != nil {
		return nil, held, fmt.Errorf("%w; it cannot be set aside: %w", err, rerr)
	}
	m.opts.Logger.Warn("the journal of payments cannot be read: starting with an empty one", "err", err, "kept_as", aside)
	return journal.Open(path, genesis, opts)
}

// loading is what becomes of a journal's payments.
type loading struct {
	m        *Manager
	records  int
	accepted int
	again    int // records of a payment that another one is of, too
	broken   int // records that are no payment
	refused  map[string]*refusals
}

// refusals are payments that were refused for one reason.
type refusals struct {
	count, told int
	named       []string // the first of those that somebody was told of
}

// load judges the records in their order, some at a time: they take several times
// the memory once they are parsed. What misses something is tried again at the end:
// the order of the file need not be that of the pool.
func (l *loading) load(ctx context.Context, records []journal.Record) error {
	now := l.m.now()
	var late []keepable
	for some := range slices.Chunk(l.once(records), loadTxs) {
		missing, err := l.offer(ctx, parse(some, now), false)
		if err != nil {
			return err
		}
		late = append(late, missing...)
		l.m.pool.forgetNotes()
	}
	if _, err := l.offer(ctx, late, true); err != nil {
		return err
	}
	l.m.ForgetTxPeer("")
	l.m.pool.mu.Lock()
	defer l.m.pool.mu.Unlock()
	l.m.pool.pool.Expire(l.m.now())
	return nil
}

// once returns the records that are payments, the first of each, with what any of
// it says. They take the place of those that were there.
func (l *loading) once(records []journal.Record) []journal.Record {
	left := records[:0]
	seen := make(map[core.Hash]int32) // places in left
	for _, r := range records {
		t, err := core.ParseTransaction(r.Tx)
		if err != nil {
			l.broken++
			continue
		}
		id := t.ID()
		if at, ok := seen[id]; ok {
			left[at].Acknowledged = left[at].Acknowledged || r.Acknowledged
			l.again++
			continue
		}
		seen[id] = int32(len(left))
		left = append(left, r)
	}
	return left
}

// parse returns the payments of records that are some, none from the future.
func parse(records []journal.Record, now uint64) []keepable {
	list := make([]keepable, 0, len(records))
	for i := range records {
		r := &records[i]
		if t, err := core.ParseTransaction(r.Tx); err == nil {
			list = append(list, keepable{tx: mempool.NewTx(t), time: min(r.Time, now), told: r.Acknowledged})
		}
	}
	return list
}

// offer offers payments to the pool and notes what became of them. Unless it is
// the last time, those that miss something are returned.
func (l *loading) offer(ctx context.Context, list []keepable, last bool) (missing []keepable, err error) {
	txs, times := make([]*core.Transaction, len(list)), make([]uint64, len(list))
	for i := range list {
		txs[i], times[i] = list[i].tx.Transaction(), list[i].time
	}
	outs, err := l.m.offerTxs(ctx, "", txs, times)
	if err != nil {
		return nil, err
	}
	var in []keepable
	for i := range outs {
		switch {
		case outs[i].Err == nil:
			l.accepted++
			in = append(in, list[i])
		case core.CodeOf(outs[i].Err) == core.ErrMissingCoin && !last:
			missing = append(missing, list[i])
		default:
			l.refuse(&list[i], outs[i].Err)
		}
	}
	l.m.pool.journal.loaded(in)
	return missing, nil
}

// refuse notes why a payment did not come back.
func (l *loading) refuse(k *keepable, err error) {
	why := string(core.CodeOf(err))
	if core.CodeOf(err) == core.ErrMissingCoin && l.confirmed(k.tx) {
		why = string(mempool.Confirmed)
	}
	r := l.refused[why]
	if r == nil {
		r = &refusals{}
		l.refused[why] = r
	}
	r.count++
	if k.told {
		if why != string(mempool.Confirmed) { // nothing was lost
			if mayCome(err) {
				l.m.pool.journal.late.list = append(l.m.pool.journal.late.list, *k)
			}
			l.m.pool.mu.Lock()
			l.m.pool.pool.Lose(k.tx.ID(), err, l.m.now())
			l.m.pool.mu.Unlock()
		}
		if r.told++; len(r.named) < namedTxs {
			r.named = append(r.named, k.tx.ID().String())
		}
	}
}

// confirmed reports whether an output of a payment is a coin of the chain.
func (l *loading) confirmed(tx *mempool.Tx) bool {
	ops := make([]core.Outpoint, len(tx.Transaction().Outputs))
	for i := range ops {
		ops[i] = core.Outpoint{TxID: tx.ID(), Index: uint32(i)}
	}
	l.m.change.Lock()
	defer l.m.change.Unlock()
	found, err := l.m.coins.fetch(l.m.store, ops)
	return err == nil && len(found) > 0
}

// worthRewriting reports whether most of the file is of no use.
func (l *loading) worthRewriting(held *journal.Loaded) bool {
	return held.Damaged > 0 || 2*l.accepted < l.records
}

func (l *loading) report(held *journal.Loaded) {
	log := l.m.opts.Logger
	if held.Damaged > 0 || l.broken > 0 {
		log.Warn("parts of the journal of payments are damaged; payments in them are lost", "bytes", held.Damaged, "records", l.broken)
	}
	if l.accepted > 0 {
		log.Info("payments came back from the journal", "count", l.accepted)
	}
	for why, r := range l.refused {
		log.Info("payments of the journal are not in the pool any more", "reason", why, "count", r.count, "acknowledged", r.told, "some", r.named)
	}
}
