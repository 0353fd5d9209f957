package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

const (
	// maxLooks bounds how often the node is asked again because its tip moved
	// between two pages of one answer.
	maxLooks = 20
	// maxCoins bounds the coins of one view, far above what a wallet can use.
	maxCoins = 5_000_000
	// maxGrowth bounds how often the list of addresses grows by what the node
	// knows of them: each time by one to twenty.
	maxGrowth = 1000
)

var errRestless = errors.New("the chain's tip moved each time while the node was asked page by page; try again")

// walletView is what the node knows of a wallet at one tip, with the wallet's
// own state from before the question.
type walletView struct {
	st         *keystore.State
	tip        api.TipInfo
	minFeeRate core.Amount
	addresses  []api.WalletAddress
	coins      []api.CoinInfo
	txs        []api.WalletTx
}

// look asks the node about the wallet, with the transactions from height since
// on. What it finds in use is noted, and further addresses asked for, until
// nothing new shows up.
func (p *purse) look(ctx context.Context, c *api.Client, since uint32) (*walletView, error) {
	for range maxGrowth {
		st, err := p.store.State()
		if err != nil {
			return nil, err
		}
		v, err := p.askNode(ctx, c, st, since)
		if err != nil {
			return nil, err
		}
		grown, err := p.note(v)
		if err != nil {
			return nil, err
		}
		if !grown {
			return v, p.warn(ctx, c, v)
		}
	}
	return nil, fmt.Errorf("%w: the search did not end", wallet.ErrScanLimit)
}

// note marks addresses in use, and reports whether there are more to ask about.
func (p *purse) note(v *walletView) (grown bool, err error) {
	var used []core.Address
	for i := range v.addresses {
		if v.addresses[i].Used {
			a, err := p.parse(v.addresses[i].Address)
			if err != nil {
				return false, fmt.Errorf("the node's answer: %w", err)
			}
			used = append(used, a)
		}
	}
	if err := p.store.MarkUsed(used); err != nil {
		return false, err
	}
	now, err := p.store.State()
	return err == nil && len(now.Ask()) > len(v.st.Ask()), err
}

// warn says what may be missing from a view.
func (p *purse) warn(ctx context.Context, c *api.Client, v *walletView) error {
	if v.st.NeedsUnlock() && !v.st.WatchOnly() {
		fmt.Fprintf(p.err, "warning: the addresses made in advance are nearly used up, so payments to further ones may not show: 'ingchain wallet restore --rescan%s' makes more\n", p.dataDirArg())
	}
	s, err := c.SyncStatus(ctx)
	if err == nil && s.Syncing {
		fmt.Fprintf(p.err, "warning: the node is still syncing (height %s of %s)\n", grouped(s.Tip.Height), grouped(s.Target.Height))
	}
	return err
}

// askNode asks about all addresses of a state, at one tip.
func (p *purse) askNode(ctx context.Context, c *api.Client, st *keystore.State, since uint32) (*walletView, error) {
	var texts []string
	for _, a := range st.Ask() {
		texts = append(texts, p.text(a))
	}
	for range maxLooks {
		v := &walletView{st: st}
		err := v.fill(ctx, c, texts, since)
		if err == nil || !errors.Is(err, errRestless) {
			return v, err
		}
	}
	return nil, errRestless
}

// fill asks in as many questions as it takes, and fails with errRestless if the
// tip moves meanwhile.
func (v *walletView) fill(ctx context.Context, c *api.Client, texts []string, since uint32) error {
	for i := 0; i < len(texts) || i == 0; i += api.MaxWalletAddresses {
		q := api.WalletQuery{Addresses: texts[i:min(i+api.MaxWalletAddresses, len(texts))], Since: since}
		for first := true; ; first = false {
			part, err := c.WalletView(ctx, q)
			if err != nil {
				return err
			}
			if v.minFeeRate = part.MinFeeRate; i == 0 && first {
				v.tip = part.Tip
			}
			if part.Tip.ID != v.tip.ID {
				return errRestless
			}
			v.txs = append(v.txs, part.Txs...)
			if first {
				v.addresses = append(v.addresses, part.Addresses...)
				if err := v.addCoins(ctx, c, &part); err != nil {
					return err
				}
			}
			if !part.More {
				break
			}
			if part.Next <= q.Since {
				return fmt.Errorf("the node's answer does not go on: next height %d after %d", part.Next, q.Since)
			}
			q.Since = part.Next
		}
	}
	return nil
}

// addCoins takes the coins of an answer; if it does not have all, address by
// address.
func (v *walletView) addCoins(ctx context.Context, c *api.Client, part *api.WalletView) error {
	if !part.CoinsMore {
		v.coins = append(v.coins, part.Coins...)
		return nil
	}
	for i := range part.Addresses {
		if !part.Addresses[i].Used {
			continue
		}
		for cursor := ""; ; {
			page, err := c.AddressCoins(ctx, part.Addresses[i].Address, cursor, api.MaxPageSize)
			if err != nil {
				return err
			}
			if page.Tip.ID != v.tip.ID {
				return errRestless
			}
			v.coins = append(v.coins, page.Coins...)
			if len(page.Coins) == 0 && page.Next != "" || len(v.coins) > maxCoins {
				return fmt.Errorf("the node's answer does not end: %s coins of %s", grouped(len(v.coins)), part.Addresses[i].Address)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
	return nil
}

// walletCoins returns the coins to choose from: those of the wallet's keys, or
// of all watched addresses if it only watches, whatever else a node may say it
// has. What the pool spends is gone. What an
// earlier attempt at the payment of the same id has reserved is free for it.
func (p *purse) walletCoins(v *walletView, now uint64, id string) ([]wallet.Coin, error) {
	reserved := v.st.Reserved(now)
	var coins []wallet.Coin
	for i := range v.coins {
		info := &v.coins[i]
		if !info.SpentBy.IsZero() {
			continue
		}
		coin, err := info.Coin(p.prefix())
		if err != nil {
			return nil, fmt.Errorf("the node's answer: %w", err)
		}
		if !v.st.Owns(coin.Address) {
			continue
		}
		one := wallet.Coin{Coin: coin, Pending: info.Pending, ReservedBy: reserved[coin.Outpoint]}
		if one.ReservedBy == id {
			one.ReservedBy = ""
		}
		if path, own := v.st.Path(coin.Address); own {
			one.Path = &path
		} else if !v.st.WatchOnly() {
			continue
		}
		coins = append(coins, one)
	}
	return coins, nil
}

// entries returns the transactions for the wallet's history.
func (v *walletView) entries() ([]wallet.Entry, error) {
	var entries []wallet.Entry
	for i := range v.txs {
		t := &v.txs[i]
		raw, err := hex.DecodeString(t.Raw)
		if err != nil {
			return nil, fmt.Errorf("the node's answer: transaction %s: %w", t.TxID.Short(), err)
		}
		tx, err := core.ParseTransaction(raw)
		if err != nil {
			return nil, fmt.Errorf("the node's answer: transaction %s: %w", t.TxID.Short(), err)
		}
		entries = append(entries, wallet.Entry{Tx: tx, Block: t.Block, Height: t.Height, Time: t.Time, Position: t.Position, Pending: t.Pending})
	}
	return entries, nil
}
