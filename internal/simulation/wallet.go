package simulation

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const (
	// receiving is how many addresses a wallet hands out; one more gets change.
	receiving = 2
	// maxLook bounds the payments that wait and concern one address, per look.
	maxLook = 200
	// maxChoice bounds the coins that one payment chooses from.
	maxChoice = 40
)

// Wallet is a person's: keys from words, made by package wallet, and a node that
// it trusts. It remembers nothing but its keys: what it has, the node tells it.
// So after it has moved to a node on the other side of a partition, it may spend
// again what it has spent.
type Wallet struct {
	rules *core.Rules
	own   []wallet.OwnAddress // the last is for change
	keys  map[core.Address]wallet.Key
	node  *Node
}

func newWallet(rng *rand.Rand, rules *core.Rules, language wallet.Language) (*Wallet, error) {
	entropy := make([]byte, 16)
	for i := range entropy {
		entropy[i] = byte(rng.Uint32())
	}
	words, err := wallet.NewMnemonic(entropy, language)
	if err != nil {
		return nil, err
	}
	seed, err := words.Seed(wallet.Passphrase{})
	if err != nil {
		return nil, err
	}
	account, err := seed.Account(0)
	if err != nil {
		return nil, err
	}
	w := &Wallet{rules: rules, keys: map[core.Address]wallet.Key{}}
	for i := range uint32(receiving + 1) {
		branch, index := wallet.Receive, i
		if i == receiving {
			branch, index = wallet.Change, 0
		}
		key, err := account.Key(branch, index)
		if err != nil {
			return nil, err
		}
		w.own = append(w.own, wallet.OwnAddress{Address: key.Address(), Path: key.Path()})
		w.keys[key.Address()] = key
	}
	return w, nil
}

// address returns one to be paid to.
func (w *Wallet) address(rng *rand.Rand) core.Address { return w.own[rng.IntN(receiving)].Address }

func (w *Wallet) owns(a core.Address) bool { _, ok := w.keys[a]; return ok }

// purse is what a wallet's node tells it.
type purse struct {
	height uint32
	// coins are what nothing spends, on the chain or waiting, by outpoint.
	coins []wallet.Coin
	// waiting are payments in the pool that spend coins of ours.
	waiting []mempool.Entry
}

// look asks the node for all coins and payments of the wallet.
func (w *Wallet) look() (p purse, err error) {
	if err := w.node.Ledger.Pull(); err != nil {
		return p, err
	}
	_, p.height = w.node.Ledger.Tip()
	var mined []wallet.Coin
	for _, own := range w.own {
		for _, c := range w.node.Ledger.ownedBy(own.Address) {
			mined = append(mined, wallet.Coin{Coin: c, Path: &own.Path})
		}
	}
	w.node.Chain.ReadPool(func(pool *mempool.Pool) {
		for _, c := range mined {
			if _, spent := pool.Spender(c.Outpoint); !spent {
				p.coins = append(p.coins, c)
			}
		}
		seen := map[core.Hash]bool{}
		for _, own := range w.own {
			for _, e := range pool.ByAddress(own.Address, 0, maxLook) {
				if !seen[e.ID()] {
					seen[e.ID()] = true
					w.lookAt(pool, &e, &p)
				}
			}
		}
	})
	slices.SortFunc(p.coins, func(a, b wallet.Coin) int {
		if c := bytes.Compare(a.TxID[:], b.TxID[:]); c != 0 {
			return c
		}
		return int(a.Index) - int(b.Index)
	})
	return p, nil
}

// lookAt takes from a payment in the pool what concerns the wallet.
func (w *Wallet) lookAt(pool *mempool.Pool, e *mempool.Entry, p *purse) {
	if slices.ContainsFunc(e.Coins, func(c core.Coin) bool { return w.owns(c.Address) }) {
		p.waiting = append(p.waiting, *e)
	}
	for i, out := range e.Transaction().Outputs {
		op := core.Outpoint{TxID: e.ID(), Index: uint32(i)}
		key, ours := w.keys[out.Address]
		if _, spent := pool.Spender(op); !ours || spent {
			continue
		}
		path := key.Path()
		coin := core.Coin{Outpoint: op, Value: out.Value, Address: out.Address}
		p.coins = append(p.coins, wallet.Coin{Coin: coin, Path: &path, Pending: true})
	}
}

// some returns at most maxChoice of the coins, so that large wallets choose as
// quickly as small ones.
func (p *purse) some(rng *rand.Rand) []wallet.Coin {
	coins := slices.Clone(p.coins)
	rng.Shuffle(len(coins), func(i, j int) { coins[i], coins[j] = coins[j], coins[i] })
	return coins[:min(len(coins), maxChoice)]
}

// spendable returns the coins that the next block, or one after it, may spend,
// and their sum.
func spendable(coins []wallet.Coin, height, maturity uint32) (usable []wallet.Coin, sum core.Amount) {
	for _, c := range coins {
		if !c.Coinbase || c.Height+maturity <= height+1 {
			usable = append(usable, c)
			sum += c.Value
		}
	}
	return usable, sum
}

// terms are those of a payment at a rate.
func (w *Wallet) terms(height uint32, rate wallet.FeeRate) wallet.Terms {
	return wallet.Terms{Rules: w.rules, Height: height, FeeRate: rate, SpendPending: true, AllowAbsurdFee: true}
}

// pay drafts, signs and returns a payment of some of the coins.
func (w *Wallet) pay(t wallet.Terms, coins []wallet.Coin, outputs ...core.Output) (*core.Transaction, error) {
	change := w.own[receiving]
	d, err := wallet.Pay(t, coins, wallet.Payment{Outputs: outputs, Change: change.Address, ChangePath: &change.Path})
	if err != nil {
		return nil, err
	}
	return w.sign(d)
}

// sweep pays all of the coins to one address.
func (w *Wallet) sweep(t wallet.Terms, coins []wallet.Coin, to core.Address) (*core.Transaction, error) {
	d, _, err := wallet.Sweep(t, coins, to, nil)
	if err != nil {
		return nil, err
	}
	return w.sign(d)
}

func (w *Wallet) sign(d *wallet.Draft) (*core.Transaction, error) {
	if _, err := d.Sign(func(a core.Address) (wallet.Key, bool) { k, ok := w.keys[a]; return k, ok }); err != nil {
		return nil, fmt.Errorf("sign payment %s: %w", d.TxID().Short(), err)
	}
	return d.Transaction(w.rules)
}

// outputs returns the coins that a payment makes for the wallet, as they stand
// in a pool.
func (w *Wallet) outputs(t *core.Transaction) (coins []wallet.Coin) {
	id := t.ID()
	for i, out := range t.Outputs {
		if key, ours := w.keys[out.Address]; ours {
			path := key.Path()
			coin := core.Coin{Outpoint: core.Outpoint{TxID: id, Index: uint32(i)}, Value: out.Value, Address: out.Address}
			coins = append(coins, wallet.Coin{Coin: coin, Path: &path, Pending: true})
		}
	}
	return coins
}
