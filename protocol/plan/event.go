package plan

import (
	"time"

	"github.com/ingchain/ingchain/core"
)

// PeerID names a peer; the plan only compares it.
type PeerID string

// Claim is what a peer says of its best chain. Until headers prove it, it is
// only a reason to ask.
type Claim struct {
	ID     core.Hash
	Height uint32
	Work   core.Work
}

// Event is something that happened.
type Event interface{ event() }

// Joined says that a peer is past hello.
type Joined struct {
	Peer  PeerID
	Claim Claim
}

// Claimed says that a joined peer's hello names a tip.
type Claimed struct {
	Peer  PeerID
	Claim Claim
}

// Heard says that a peer's gossip brought a header of valid work.
type Heard struct {
	Peer   PeerID
	Header core.Header
}

// Left says that a peer is gone.
type Left struct{ Peer PeerID }

// HeadersArrived answers [GetHeaders].
type HeadersArrived struct {
	Peer    PeerID
	Req     uint64
	Headers []core.Header
}

// HeadersFailed says that [GetHeaders] brought no answer.
type HeadersFailed struct {
	Peer PeerID
	Req  uint64
	Err  error
}

// HeadersAdded reports on [AddHeaders]. Err is the chain's verdict.
type HeadersAdded struct {
	Peer PeerID
	Err  error
}

// BlocksArrived answers [GetBlocks]: the blocks that came, in the order asked
// for. Fewer than asked for is no offence. Err, if not nil, says why the answer
// ended early; what came before still counts.
type BlocksArrived struct {
	Peer   PeerID
	Req    uint64
	Blocks []*core.Block
	// NotFound says that the peer doesn't have the block after those.
	NotFound bool
	Err      error
}

// BlocksAdded reports on [AddBlocks]: N blocks were taken, and Err is the
// chain's verdict on the one behind them.
type BlocksAdded struct {
	N   int
	Err error
}

// ChainChanged says that the chain has got a new tip or new headers otherwise:
// from gossip, the miner or the operator.
type ChainChanged struct{}

// Tick says only that time has passed; see [WakeAt].
type Tick struct{}

func (Joined) event()         {}
func (Claimed) event()        {}
func (Heard) event()          {}
func (Left) event()           {}
func (HeadersArrived) event() {}
func (HeadersFailed) event()  {}
func (HeadersAdded) event()   {}
func (BlocksArrived) event()  {}
func (BlocksAdded) event()    {}
func (ChainChanged) event()   {}
func (Tick) event()           {}

// Action is something to do. Each is reported on by an event, the last four
// excepted.
type Action interface{ action() }

// GetHeaders asks a peer for up to [HeadersPerRequest] headers.
type GetHeaders struct {
	Peer    PeerID
	Req     uint64
	Locator []core.Hash
}

// GetBlocks asks a peer for blocks.
type GetBlocks struct {
	Peer PeerID
	Req  uint64
	IDs  []core.Hash
}

// AddHeaders hands verified headers to the chain. They follow one another.
type AddHeaders struct {
	Peer    PeerID
	Headers []core.Header
}

// AddBlocks hands blocks to the chain, all from one peer, so that blame is
// exact. There is at most one at a time.
type AddBlocks struct {
	Peer   PeerID
	Blocks []*core.Block
}

// Cancel gives up a [GetBlocks]; its answer is ignored.
type Cancel struct {
	Peer PeerID
	Req  uint64
}

// Punish drops a peer that broke a rule. The plan has forgotten it already.
type Punish struct {
	Peer PeerID
	Err  error
}

// SetAside tells that a peer isn't asked until a time, for people to read. An
// empty reason takes that back.
type SetAside struct {
	Peer   PeerID
	Until  time.Time
	Reason string
	// Code is the rule's, if Reason is a verdict on what the peer showed.
	Code core.Code
}

// WakeAt asks for a [Tick] at a time. It replaces the one before.
type WakeAt struct{ Time time.Time }

func (GetHeaders) action() {}
func (GetBlocks) action()  {}
func (AddHeaders) action() {}
func (AddBlocks) action()  {}
func (Cancel) action()     {}
func (Punish) action()     {}
func (SetAside) action()   {}
func (WakeAt) action()     {}
