// Package api is the node's HTTP surface: a server over a [Backend] and a Go
// client for it. It is not the node: what it serves is behind Backend, which
// package node implements.
//
// The server binds loopback unless told otherwise and asks for a token. Start
// with [NewServer]; a program that uses a running node with [Dial], and with
// [Client.WalletView], [Client.Fees], [Client.SubmitTx] and [Client.Events] if it
// takes or makes payments. The client keeps no keys: package wallet signs.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/ingchain/ingchain/core"
)

// Kinds of failure that the API tells apart; the verbs map them to exit codes.
// A Backend wraps one of them where it applies; all else is an internal error.
var (
	ErrBadRequest   = errors.New("bad request")      // what was asked makes no sense
	ErrNotFound     = errors.New("not found")        // no such block, peer or topic
	ErrNotAllowed   = errors.New("not allowed")      // another genesis, another network, wrong token
	ErrTimeout      = errors.New("timed out")        // also: not synced in time, no answer from a peer
	ErrUnreachable  = errors.New("node unreachable") // the client cannot reach the node
	ErrShuttingDown = errors.New("node is shutting down")
	ErrFailed       = errors.New("failed")           // it made sense and could not be done; the caller may know why
	ErrBusy         = errors.New("node is busy")     // a limit of the server; try again later
	ErrRefused      = errors.New("refused")          // a payment, by a rule or the node's policy: [Refusal] says which
	ErrNoIndex      = errors.New("no address index") // switched off, or still building: [IndexError] says which
)

// ChainReader reads a chain, in a running node or in a stopped node's store.
type ChainReader interface {
	Params() *core.Params
	Head(ctx context.Context) (BlockDetail, error)
	// BlockByID and BlockByHeight fail with ErrNotFound.
	BlockByID(ctx context.Context, id core.Hash, raw bool) (BlockDetail, error)
	BlockByHeight(ctx context.Context, height uint32, raw bool) (BlockDetail, error)
	// Blocks lists up to limit blocks of the best chain, the newest first, from
	// the given height down (from the tip if from is nil). A limit above 500 may
	// fail with ErrBadRequest; ListBlocks asks in pages.
	Blocks(ctx context.Context, from *uint32, limit int) ([]Block, error)
	Forks(ctx context.Context) ([]Fork, error)
	StateHash(ctx context.Context, full bool) (StateHash, error)
	// Verify checks everything stored. A store that fails the check is a result
	// with OK false, not an error. progress may be nil.
	Verify(ctx context.Context, progress func(done, total uint32)) (VerifyResult, error)
	// Export writes the best chain's blocks from genesis' child on as a stream
	// that Import reads.
	Export(ctx context.Context, w io.Writer) (Ref, error)
}

// Backend is what the server serves.
type Backend interface {
	ChainReader

	Status(ctx context.Context) (Status, error)
	ID(ctx context.Context) (ID, error)

	Peers(ctx context.Context) ([]Peer, error)
	// Connect dials a multiaddr that ends in /p2p/ID and returns once the peer
	// has joined: ErrBadRequest if malformed, ErrNotAllowed for another
	// genesis, ErrTimeout after 10 s.
	Connect(ctx context.Context, addr string) (Peer, error)
	// Disconnect drops a peer and keeps it away until Connect.
	Disconnect(ctx context.Context, peerID string) error
	// ListenAddrs lists the addresses that the node listens on.
	ListenAddrs(ctx context.Context) ([]string, error)

	Topics(ctx context.Context) ([]Topic, error)
	// Announcements yields blocks as gossip brings them until ctx is done. It
	// listens from the call on, not only once the sequence is ranged over.
	Announcements(ctx context.Context) iter.Seq2[Announcement, error]
	// Events yields what happened to the best chain since the cursor, then
	// follows it until ctx is done. An empty cursor means from now on;
	// "genesis" replays the whole chain. An unknown cursor is ErrNotFound, and a
	// malformed one ErrBadRequest. "Now"
	// is the time of the call, not that of ranging over the sequence.
	Events(ctx context.Context, since string) iter.Seq2[Event, error]

	SyncStatus(ctx context.Context) (SyncStatus, error)

	// MineOnce finds n blocks, one after another, and returns when they are on
	// the best chain. An empty address means the payout file's, else the zero
	// account.
	MineOnce(ctx context.Context, n int, address string) ([]MinedBlock, error)
	StartMining(ctx context.Context, address string, threads int) (MiningStatus, error)
	StopMining(ctx context.Context) (MiningStatus, error)
	MiningStatus(ctx context.Context) (MiningStatus, error)

	Invalidate(ctx context.Context, id core.Hash) (Ref, error)
	Reconsider(ctx context.Context, id core.Hash) (Ref, error)
	// Import reads what Export wrote and returns the tip afterwards.
	Import(ctx context.Context, r io.Reader) (Ref, error)

	TxBackend
}

