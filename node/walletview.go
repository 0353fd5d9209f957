package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain/index"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// walletBounds bounds one answer to a wallet.
type walletBounds struct {
	// coins of the chain; and of the pool, where the last payment may exceed it.
	coins int
	// pending are payments of the pool, and pendingBytes their encodings, which the
	// last one may exceed.
	pending, pendingBytes int
	// rows are entries of histories that are gathered, in which a transaction
	// counts once for each address; txBytes the encodings of their transactions,
	// and blockBytes the blocks that are read for them. The last block may exceed
	// each.
	rows, txBytes, blockBytes int
}

var defaultWalletBounds = walletBounds{
	coins:   10_000,
	pending: 5000, pendingBytes: 8 << 20,
	rows: 10_000, txBytes: 8 << 20, blockBytes: 64 << 20,
}

// walletQuestion is a query as it is being answered.
type walletQuestion struct {
	most   walletBounds
	prefix string
	list   []core.Address
	ours   map[core.Address]bool
	since  uint32
	// blockCoins bounds the entries of one block: each has an input or output.
	blockCoins int

	// What follows holds at one tip.
	balances  []index.Balance
	coins     []core.Coin // of the chain
	coinsMore bool
	pending   []mempool.Entry
	view      api.WalletView
}

func (n *Node) parseWalletQuery(q api.WalletQuery) (*walletQuestion, error) {
	if len(q.Addresses) == 0 || len(q.Addresses) > api.MaxWalletAddresses {
		return nil, fmt.Errorf("%w: %d addresses, want 1 to %d", api.ErrBadRequest, len(q.Addresses), api.MaxWalletAddresses)
	}
	w := &walletQuestion{most: n.walletBounds, prefix: n.prefix(), ours: make(map[core.Address]bool, len(q.Addresses)), since: q.Since, blockCoins: int(n.rules.Params().MaxBlockCoins)}
	for _, s := range q.Addresses {
		a, err := n.parseAddress(s)
		if err != nil {
			return nil, err
		}
		if w.ours[a] {
			return nil, fmt.Errorf("%w: address %s is there twice", api.ErrBadRequest, s)
		}
		w.ours[a] = true
		w.list = append(w.list, a)
	}
	return w, nil
}

// WalletView implements [api.TxBackend].
func (n *Node) WalletView(ctx context.Context, q api.WalletQuery) (api.WalletView, error) {
	w, err := n.parseWalletQuery(q)
	if err != nil {
		return api.WalletView{}, err
	}
	v, tip, err := n.atOneTip(ctx, func(v *index.View) error { return w.fromIndex(ctx, v) }, w.fromPool)
	if err != nil {
		return api.WalletView{}, err
	}
	defer v.Close()
	w.view.Tip = tipInfo(tip)
	w.addPending()
	if err := n.addConfirmed(ctx, w, v); err != nil {
		return api.WalletView{}, fmt.Errorf("transactions of a wallet: %w", err)
	}
	return w.view, nil
}

// fromIndex reads balances and coins.
func (w *walletQuestion) fromIndex(ctx context.Context, v *index.View) error {
	w.balances, w.coins, w.coinsMore = w.balances[:0], w.coins[:0], false
	for _, a := range w.list {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := v.Balance(a)
		if err != nil {
			return err
		}
		w.balances = append(w.balances, b)
		for after, more := (index.Cursor{}), b.Unspent > 0; more; more = !after.IsZero() {
			room := w.most.coins - len(w.coins)
			if room == 0 {
				w.coinsMore = true
				break
			}
			u, err := v.Unspent(a, after, min(room, index.MaxPage))
			if err != nil {
				return err
			}
			w.coins, after = append(w.coins, u.Coins...), u.Next
		}
	}
	return nil
}

// fromPool reads what the pool does to the addresses and their coins.
func (w *walletQuestion) fromPool(p *mempool.Pool) {
	now := nowMillis()
	w.view = api.WalletView{MinFeeRate: p.MinFeeRate(now), Coins: make([]api.CoinInfo, 0, len(w.coins)), CoinsMore: w.coinsMore, Txs: []api.WalletTx{}}
	var pool []mempool.Balance
	pool, w.pending, w.view.PendingMore = p.Concerning(w.list, w.most.pending)
	for i, a := range w.list {
		b := &w.balances[i]
		w.view.Addresses = append(w.view.Addresses, api.WalletAddress{
			Address: a.Encode(w.prefix), Used: b.Txs > 0 || pool[i].Count > 0,
			Confirmed: b.Confirmed, Immature: b.Immature, PendingIn: pool[i].In, PendingOut: pool[i].Out,
		})
	}
	w.trimPending()
	for i := range w.pending {
		w.view.Coins = appendPoolCoins(w.view.Coins, p, &w.pending[i], func(a core.Address) bool { return w.ours[a] }, w.prefix)
	}
	for i := range w.coins {
		w.view.Coins = append(w.view.Coins, chainCoin(p, &w.coins[i], w.prefix))
	}
}

