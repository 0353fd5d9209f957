package api

import (
	"github.com/ingchain/ingchain/core"
)

// Ref names a block.
type Ref struct {
	Height uint32    `json:"height"`
	ID     core.Hash `json:"id"`
}

// TipInfo is a block with what its chain weighs.
type TipInfo struct {
	Height uint32    `json:"height"`
	ID     core.Hash `json:"id"`
	// Work is the cumulative work in hexadecimal.
	Work core.Work `json:"work"`
	// Time is the header's, in Unix milliseconds; zero where it isn't known.
	Time uint64 `json:"time,omitempty"`
}

// MempoolInfo counts the transactions that wait for a block.
type MempoolInfo struct {
	Count int `json:"count"`
	Bytes int `json:"bytes"`
}

// Status is what a node says of itself.
type Status struct {
	Version string      `json:"version"`
	Network string      `json:"network"`
	Genesis core.Hash   `json:"genesis"`
	PeerID  string      `json:"peer_id"`
	Addrs   []string    `json:"addrs"`
	Tip     TipInfo     `json:"tip"`
	Headers Ref         `json:"headers"`
	Peers   int         `json:"peers"`
	Syncing bool        `json:"syncing"`
	Mining  bool        `json:"mining"`
	Mempool MempoolInfo `json:"mempool"`
	Index   IndexStatus `json:"index"`
	DataDir string      `json:"data_dir"`
	API     string      `json:"api"`
	// HashRate is the miner's own, in hashes per second, zero when it rests.
	HashRate float64 `json:"hash_rate"`
	// Uptime is in seconds.
	Uptime float64 `json:"uptime"`
	// Warnings say what an operator should look at, such as a clock that
	// differs from the peers'.
	Warnings []string `json:"warnings"`
}

// Peer is a peer that the node knows of: connected, or seen and not joined.
type Peer struct {
	PeerID    string `json:"peer_id"`
	Addr      string `json:"addr"`
	Direction string `json:"direction"` // "inbound", "outbound" or ""
	Agent     string `json:"agent"`
	Source    string `json:"source"` // "mdns", "static", "saved", "inbound"
	Tip       Ref    `json:"tip"`
	// Joined is whether the peer is past hello with our genesis.
	Joined bool `json:"joined"`
	// Reason says why the peer is not joined.
	Reason string `json:"reason"`
	// Code is the code of the rule that Reason says the peer's blocks broke, such
	// as "header-work"; "" if it is not about a rule.
	Code      core.Code `json:"code"`
	LatencyMS float64   `json:"latency_ms"`
	// ClockSkewMS is how far the peer's clock is ahead of ours.
	ClockSkewMS int64  `json:"clock_skew_ms"`
	Genesis     string `json:"genesis"`
}

// Block is a block's header and the size of its body.
type Block struct {
	Height     uint32    `json:"height"`
	ID         core.Hash `json:"id"`
	Parent     core.Hash `json:"parent"`
	MerkleRoot core.Hash `json:"merkle_root"`
	State      core.Hash `json:"state"`
	Time       uint64    `json:"time"`
	Bits       string    `json:"bits"` // eight hexadecimal digits
	Nonce      uint32    `json:"nonce"`
	Version    uint16    `json:"version"`
	Txs        int       `json:"txs"`
	Size       int       `json:"size"` // bytes
}

// BlockOf describes b.
func BlockOf(b *core.Block) Block {
	d := HeaderOf(&b.Header)
	d.ID, d.Txs, d.Size = b.ID(), len(b.Txs), b.Size()
	return d
}

// BlockDetail is a block with its transactions and its place.
type BlockDetail struct {
	Block
	// Status is "active" on the best chain, else "fork", or "invalid".
	Status        string `json:"status"`
	Confirmations uint32 `json:"confirmations"` // 0 off the best chain
	Transactions  []Tx   `json:"transactions"`
	Raw           string `json:"raw,omitempty"` // hexadecimal, on request
}

