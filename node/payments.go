package node

import (
	"context"
	"fmt"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

var errNotYet = fmt.Errorf("%w: this node takes no payments", api.ErrFailed)

// SubmitTx implements [api.TxBackend].
func (n *Node) SubmitTx(context.Context, []byte) (api.TxAccepted, error) {
	return api.TxAccepted{}, errNotYet
}

// SubmitTxs implements [api.TxBackend].
func (n *Node) SubmitTxs(context.Context, [][]byte) ([]api.TxOutcome, error) { return nil, errNotYet }

// Tx implements [api.TxBackend].
func (n *Node) Tx(context.Context, core.Hash, bool) (api.TxDetail, error) {
	return api.TxDetail{}, errNotYet
}

// Mempool implements [api.TxBackend].
func (n *Node) Mempool(context.Context) (api.Mempool, error) { return api.Mempool{}, errNotYet }

// MempoolTxs implements [api.TxBackend].
func (n *Node) MempoolTxs(context.Context, uint64, int) ([]api.MempoolTx, error) {
	return nil, errNotYet
}

// Fees implements [api.TxBackend].
func (n *Node) Fees(context.Context, []int) (api.Fees, error) { return api.Fees{}, errNotYet }

// Address implements [api.TxBackend].
func (n *Node) Address(context.Context, string) (api.AddressInfo, error) {
	return api.AddressInfo{}, errNotYet
}

// AddressCoins implements [api.TxBackend].
func (n *Node) AddressCoins(context.Context, string, string, int) (api.CoinPage, error) {
	return api.CoinPage{}, errNotYet
}

// AddressHistory implements [api.TxBackend].
func (n *Node) AddressHistory(context.Context, string, string, int) (api.HistoryPage, error) {
	return api.HistoryPage{}, errNotYet
}

// WalletView implements [api.TxBackend].
func (n *Node) WalletView(context.Context, api.WalletQuery) (api.WalletView, error) {
	return api.WalletView{}, errNotYet
}
