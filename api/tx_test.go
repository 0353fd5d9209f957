package api

import (
	"context"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

func (f *fakeBackend) SubmitTx(_ context.Context, raw []byte) (TxAccepted, error) {
	f.did("submit %x", raw)
	return TxAccepted{TxID: id(4), Status: StatusAccepted, Fee: 1000, FeeRate: 4000, Size: len(raw), Replaced: []core.Hash{id(5)}}, f.err
}

func (f *fakeBackend) SubmitTxs(_ context.Context, raws [][]byte) ([]TxOutcome, error) {
	f.did("submit %x", raws)
	return []TxOutcome{
		{TxID: id(4), Status: StatusKnown},
		{TxID: id(5), Status: StatusRefused, Code: core.ErrMissingCoin, Detail: "spent", Missing: []core.Hash{id(6)}},
	}, f.err
}

func (f *fakeBackend) Tx(_ context.Context, h core.Hash, raw bool) (TxDetail, error) {
	if h != id(4) {
		return TxDetail{}, fmt.Errorf("%w: transaction %s", ErrNotFound, h)
	}
	d := TxDetail{
		TxID: h, WID: id(5), Size: 200, Version: 1, Fee: 1000, FeeRate: 5000, Status: StatusPending,
		Inputs:  []SpentCoin{{TxID: id(6), Index: 1, Value: core.MaxAmount, Address: "ing1…"}, {TxID: id(7)}},
		Outputs: []PaidOutput{{Value: 5, Address: "ing1…", SpentBy: id(8)}, {Value: 6, Address: "ing1…"}},
		Pending: &TxPending{Time: 1_795_132_800_000, Ancestors: 1, PackageFee: 2000, PackageSize: 400, Missing: []core.Hash{}},
		Gone:    &TxGone{Reason: "replaced", By: id(9), At: 5},
		Block:   &TxBlock{Height: 1, ID: id(1), Position: 2, Time: 3},
	}
	if raw {
		d.Raw = "00ff"
	}
	return d, f.err
}

func (f *fakeBackend) Mempool(context.Context) (Mempool, error) {
	return Mempool{Tip: Ref{Height: 2, ID: id(2)}, Count: 1, Bytes: 200, MinFeeRate: 1000,
		Histogram: []FeeBucket{{MinFeeRate: 4000, Count: 1, Bytes: 200}}}, f.err
}

func (f *fakeBackend) MempoolTxs(_ context.Context, after uint64, limit int) ([]MempoolTx, error) {
	return []MempoolTx{{Seq: after + 1, TxID: id(4), Size: limit}}, f.err
}

func (f *fakeBackend) Fees(_ context.Context, targets []int) (Fees, error) {
	fees := Fees{MinFeeRate: 1000, Estimates: []FeeEstimate{}}
	for _, n := range targets {
		fees.Estimates = append(fees.Estimates, FeeEstimate{Blocks: n, FeeRate: 2000})
	}
	return fees, f.err
}

func (f *fakeBackend) Address(_ context.Context, address string) (AddressInfo, error) {
	return AddressInfo{Address: address, Confirmed: core.MaxAmount, Txs: 3}, f.err
}

func (f *fakeBackend) AddressCoins(_ context.Context, address, cursor string, limit int) (CoinPage, error) {
	return CoinPage{Coins: []CoinInfo{{TxID: id(4), Index: uint32(limit), Address: address, SpentBy: id(5)}}, Next: cursor + "1"}, f.err
}

func (f *fakeBackend) AddressHistory(_ context.Context, address, cursor string, limit int) (HistoryPage, error) {
	return HistoryPage{Entries: []HistoryEntry{{TxID: id(4), Position: uint32(limit), Block: id(1)}}, Next: cursor + address}, f.err
}

func (f *fakeBackend) WalletView(_ context.Context, q WalletQuery) (WalletView, error) {
	v := WalletView{MinFeeRate: 1000, Coins: []CoinInfo{}, More: true, Next: q.Since + 1,
		Txs: []WalletTx{{TxID: id(4), Raw: "00ff", Height: q.Since, Block: id(1)}}}
	for _, a := range q.Addresses {
		v.Addresses = append(v.Addresses, WalletAddress{Address: a, Used: true, Confirmed: 5})
	}
	return v, f.err
}
