package node

import (
	"context"
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain/index"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

func (n *Node) parseAddress(s string) (core.Address, error) {
	a, err := core.ParseAddress(s, n.prefix())
	if err != nil {
		return a, fmt.Errorf("%w: %w", api.ErrBadRequest, err)
	}
	return a, nil
}

func tipRef(tip core.HeaderState) api.Ref { return api.Ref{Height: tip.Height, ID: tip.ID} }

// Address implements [api.TxBackend].
func (n *Node) Address(ctx context.Context, address string) (api.AddressInfo, error) {
	a, err := n.parseAddress(address)
	if err != nil {
		return api.AddressInfo{}, err
	}
	var b index.Balance
	var pending mempool.Balance
	v, tip, err := n.atOneTip(ctx,
		func(v *index.View) (err error) { b, err = v.Balance(a); return err },
		func(p *mempool.Pool) { pending = p.Balance(a) })
	if err != nil {
		return api.AddressInfo{}, err
	}
	v.Close()
	return api.AddressInfo{
		Address: a.Encode(n.prefix()), Tip: tipRef(tip), Confirmed: b.Confirmed, Immature: b.Immature,
		PendingIn: pending.In, PendingOut: pending.Out, Received: min(b.Received, core.MaxAmount),
		Txs: b.Txs, Unspent: b.Unspent, PendingTxs: pending.Count,
	}, nil
}

// page is what a request for a page of an address asks for.
type page struct {
	address core.Address
	after   index.Cursor
	limit   int
}

func (n *Node) parsePage(address, cursor string, limit int) (p page, err error) {
	if p.address, err = n.parseAddress(address); err != nil {
		return p, err
	}
	if p.limit, err = pageSize(limit); err != nil {
		return p, err
	}
	if p.after, err = index.ParseCursor(cursor); err != nil {
		return p, fmt.Errorf("%w: %w", api.ErrBadRequest, err)
	}
	return p, nil
}

func nextOf(c index.Cursor) string {
	if c.IsZero() {
		return ""
	}
	return c.String()
}

// AddressCoins implements [api.TxBackend].
func (n *Node) AddressCoins(ctx context.Context, address, cursor string, limit int) (api.CoinPage, error) {
	q, err := n.parsePage(address, cursor, limit)
	if err != nil {
		return api.CoinPage{}, err
	}
	prefix := n.prefix()
	var u index.Unspent
	var coins []api.CoinInfo
	v, tip, err := n.atOneTip(ctx,
		func(v *index.View) (err error) { u, err = v.Unspent(q.address, q.after, q.limit); return err },
		func(p *mempool.Pool) {
			coins = []api.CoinInfo{}
			if q.after.IsZero() {
				for _, e := range p.ByAddress(q.address, 0, api.MaxPageSize) {
					if len(coins) >= api.MaxPageSize {
						break // an entry may make thousands
					}
					coins = appendPoolCoins(coins, p, &e, func(a core.Address) bool { return a == q.address }, prefix)
				}
				coins = coins[:min(len(coins), api.MaxPageSize)]
			}
			for i := range u.Coins {
				coins = append(coins, chainCoin(p, &u.Coins[i], prefix))
			}
		})
	if err != nil {
		return api.CoinPage{}, err
	}
	v.Close()
	return api.CoinPage{Tip: tipRef(tip), Coins: coins, Next: nextOf(u.Next)}, nil
}

// appendPoolCoins appends the coins that an entry makes for addresses of ours.
func appendPoolCoins(list []api.CoinInfo, p *mempool.Pool, e *mempool.Entry, ours func(core.Address) bool, prefix string) []api.CoinInfo {
	outs := e.Transaction().Outputs
	for i := range outs {
		if !ours(outs[i].Address) {
			continue
		}
		c := api.CoinInfo{TxID: e.ID(), Index: uint32(i), Value: outs[i].Value, Address: outs[i].Address.Encode(prefix), Pending: true}
		c.SpentBy, _ = p.Spender(core.Outpoint{TxID: c.TxID, Index: c.Index})
		list = append(list, c)
	}
	return list
}

// chainCoin describes a coin of the chain, with what the pool does to it.
func chainCoin(p *mempool.Pool, coin *core.Coin, prefix string) api.CoinInfo {
	c := api.CoinInfo{
		TxID: coin.TxID, Index: coin.Index, Value: coin.Value, Address: coin.Address.Encode(prefix),
		Height: coin.Height, Coinbase: coin.Coinbase,
	}
	c.SpentBy, _ = p.Spender(coin.Outpoint)
	return c
}

// AddressHistory implements [api.TxBackend].
func (n *Node) AddressHistory(ctx context.Context, address, cursor string, limit int) (api.HistoryPage, error) {
	q, err := n.parsePage(address, cursor, limit)
	if err != nil {
		return api.HistoryPage{}, err
	}
	var h index.History
	var pending []mempool.Entry
	v, tip, err := n.atOneTip(ctx,
		func(v *index.View) (err error) { h, err = v.History(q.address, q.after, q.limit); return err },
		func(p *mempool.Pool) {
			if pending = nil; q.after.IsZero() {
				pending = p.ByAddress(q.address, 0, api.MaxPageSize)
			}
		})
	if err != nil {
		return api.HistoryPage{}, err
	}
	v.Close()
	page := api.HistoryPage{Tip: tipRef(tip), Entries: []api.HistoryEntry{}, Next: nextOf(h.Next)}
	for _, e := range slices.Backward(pending) {
		page.Entries = append(page.Entries, pendingEntry(&e, q.address))
	}
	for i := range h.Entries {
		e := &h.Entries[i]
		header, err := n.chain.Header(e.BlockID)
		if err != nil {
			return page, fmt.Errorf("history of an address: %w", err)
		}
		page.Entries = append(page.Entries, api.HistoryEntry{
			TxID: e.TxID, Height: e.Height, Block: e.BlockID, Position: e.Position, Time: header.Time,
			Received: e.Received, Sent: e.Sent, Coinbase: e.Coinbase(), Confirmations: confirmations(tip.Height, e.Height),
		})
	}
	return page, nil
}

// pendingEntry is what a payment in the pool does to an address.
func pendingEntry(e *mempool.Entry, a core.Address) api.HistoryEntry {
	h := api.HistoryEntry{TxID: e.ID(), Time: e.Time, Pending: true}
	for i := range e.Coins {
		if e.Coins[i].Address == a {
			h.Sent += e.Coins[i].Value
		}
	}
	outs := e.Transaction().Outputs
	for i := range outs {
		if outs[i].Address == a {
			h.Received += outs[i].Value
		}
	}
	return h
}
