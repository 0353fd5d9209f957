package api

import "github.com/ingchain/ingchain/core"

// Limits of what one request about payments and addresses may ask for. A backend
// gives no more, whatever it is asked.
const (
	// MaxSubmit bounds the payments of one SubmitTxs.
	MaxSubmit = 1000
	// MaxPageSize bounds the entries of one page of MempoolTxs, AddressCoins and
	// AddressHistory; DefaultPageSize is what a limit of 0 stands for.
	MaxPageSize     = 1000
	DefaultPageSize = 100
	// MaxFeeTargets bounds the targets of one Fees, and MaxFeeTarget each of them,
	// in blocks.
	MaxFeeTargets = 16
	MaxFeeTarget  = 1008
	// MaxWalletAddresses bounds the addresses of one WalletView.
	MaxWalletAddresses = 1000
)

// Statuses of a payment.
const (
	StatusAccepted  = "accepted"  // in the pool now
	StatusKnown     = "known"     // in the pool already, or in a block
	StatusRefused   = "refused"   // by a rule or this node's policy; or it could not be kept now
	StatusConfirmed = "confirmed" // in a block of the best chain
	StatusPending   = "pending"   // in the pool
	StatusOrphan    = "orphan"    // apart from the pool, until what it spends comes
	StatusGone      = "gone"      // was in the pool and is no longer
)

// TxAccepted says that a node keeps a payment and passes it on: it survives a
// crash of the node from then on.
type TxAccepted struct {
	TxID core.Hash `json:"txid"`
	// Status is "accepted", or "known" if the pool or a block had it already.
	Status string      `json:"status"`
	Fee    core.Amount `json:"fee"` // grains
	// FeeRate is in grains per 1,000 bytes.
	FeeRate core.Amount `json:"fee_rate"`
	Size    int         `json:"size"` // bytes
	// Replaced are the payments that left the pool for it.
	Replaced []core.Hash `json:"replaced"`
}

// TxOutcome is what became of one payment of several.
type TxOutcome struct {
	// TxID is zero if the bytes are no transaction.
	TxID core.Hash `json:"txid"`
	// Status is "accepted", "known" or "refused".
	Status string `json:"status"`
	// Code says why it was refused: that of a rule or a policy.
	Code   core.Code `json:"code,omitempty"`
	Detail string    `json:"detail,omitempty"`
	// Missing are transactions whose coins it spends and that the node does not
	// have; they are unknown, or their coins are spent.
	Missing []core.Hash `json:"missing,omitempty"`
}

// TxDetail is a transaction and what has become of it.
type TxDetail struct {
	TxID core.Hash `json:"txid"`
	// WID names the witnesses, that is the signatures.
	WID     core.Hash   `json:"wid"`
	Size    int         `json:"size"` // bytes
	Version uint16      `json:"version"`
	Fee     core.Amount `json:"fee"` // grains
	// FeeRate is in grains per 1,000 bytes.
	FeeRate  core.Amount  `json:"fee_rate"`
	Coinbase bool         `json:"coinbase"`
	Inputs   []SpentCoin  `json:"inputs"`
	Outputs  []PaidOutput `json:"outputs"`
	Data     string       `json:"data"` // hexadecimal
	// Status is "confirmed", "pending", "orphan" or "gone". Of one that is gone,
	// only the txid and, in Gone, the reason are known.
	Status string `json:"status"`
	// Block is where it stands on the best chain; nil unless confirmed.
	Block *TxBlock `json:"block,omitempty"`
	// Confirmations is 1 in the tip; 0 unless confirmed.
	Confirmations uint32 `json:"confirmations"`
	// Pending is nil unless it is in the pool, or waits to get there as an orphan.
	Pending *TxPending `json:"pending,omitempty"`
	// Gone is nil unless it left the pool and no block has it.
	Gone *TxGone `json:"gone,omitempty"`
	// Raw is the encoding in hexadecimal, on request and where it is known.
	Raw string `json:"raw,omitempty"`
}

