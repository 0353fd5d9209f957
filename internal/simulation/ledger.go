package simulation

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// pullBlocks is how many blocks a ledger asks for at a time: few, so that long
// reorganisations come in several parts.
const pullBlocks = 16

// feed is what a ledger needs of a chain.
type feed interface {
	UpdatesSince(cursor core.Hash, n int) (chain.Updates, error)
	Subscribe() (wake <-chan struct{}, cancel func())
}

// Ledger follows a node's chain through its feed of updates alone, as a wallet
// or an index would, and keeps every unspent coin. It fails at the first update
// that does not fit the one before.
type Ledger struct {
	feed  feed
	forks *Forks

	mu     sync.Mutex // guards what follows
	tip    core.Hash  // also the cursor
	height uint32
	coins  core.UTXOs
	owned  map[core.Address]map[core.Outpoint]struct{} // of coins, by owner
	spent  core.UTXOs                                  // every coin ever spent, for undoing it
	run    []core.Hash                                 // blocks reverted since the last that was applied
	err    error
}

func newLedger(f feed, genesis core.Hash, forks *Forks) *Ledger {
	return &Ledger{
		feed: f, forks: forks, tip: genesis,
		coins: core.UTXOs{}, owned: map[core.Address]map[core.Outpoint]struct{}{}, spent: core.UTXOs{},
	}
}

// reopen goes on with the feed of a node that has started again.
func (l *Ledger) reopen(f feed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.feed = f
}

// follow reads updates until ctx ends or an update does not fit.
func (l *Ledger) follow(ctx context.Context) error {
	l.mu.Lock()
	wake, cancel := l.feed.Subscribe()
	l.mu.Unlock()
	defer cancel()
	for {
		if err := l.Pull(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		}
	}
}

// Pull reads all updates there are. The first failure is final.
func (l *Ledger) Pull() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil {
		u, err := l.feed.UpdatesSince(l.tip, pullBlocks)
		if err == nil {
			err = l.read(&u)
		}
		if err != nil {
			l.err = fmt.Errorf("updates since %s at height %d: %w", l.tip.Short(), l.height, err)
		} else if !u.More {
			break
		}
	}
	return l.err
}

func (l *Ledger) read(u *chain.Updates) error {
	for _, b := range u.Reverted {
		if err := l.revert(b); err != nil {
			return err
		}
	}
	for _, b := range u.Applied {
		if err := l.apply(b); err != nil {
			return err
		}
	}
	if u.Cursor != l.tip {
		return fmt.Errorf("the cursor is %s, but the updates lead to %s", u.Cursor.Short(), l.tip.Short())
	}
	return nil
}

func (l *Ledger) revert(b *core.Block) error {
	if b.ID() != l.tip || b.Header.Height != l.height {
		return fmt.Errorf("block %s at height %d is reverted, but the tip is %s at %d", b.ID().Short(), b.Header.Height, l.tip.Short(), l.height)
	}
	for i := len(b.Txs) - 1; i >= 0; i-- {
		for j := range b.Txs[i].Outputs {
			l.take(core.Outpoint{TxID: b.TxID(i), Index: uint32(j)})
		}
		for _, in := range b.Txs[i].Inputs {
			l.put(l.spent[in.Outpoint])
		}
	}
	l.run = append(l.run, l.tip)
	l.tip, l.height = b.Header.Parent, l.height-1
	return nil
}

func (l *Ledger) apply(b *core.Block) error {
	if b.Header.Parent != l.tip || b.Header.Height != l.height+1 {
		return fmt.Errorf("block %s at height %d is applied, but the tip is %s at %d", b.ID().Short(), b.Header.Height, l.tip.Short(), l.height)
	}
	for i := range b.Txs {
		for _, in := range b.Txs[i].Inputs {
			c, ok := l.coins[in.Outpoint]
			if !ok {
				return fmt.Errorf("block %s at height %d spends a coin that is not there", b.ID().Short(), b.Header.Height)
			}
			l.spent[in.Outpoint] = c
			l.take(in.Outpoint)
		}
		l.create(b, i)
	}
	if len(l.run) > 0 {
		l.forks.note(l.run)
		l.run = nil
	}
	l.tip, l.height = b.ID(), b.Header.Height
	return nil
}

func (l *Ledger) create(b *core.Block, tx int) {
	for j, out := range b.Txs[tx].Outputs {
		op := core.Outpoint{TxID: b.TxID(tx), Index: uint32(j)}
		l.put(core.Coin{
			Outpoint: op, Value: out.Value, Address: out.Address, Height: b.Header.Height, Coinbase: tx == 0,
		})
	}
}

func (l *Ledger) put(c core.Coin) {
	l.coins[c.Outpoint] = c
	if l.owned[c.Address] == nil {
		l.owned[c.Address] = map[core.Outpoint]struct{}{}
	}
	l.owned[c.Address][c.Outpoint] = struct{}{}
}

func (l *Ledger) take(op core.Outpoint) {
	delete(l.owned[l.coins[op].Address], op)
	delete(l.coins, op)
}

// Tip returns the block that the ledger has come to.
func (l *Ledger) Tip() (id core.Hash, height uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tip, l.height
}

// Coins returns a copy of the unspent coins.
func (l *Ledger) Coins() core.UTXOs {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(core.UTXOs, len(l.coins))
	for op, c := range l.coins {
		all[op] = c
	}
	return all
}

// oldest returns the longest unspent coin of an address, provided that the
// ledger has come to the given block.
func (l *Ledger) oldest(tip core.Hash, owner core.Address) (coin core.Coin, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tip != tip {
		return coin, false
	}
	for op := range l.owned[owner] {
		if c := l.coins[op]; !ok || older(&c, &coin) {
			coin, ok = c, true
		}
	}
	return coin, ok
}

// ownedBy returns the unspent coins of an address, in no order.
func (l *Ledger) ownedBy(owner core.Address) []core.Coin {
	l.mu.Lock()
	defer l.mu.Unlock()
	coins := make([]core.Coin, 0, len(l.owned[owner]))
	for op := range l.owned[owner] {
		coins = append(coins, l.coins[op])
	}
	return coins
}

func older(a, b *core.Coin) bool {
	if a.Height != b.Height {
		return a.Height < b.Height
	}
	return bytes.Compare(a.TxID[:], b.TxID[:]) < 0
}

// Forks counts reorganisations, as the ledgers of all nodes see them.
type Forks struct {
	mu     sync.Mutex        // guards what follows
	depths map[core.Hash]int // by the lowest block reverted: the most blocks reverted with it
	reorgs int
}

// note remembers that a chain of blocks, the highest first, was reverted.
func (f *Forks) note(reverted []core.Hash) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lowest := reverted[len(reverted)-1]
	f.depths[lowest] = max(f.depths[lowest], len(reverted))
	f.reorgs++
}

// Count returns how many branches of at least the given length lost, however
// many nodes had been on them.
func (f *Forks) Count(depth int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, d := range f.depths {
		if d >= depth {
			n++
		}
	}
	return n
}

// Deepest returns the most blocks that a reorganisation reverted.
func (f *Forks) Deepest() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	deepest := 0
	for _, d := range f.depths {
		deepest = max(deepest, d)
	}
	return deepest
}

// Reorgs returns how many reorganisations there were, on all nodes together.
func (f *Forks) Reorgs() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reorgs
}