// TxBackend is the part of a [Backend] that is about payments and addresses.
type TxBackend interface {
	// SubmitTx hands in a payment, encoded. Once it returns without an error the
	// payment survives a crash of the node. It fails with a [Refusal], which wraps
	// ErrRefused; a payment whose coins are missing is refused, too.
	SubmitTx(ctx context.Context, raw []byte) (TxAccepted, error)
	// SubmitTxs hands in up to MaxSubmit payments, parents before children, and
	// says of each what became of it.
	SubmitTxs(ctx context.Context, raws [][]byte) ([]TxOutcome, error)
	// Tx finds a transaction in the pool, on the chain, or in what is remembered
	// of those that left the pool; else it fails with ErrNotFound. Without an
	// index, those of the chain are found as far as the pool remembers them. While
	// the index is on its way, what it may contradict is an [IndexError] instead:
	// that a payment is gone, an orphan or nowhere.
	Tx(ctx context.Context, id core.Hash, raw bool) (TxDetail, error)
	Mempool(ctx context.Context) (Mempool, error)
	// MempoolTxs lists the payments in the pool behind number after, as they came.
	MempoolTxs(ctx context.Context, after uint64, limit int) ([]MempoolTx, error)
	// Fees estimates fee rates for targets of 1 to MaxFeeTarget blocks, at most
	// MaxFeeTargets of them; none means a few common ones.
	Fees(ctx context.Context, targets []int) (Fees, error)

	// What follows needs the index, waits some seconds for it to reach the tip, and
	// fails with an [IndexError], which wraps ErrNoIndex, without. An address that
	// is not one of this network is ErrBadRequest.

	Address(ctx context.Context, address string) (AddressInfo, error)
	// AddressCoins lists the coins of an address; an empty cursor begins.
	AddressCoins(ctx context.Context, address, cursor string, limit int) (CoinPage, error)
	// AddressHistory lists the transactions of an address; an empty cursor begins.
	AddressHistory(ctx context.Context, address, cursor string, limit int) (HistoryPage, error)
	// WalletView answers all that a wallet wants to know, at one tip.
	WalletView(ctx context.Context, q WalletQuery) (WalletView, error)
}

// ListBlocks lists up to limit blocks of the best chain, the newest first, page by
// page. Blocks that a reorganisation replaces between two pages may be missing or
// there twice.
func ListBlocks(ctx context.Context, r ChainReader, from *uint32, limit int) ([]Block, error) {
	blocks := []Block{}
	for limit > 0 {
		page, err := r.Blocks(ctx, from, min(limit, maxPage))
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, page...)
		limit -= len(page)
		if len(page) == 0 || page[len(page)-1].Height == 0 {
			break
		}
		next := page[len(page)-1].Height - 1
		from = &next
	}
	return blocks, nil
}

func bitsString(bits uint32) string { return fmt.Sprintf("%08x", bits) }