// SpentCoin is an input.
type SpentCoin struct {
	TxID  core.Hash `json:"txid"`
	Index uint32    `json:"index"`
	// Value, in grains, and Address are those of the coin that it spends; absent
	// where the node does not know them.
	Value   core.Amount `json:"value,omitempty"`
	Address string      `json:"address,omitempty"`
}

// PaidOutput is an output.
type PaidOutput struct {
	Value   core.Amount `json:"value"` // grains
	Address string      `json:"address"`
	// SpentBy is the transaction that spends it, on the chain or in the pool;
	// absent if none does or the node does not know.
	SpentBy core.Hash `json:"spent_by,omitzero"`
}

// TxBlock is where a transaction stands on the best chain.
type TxBlock struct {
	Height   uint32    `json:"height"`
	ID       core.Hash `json:"id"`
	Position uint32    `json:"position"` // 0 is the coinbase
	Time     uint64    `json:"time"`     // the header's, in Unix milliseconds
}

// TxPending is how a payment stands in the pool.
type TxPending struct {
	// Time is when it came, in Unix milliseconds.
	Time uint64 `json:"time"`
	// Ancestors and Descendants are other payments in the pool that it depends on,
	// and that depend on it.
	Ancestors   int `json:"ancestors"`
	Descendants int `json:"descendants"`
	// PackageFee, in grains, and PackageSize, in bytes, are of the payment with all
	// its ancestors: by their rate it is mined.
	PackageFee  core.Amount `json:"package_fee"`
	PackageSize int         `json:"package_size"`
	// Missing are the transactions that an orphan waits for. It has no package.
	Missing []core.Hash `json:"missing"`
}

// TxGone is why a payment left the pool; docs/spec/pool.md has the reasons.
type TxGone struct {
	Reason string `json:"reason"`
	// By is the payment that took its place ("conflict", "replaced").
	By core.Hash `json:"by,omitzero"`
	// Block is the block that decided ("conflict").
	Block core.Hash `json:"block,omitzero"`
	// Ancestor is the parent that left and took it along.
	Ancestor core.Hash `json:"ancestor,omitzero"`
	// Code is that of the policy ("unwanted").
	Code core.Code `json:"code,omitempty"`
	// At is when, in Unix milliseconds.
	At uint64 `json:"at"`
}

// Mempool sums up the pool of payments that wait for a block.
type Mempool struct {
	Tip   Ref `json:"tip"` // that they are good on
	Count int `json:"count"`
	Bytes int `json:"bytes"` // of their encodings
	// Memory is what they take in the node, of at most MaxMemory, in bytes: the
	// greater part of what is meant for the pool. Orphans, and what is remembered of
	// payments that left, take the rest.
	Memory    int         `json:"memory"`
	MaxMemory int         `json:"max_memory"`
	Fees      core.Amount `json:"fees"` // grains
	// MinFeeRate is the least rate that comes in, in grains per 1,000 bytes.
	MinFeeRate core.Amount `json:"min_fee_rate"`
	Orphans    int         `json:"orphans"`
	// LastSeq is the number of the payment that came last, see MempoolTx.
	LastSeq uint64 `json:"last_seq"`
	// Histogram is what waits by fee rate, the highest first.
	Histogram []FeeBucket `json:"histogram"`
}

// FeeBucket is what waits at one range of fee rates.
type FeeBucket struct {
	// MinFeeRate is the least of the range, in grains per 1,000 bytes.
	MinFeeRate core.Amount `json:"min_fee_rate"`
	Count      int         `json:"count"`
	Bytes      int         `json:"bytes"`
}

// MempoolTx is a payment in the pool.
type MempoolTx struct {
	// Seq numbers the payments as they came: the cursor of MempoolTxs.
	Seq  uint64      `json:"seq"`
	TxID core.Hash   `json:"txid"`
	Size int         `json:"size"` // bytes
	Fee  core.Amount `json:"fee"`  // grains
	// FeeRate is in grains per 1,000 bytes.
	FeeRate     core.Amount `json:"fee_rate"`
	Time        uint64      `json:"time"` // when it came, in Unix milliseconds
	Ancestors   int         `json:"ancestors"`
	Descendants int         `json:"descendants"`
}

