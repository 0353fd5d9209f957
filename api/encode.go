package api

import "encoding/json"

// Lists are never null in JSON, so that a reader may range over them unseen:
// the types with lists say so here.

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// MarshalJSON implements [json.Marshaler].
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	s.Addrs, s.Warnings = orEmpty(s.Addrs), orEmpty(s.Warnings)
	return json.Marshal(plain(s))
}

// MarshalJSON implements [json.Marshaler].
func (i ID) MarshalJSON() ([]byte, error) {
	type plain ID
	i.Addrs = orEmpty(i.Addrs)
	return json.Marshal(plain(i))
}

// MarshalJSON implements [json.Marshaler].
func (b BlockDetail) MarshalJSON() ([]byte, error) {
	type plain BlockDetail
	b.Transactions = orEmpty(b.Transactions)
	return json.Marshal(plain(b))
}

// MarshalJSON implements [json.Marshaler].
func (t Tx) MarshalJSON() ([]byte, error) {
	type plain Tx
	t.Inputs, t.Outputs = orEmpty(t.Inputs), orEmpty(t.Outputs)
	return json.Marshal(plain(t))
}

// MarshalJSON implements [json.Marshaler].
func (v VerifyResult) MarshalJSON() ([]byte, error) {
	type plain VerifyResult
	v.Problems = orEmpty(v.Problems)
	return json.Marshal(plain(v))
}

// MarshalJSON implements [json.Marshaler].
func (t Topic) MarshalJSON() ([]byte, error) {
	type plain Topic
	t.Peers = orEmpty(t.Peers)
	return json.Marshal(plain(t))
}

// MarshalJSON implements [json.Marshaler].
func (t TxAccepted) MarshalJSON() ([]byte, error) {
	type plain TxAccepted
	t.Replaced = orEmpty(t.Replaced)
	return json.Marshal(plain(t))
}

// MarshalJSON implements [json.Marshaler].
func (t TxDetail) MarshalJSON() ([]byte, error) {
	type plain TxDetail
	t.Inputs, t.Outputs = orEmpty(t.Inputs), orEmpty(t.Outputs)
	return json.Marshal(plain(t))
}

// MarshalJSON implements [json.Marshaler].
func (t TxPending) MarshalJSON() ([]byte, error) {
	type plain TxPending
	t.Missing = orEmpty(t.Missing)
	return json.Marshal(plain(t))
}

// MarshalJSON implements [json.Marshaler].
func (m Mempool) MarshalJSON() ([]byte, error) {
	type plain Mempool
	m.Histogram = orEmpty(m.Histogram)
	return json.Marshal(plain(m))
}

// MarshalJSON implements [json.Marshaler].
func (f Fees) MarshalJSON() ([]byte, error) {
	type plain Fees
	f.Estimates = orEmpty(f.Estimates)
	return json.Marshal(plain(f))
}

// MarshalJSON implements [json.Marshaler].
func (p CoinPage) MarshalJSON() ([]byte, error) {
	type plain CoinPage
	p.Coins = orEmpty(p.Coins)
	return json.Marshal(plain(p))
}

// MarshalJSON implements [json.Marshaler].
func (p HistoryPage) MarshalJSON() ([]byte, error) {
	type plain HistoryPage
	p.Entries = orEmpty(p.Entries)
	return json.Marshal(plain(p))
}

// MarshalJSON implements [json.Marshaler].
func (q WalletQuery) MarshalJSON() ([]byte, error) {
	type plain WalletQuery
	q.Addresses = orEmpty(q.Addresses)
	return json.Marshal(plain(q))
}

// MarshalJSON implements [json.Marshaler].
func (v WalletView) MarshalJSON() ([]byte, error) {
	type plain WalletView
	v.Addresses, v.Coins, v.Txs = orEmpty(v.Addresses), orEmpty(v.Coins), orEmpty(v.Txs)
	return json.Marshal(plain(v))
}