// Tx is a transaction of a block.
type Tx struct {
	TxID    core.Hash   `json:"txid"`
	Inputs  []TxInput   `json:"inputs"`
	Outputs []TxOutput  `json:"outputs"`
	Fee     core.Amount `json:"fee"`  // grains
	Data    string      `json:"data"` // hexadecimal
}

// TxInput names the coin that a transaction spends.
type TxInput struct {
	TxID  core.Hash `json:"txid"`
	Index uint32    `json:"index"`
}

// TxOutput is a payment.
type TxOutput struct {
	Value   core.Amount `json:"value"` // grains
	Address string      `json:"address"`
}

// Fork is a branch that is not the best chain, or the best chain itself.
type Fork struct {
	Tip        TipInfo `json:"tip"`
	ForkHeight uint32  `json:"fork_height"` // last block shared with the best chain
	Length     uint32  `json:"length"`      // blocks after the fork
	// Status is "active", "valid" (its bodies were connected once), "stored"
	// (bodies not yet judged), "headers" or "invalid".
	Status string `json:"status"`
}

// StateHash is the commitment that the next header will carry.
type StateHash struct {
	Height    uint32    `json:"height"`
	ID        core.Hash `json:"id"`
	UTXOCount uint64    `json:"utxo_count"`
	Hash      core.Hash `json:"hash"`
}

// VerifyResult says what a whole check of the store found.
type VerifyResult struct {
	OK        bool      `json:"ok"`
	Height    uint32    `json:"height"`
	ID        core.Hash `json:"id"`
	Blocks    uint32    `json:"blocks"` // checked
	Coins     uint64    `json:"coins"`  // checked
	Problems  []string  `json:"problems"`
	ElapsedMS int64     `json:"elapsed_ms"`
}

// Event is one step of the best chain. Replaying reverts and applies in order
// takes a reader from any cursor to the tip.
type Event struct {
	// Type is "revert" or "apply".
	Type  string `json:"type"`
	Block Block  `json:"block"`
	// Cursor, given to a later call, continues just behind this event.
	Cursor string `json:"cursor"`
}

// Announcement is a block announced on the gossip topic, valid as far as a
// header and a merkle root can tell.
type Announcement struct {
	Topic string `json:"topic"`
	From  string `json:"from"` // peer that delivered it; ourselves for our own
	Block Block  `json:"block"`
	// Received is in Unix milliseconds.
	Received int64 `json:"received"`
	// Missed is how many announcements before this one were dropped because the
	// reader was slow.
	Missed int `json:"missed"`
}

// Topic is a gossip topic and the peers known to subscribe to it.
type Topic struct {
	Topic string   `json:"topic"`
	Peers []string `json:"peers"`
}

// SyncStatus says how far the node is behind the heaviest headers it knows.
type SyncStatus struct {
	Syncing bool `json:"syncing"`
	// Synced is whether peers were asked and nothing heavier is known.
	Synced  bool    `json:"synced"`
	Tip     Ref     `json:"tip"`
	Target  Ref     `json:"target"`
	Peers   int     `json:"peers"`
	Rate    float64 `json:"blocks_per_second"`
	ETA     float64 `json:"eta_seconds"` // 0 when unknown or done
	Message string  `json:"message"`
}

// MinedBlock is a block that the node found on request.
type MinedBlock = Ref

// MiningStatus is what the miner does.
type MiningStatus struct {
	Mining   bool    `json:"mining"`
	Threads  int     `json:"threads"`
	Address  string  `json:"address"`
	HashRate float64 `json:"hash_rate"` // hashes per second
	Found    uint64  `json:"found"`     // blocks since the start
}

// ID is a node's identity.
type ID struct {
	PeerID string   `json:"peer_id"`
	Addrs  []string `json:"addrs"`
	Agent  string   `json:"agent"`
}

// HeaderOf describes a header whose body isn't at hand.
func HeaderOf(h *core.Header) Block {
	return Block{
		Height: h.Height, ID: h.ID(), Parent: h.Parent, MerkleRoot: h.MerkleRoot, State: h.State,
		Time: h.Time, Bits: bitsString(h.Bits), Nonce: h.Nonce, Version: h.Version,
	}
}