// Fees says which fee rate is likely to bring a payment into a block in time.
type Fees struct {
	// MinFeeRate is the least rate that comes in, in grains per 1,000 bytes.
	MinFeeRate core.Amount   `json:"min_fee_rate"`
	Estimates  []FeeEstimate `json:"estimates"`
}

// FeeEstimate is for one target.
type FeeEstimate struct {
	Blocks  int         `json:"blocks"`   // within so many
	FeeRate core.Amount `json:"fee_rate"` // grains per 1,000 bytes
}

// AddressInfo sums up an address, in grains. What it may spend soon is Confirmed
// less PendingOut, and PendingIn where the owner trusts what is unconfirmed.
type AddressInfo struct {
	Address string `json:"address"`
	Tip     Ref    `json:"tip"` // that all of it holds at
	// Confirmed may be spent in the next block, by the chain alone; Immature are
	// mined coins that may not yet.
	Confirmed core.Amount `json:"confirmed"`
	Immature  core.Amount `json:"immature"`
	// PendingIn is what the pool pays the address in coins that nothing in the
	// pool spends; PendingOut what the pool spends of its coins on the chain.
	PendingIn  core.Amount `json:"pending_in"`
	PendingOut core.Amount `json:"pending_out"`
	// Received is all that the chain ever paid to it, change included, at most
	// [core.MaxAmount].
	Received core.Amount `json:"received"`
	// Txs are the transactions of the chain that touch it, Unspent its coins on
	// the chain, PendingTxs the payments in the pool that touch it.
	Txs        uint64 `json:"txs"`
	Unspent    uint64 `json:"unspent"`
	PendingTxs int    `json:"pending_txs"`
}

// CoinInfo is a coin: an output of the chain that no block spends, or one that
// the pool makes.
type CoinInfo struct {
	TxID    core.Hash   `json:"txid"`
	Index   uint32      `json:"index"`
	Value   core.Amount `json:"value"` // grains
	Address string      `json:"address"`
	// Height is that of its block; 0 while pending.
	Height   uint32 `json:"height"`
	Coinbase bool   `json:"coinbase"`
	// Pending is whether it is made by a payment in the pool.
	Pending bool `json:"pending"`
	// SpentBy is the payment in the pool that spends it; absent if none does.
	SpentBy core.Hash `json:"spent_by,omitzero"`
}

// Coin returns the coin for a wallet to choose from, without what the pool says
// of it. Prefix is that of the network's addresses.
func (c *CoinInfo) Coin(prefix string) (core.Coin, error) {
	a, err := core.ParseAddress(c.Address, prefix)
	return core.Coin{
		Outpoint: core.Outpoint{TxID: c.TxID, Index: c.Index},
		Value:    c.Value, Height: c.Height, Coinbase: c.Coinbase, Address: a,
	}, err
}

// CoinPage is a page of the coins of an address: on the first one those that the
// pool makes, at most MaxPageSize of them beside the limit, then the chain's, the
// newest first.
type CoinPage struct {
	Tip   Ref        `json:"tip"`
	Coins []CoinInfo `json:"coins"`
	// Next is the cursor of the next page; "" at the end. If the tip has changed
	// between two pages, a coin may be missing or there twice.
	Next string `json:"next,omitempty"`
}

// HistoryEntry is a transaction that touches an address.
type HistoryEntry struct {
	TxID core.Hash `json:"txid"`
	// Height, Block and Position are where it stands; zero while pending.
	Height   uint32    `json:"height"`
	Block    core.Hash `json:"block,omitzero"`
	Position uint32    `json:"position"`
	// Time is the block header's, or when a pending one came, in Unix
	// milliseconds.
	Time uint64 `json:"time"`
	// Received is what it pays to the address, Sent what it spends of it; both are
	// set where change comes back.
	Received core.Amount `json:"received"`
	Sent     core.Amount `json:"sent"`
	Coinbase bool        `json:"coinbase"`
	Pending  bool        `json:"pending"`
	// Confirmations is 1 in the tip; 0 while pending.
	Confirmations uint32 `json:"confirmations"`
}