// trimPending leaves out what is too much of the payments of the pool, from the
// end: what is left has its parents.
func (w *walletQuestion) trimPending() {
	keep, bytes, coins := 0, 0, 0
	for keep < len(w.pending) && bytes < w.most.pendingBytes && coins < w.most.coins {
		t := w.pending[keep].Transaction()
		for i := range t.Outputs {
			if w.ours[t.Outputs[i].Address] {
				coins++
			}
		}
		bytes += w.pending[keep].Size()
		keep++
	}
	w.view.PendingMore = w.view.PendingMore || keep < len(w.pending)
	w.pending = w.pending[:keep]
}

// addPending writes the payments of the pool.
func (w *walletQuestion) addPending() {
	for i := range w.pending {
		e := &w.pending[i]
		w.view.Txs = append(w.view.Txs, api.WalletTx{
			TxID: e.ID(), Raw: hex.EncodeToString(e.Transaction().AppendTo(nil)), Time: e.Time, Pending: true,
		})
	}
}

// row is a transaction of one of the addresses.
type row struct {
	height, position uint32
	block            core.Hash
}

// addConfirmed writes the transactions of the chain from height since on, block
// by block, and where to go on if there are too many.
func (n *Node) addConfirmed(ctx context.Context, w *walletQuestion, v *index.View) error {
	rows, below, err := w.gather(ctx, v)
	if err != nil {
		return n.indexError(ctx, err)
	}
	blocks, bytes := 0, 0
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		height := rows[0].height
		if blocks >= w.most.blockBytes || bytes >= w.most.txBytes {
			below = uint64(height)
			break
		}
		b, err := n.chain.Block(rows[0].block)
		if err != nil {
			return err
		}
		blocks += b.Size()
		for ; len(rows) > 0 && rows[0].height == height; rows = rows[1:] {
			at := rows[0].position
			if uint64(at) >= uint64(len(b.Txs)) {
				return fmt.Errorf("transaction %d of block %s, which has %d", at, b.ID(), len(b.Txs))
			}
			raw := b.Txs[at].AppendTo(nil)
			bytes += len(raw)
			w.view.Txs = append(w.view.Txs, api.WalletTx{
				TxID: b.TxID(int(at)), Raw: hex.EncodeToString(raw), Height: height, Block: b.ID(), Position: at,
				Time: b.Header.Time, Confirmations: confirmations(v.Tip().Height, height),
			})
		}
	}
	if below <= uint64(v.Tip().Height) {
		w.view.More, w.view.Next = true, uint32(below)
	}
	return nil
}

// gather lists the transactions from height since on and below another height,
// which is above the tip if these are all. Histories are read from the newest
// on; where there are too many entries, half of the heights are tried, and so on:
// at the least, those of one height.
func (w *walletQuestion) gather(ctx context.Context, v *index.View) ([]row, uint64, error) {
	since, below := uint64(w.since), uint64(v.Tip().Height)+1
	if since >= below {
		return nil, below, nil
	}
	for {
		limit := w.most.rows
		if below == since+1 {
			limit = w.blockCoins
		}
		rows, ok, err := w.between(ctx, v, since, below, limit)
		if err != nil {
			return nil, 0, err
		}
		if ok || below == since+1 {
			return ordered(rows), below, nil
		}
		below = since + (below-since)/2
	}
}

// between lists the entries of all histories in a range of heights, at most
// limit, and reports whether these are all.
func (w *walletQuestion) between(ctx context.Context, v *index.View, since, below uint64, limit int) ([]row, bool, error) {
	var rows []row
	for i, a := range w.list {
		if w.balances[i].Txs == 0 {
			continue
		}
		after := index.Cursor{}
		if below <= uint64(v.Tip().Height) {
			after.Height = uint32(below)
		}
		for more := true; more; more = !after.IsZero() {
			if ctx.Err() != nil {
				return nil, false, ctx.Err()
			}
			h, err := v.History(a, after, index.MaxPage)
			if err != nil {
				return nil, false, err
			}
			after = h.Next
			for i := range h.Entries {
				e := &h.Entries[i]
				if uint64(e.Height) < since {
					after = index.Cursor{}
					break
				}
				if len(rows) == limit {
					return rows, false, nil
				}
				rows = append(rows, row{e.Height, e.Position, e.BlockID})
			}
		}
	}
	return rows, true, nil
}

// ordered sorts rows by place and drops those that are there twice.
func ordered(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int {
		if a.height != b.height {
			return int(int64(a.height) - int64(b.height))
		}
		return int(int64(a.position) - int64(b.position))
	})
	return slices.Compact(rows)
}