// HistoryPage is a page of the history of an address: on the first one the
// pending transactions, the last that came first, at most MaxPageSize of them
// beside the limit; then the chain's, the newest first.
type HistoryPage struct {
	Tip     Ref            `json:"tip"`
	Entries []HistoryEntry `json:"entries"`
	// Next is the cursor of the next page; "" at the end. After a reorganisation,
	// which the tip shows, a history is better read anew.
	Next string `json:"next,omitempty"`
}

// WalletQuery is what a wallet asks for.
type WalletQuery struct {
	// Addresses are at most MaxWalletAddresses, none twice.
	Addresses []string `json:"addresses"`
	// Since is the least height whose transactions are listed. Pending ones
	// are listed in any case.
	Since uint32 `json:"since"`
}

// WalletView is all that a wallet wants to know of its addresses, as it stands at
// one tip: pool and chain agree.
type WalletView struct {
	Tip TipInfo `json:"tip"`
	// MinFeeRate is the least rate that comes in, in grains per 1,000 bytes.
	MinFeeRate core.Amount `json:"min_fee_rate"`
	// Addresses are in the order of the query.
	Addresses []WalletAddress `json:"addresses"`
	// Coins are those of the pool and the chain. CoinsMore says that there are
	// more of the chain's than one answer holds; AddressCoins lists all of an
	// address.
	Coins     []CoinInfo `json:"coins"`
	CoinsMore bool       `json:"coins_more"`
	// PendingMore says that the pool has more payments that touch an address than
	// one answer holds; their coins are missing, too.
	PendingMore bool `json:"pending_more"`
	// Txs are the pending transactions that touch an address, parents before
	// children; then those of the chain from height Since on, as they stand there.
	// Each is there once, however many addresses it touches.
	Txs []WalletTx `json:"txs"`
	// More says that the chain has more transactions, all of them at height Next
	// or above: ask again with Since at Next. If a block before it has left the
	// chain by then, the next answer's tip tells.
	More bool   `json:"more"`
	Next uint32 `json:"next,omitempty"`
}

// WalletAddress sums up one address, see [AddressInfo].
type WalletAddress struct {
	Address string `json:"address"`
	// Used is whether the chain or the pool has a transaction that touches it.
	Used       bool        `json:"used"`
	Confirmed  core.Amount `json:"confirmed"`
	Immature   core.Amount `json:"immature"`
	PendingIn  core.Amount `json:"pending_in"`
	PendingOut core.Amount `json:"pending_out"`
}

// WalletTx is a transaction with its place.
type WalletTx struct {
	TxID core.Hash `json:"txid"`
	Raw  string    `json:"raw"` // its encoding in hexadecimal
	// Height, Block and Position are where it stands; zero while pending.
	Height   uint32    `json:"height"`
	Block    core.Hash `json:"block,omitzero"`
	Position uint32    `json:"position"`
	// Time is the block header's, or when a pending one came, in Unix
	// milliseconds.
	Time    uint64 `json:"time"`
	Pending bool   `json:"pending"`
	// Confirmations is 1 in the tip; 0 while pending.
	Confirmations uint32 `json:"confirmations"`
}

// IndexStatus says whether the node can answer about addresses.
type IndexStatus struct {
	// Enabled is whether the node keeps an index of addresses.
	Enabled bool `json:"enabled"`
	// Building is whether it is far behind the tip, so that questions about
	// addresses are refused for now.
	Building bool   `json:"building"`
	Height   uint32 `json:"height"` // that it is at
	// Error says why it follows the chain no longer; "" while it does.
	Error string `json:"error,omitempty"`
}
