// Package fakechain is a chain in memory for tests of the sync protocol: it
// keeps headers and bodies and picks the heaviest branch, but no coins. It is
// not package chain, and judges only what a header and a merkle root tell.
package fakechain

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ingchain/ingchain/core"
)

// Chain is a chain in memory. Its methods are those of chain.Manager that the
// sync protocol uses, and may be called from any goroutine.
type Chain struct {
	rules *core.Rules

	mu       sync.Mutex // guards all below
	nodes    map[core.Hash]*node
	bad      map[core.Hash]error // verdicts
	poison   map[core.Hash]bool  // blocks that will be found bad
	tip      *node
	best     *node
	main     []*node // the tip's chain by height
	watchers map[chan struct{}]bool
	delay    time.Duration // per block added
}

type node struct {
	core.HeaderState
	header core.Header
	parent *node
	block  *core.Block // nil: no body
	bad    bool
	// complete says that the block and all its ancestors have bodies.
	complete bool
	children []*node
}

// New returns a chain of a genesis block.
func New(rules *core.Rules) *Chain {
	g := rules.Genesis()
	st := rules.Params().GenesisState()
	n := &node{HeaderState: st.HeaderState, header: g.Header, block: g, complete: true}
	return &Chain{
		rules: rules, nodes: map[core.Hash]*node{n.ID: n}, bad: map[core.Hash]error{}, poison: map[core.Hash]bool{},
		tip: n, best: n, main: []*node{n}, watchers: map[chan struct{}]bool{},
	}
}

// Make mines n blocks of a coinbase each on top of parent, 1 ms apart. Another
// salt makes other blocks.
func Make(rules *core.Rules, parent core.HeaderState, n int, salt uint32) []*core.Block {
	blocks := make([]*core.Block, 0, n)
	for range n {
		height := parent.Height + 1
		extra := binary.LittleEndian.AppendUint32(nil, salt)
		coinbase := core.NewCoinbase(height, rules.Params().SubsidyAt(height), core.Address{}, extra)
		h := core.Header{
			Version: 1, Height: height, Parent: parent.ID, Time: parent.Time + 1, Bits: rules.NextBits(&parent),
			MerkleRoot: core.MerkleRoot([]core.Hash{core.MerkleLeaf(coinbase.ID(), coinbase.WitnessID())}),
		}
		blocks = append(blocks, Mine(rules, h, []core.Transaction{coinbase}))
		st, err := rules.ConnectHeader(&parent, &blocks[len(blocks)-1].Header)
		if err != nil {
			panic(fmt.Sprintf("fakechain: own block: %v", err))
		}
		parent = st
	}
	return blocks
}

// Mine finds a nonce for a header of a trivial target and makes its block.
func Mine(rules *core.Rules, h core.Header, txs []core.Transaction) *core.Block {
	for rules.CheckWork(&h) != nil {
		h.Nonce++
	}
	b, err := core.NewBlock(h, txs)
	if err != nil {
		panic(fmt.Sprintf("fakechain: own block: %v", err))
	}
	return b
}

// Headers returns the headers of blocks.
func Headers(blocks []*core.Block) []core.Header {
	hs := make([]core.Header, len(blocks))
	for i, b := range blocks {
		hs[i] = b.Header
	}
	return hs
}

// SetDelay makes every block take time to be added.
func (c *Chain) SetDelay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = d
}

// Poison makes a block break a rule when it is added.
func (c *Chain) Poison(id core.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.poison[id] = true
}

// Rules returns the network's rules.
func (c *Chain) Rules() *core.Rules { return c.rules }

// Tip returns the end of the best chain of bodies.
func (c *Chain) Tip() core.HeaderState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip.HeaderState
}

// BestHeader returns the end of the best chain of headers.
func (c *Chain) BestHeader() core.HeaderState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.best.HeaderState
}

// HeaderState finds a header.
func (c *Chain) HeaderState(id core.Hash) (core.HeaderState, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[id]; n != nil {
		return n.HeaderState, true
	}
	return core.HeaderState{}, false
}

// Header returns a header.
func (c *Chain) Header(id core.Hash) (core.Header, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[id]; n != nil {
		return n.header, nil
	}
	return core.Header{}, fmt.Errorf("no header %s", id.Short())
}

// BlockBytes returns a body.
func (c *Chain) BlockBytes(id core.Hash) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[id]; n != nil && n.block != nil {
		return n.block.Bytes(), nil
	}
	return nil, fmt.Errorf("no block %s", id.Short())
}

// HasBlock reports whether a body is stored.
func (c *Chain) HasBlock(id core.Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[id]
	return n != nil && n.block != nil
}

// Vouched reports whether a block is stored and was connected: all that this
// chain keeps was.
func (c *Chain) Vouched(id core.Hash) bool { return c.HasBlock(id) && c.Verdict(id) == nil }

// Verdict returns what is known against a block.
func (c *Chain) Verdict(id core.Hash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bad[id]
}

// Locator names blocks of the best chain.
func (c *Chain) Locator() []core.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []core.Hash
	for _, h := range core.LocatorHeights(c.tip.Height) {
		ids = append(ids, c.main[h].ID)
	}
	return ids
}

// HeadersAfter returns headers of the best chain behind a locator.
func (c *Chain) HeadersAfter(locator []core.Hash, stop core.Hash, max int) []core.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := 0
	for _, id := range locator {
		if n := c.nodes[id]; n != nil && int(n.Height) < len(c.main) && c.main[n.Height] == n {
			from = int(n.Height)
			break
		}
	}
	var hs []core.Header
	for _, n := range c.main[from+1:] {
		if len(hs) == max {
			break
		}
		hs = append(hs, n.header)
		if n.ID == stop {
			break
		}
	}
	return hs
}

// IDsInRange lists blocks of the branch that ends in tip.
func (c *Chain) IDsInRange(tip core.Hash, from uint32, count int) ([]core.Hash, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[tip]
	if n == nil {
		return nil, fmt.Errorf("no block %s", tip.Short())
	}
	var ids []core.Hash
	for ; n != nil && n.Height >= from; n = n.parent {
		if int(n.Height) < int(from)+count {
			ids = append(ids, n.ID)
		}
	}
	slices.Reverse(ids)
	return ids, nil
}

// Missing lists blocks without a body up to the best header.
func (c *Chain) Missing(max int) []core.HeaderState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return missing(c.best, max)
}

// MissingTo does so up to any header.
func (c *Chain) MissingTo(tip core.Hash, max int) []core.HeaderState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return missing(c.nodes[tip], max)
}

func missing(n *node, max int) []core.HeaderState {
	count := 0
	for m := n; m != nil && m.block == nil; m = m.parent {
		count++
	}
	out := make([]core.HeaderState, min(max, count))
	for ; count > 0; n = n.parent {
		if count--; count < len(out) {
			out[count] = n.HeaderState
		}
	}
	return out
}

// AddHeaders takes headers.
func (c *Chain) AddHeaders(hs []core.Header) (core.HeaderState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.poke()
	for i := range hs {
		if _, err := c.add(&hs[i]); err != nil {
			return c.best.HeaderState, err
		}
	}
	return c.best.HeaderState, nil
}

func (c *Chain) add(h *core.Header) (*node, error) {
	id := h.ID()
	if n := c.nodes[id]; n != nil {
		return n, c.bad[id]
	}
	parent := c.nodes[h.Parent]
	if parent == nil {
		return nil, &core.DeferError{Code: core.ErrNoParent, Detail: h.Parent.Short()}
	}
	st, err := c.rules.ConnectHeader(&parent.HeaderState, h)
	if err != nil {
		return nil, err
	}
	n := &node{HeaderState: st, header: *h, parent: parent, bad: parent.bad}
	c.nodes[id] = n
	parent.children = append(parent.children, n)
	if n.bad {
		c.bad[id] = &core.RuleError{Code: core.ErrBadParent, Detail: h.Parent.Short()}
		return nil, c.bad[id]
	}
	if core.Heavier(n.Work, n.ID, c.best.Work, c.best.ID) {
		c.best = n
	}
	return n, nil
}

// AddBlocks takes blocks.
func (c *Chain) AddBlocks(ctx context.Context, blocks []*core.Block) (int, error) {
	c.mu.Lock()
	delay := c.delay
	c.mu.Unlock()
	if delay > 0 {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Duration(len(blocks)) * delay):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.poke()
	for i, b := range blocks {
		if err := c.addBlock(b); err != nil {
			return i, err
		}
	}
	return len(blocks), nil
}

func (c *Chain) addBlock(b *core.Block) error {
	if b.MerkleRoot() != b.Header.MerkleRoot {
		return &core.BodyError{Code: core.ErrMerkleRoot, Detail: b.ID().Short()}
	}
	n, err := c.add(&b.Header)
	if err != nil {
		return err
	}
	if c.poison[n.ID] {
		c.condemn(n)
		return c.bad[n.ID]
	}
	if n.block != nil {
		return nil
	}
	n.block = b
	if n.parent.complete {
		c.complete(n)
		c.setMain()
	}
	return nil
}

// complete marks a block whose ancestors all have bodies, and its descendants.
func (c *Chain) complete(n *node) {
	n.complete = true
	if core.Heavier(n.Work, n.ID, c.tip.Work, c.tip.ID) {
		c.tip = n
	}
	for _, child := range n.children {
		if child.block != nil && !child.bad && !child.complete {
			c.complete(child)
		}
	}
}

func (c *Chain) setMain() {
	n := c.tip
	if int(n.Height) < len(c.main) {
		c.main = c.main[:n.Height+1]
	}
	for len(c.main) <= int(n.Height) {
		c.main = append(c.main, nil)
	}
	for ; c.main[n.Height] != n; n = n.parent {
		c.main[n.Height] = n
	}
}

// condemn marks a block and its descendants bad and picks the best header anew.
func (c *Chain) condemn(bad *node) {
	c.bad[bad.ID] = &core.RuleError{Code: core.ErrStateRoot, Detail: "poisoned"}
	bad.bad = true
	for _, n := range c.nodes {
		for m := n; m != nil; m = m.parent {
			if m == bad {
				n.bad = true
				if n != bad {
					c.bad[n.ID] = &core.RuleError{Code: core.ErrBadParent, Detail: bad.ID.Short()}
				}
				break
			}
		}
	}
	c.best = c.tip
	for _, n := range c.nodes {
		if !n.bad && core.Heavier(n.Work, n.ID, c.best.Work, c.best.ID) {
			c.best = n
		}
	}
}

// Extend adds blocks that must be good.
func (c *Chain) Extend(blocks []*core.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.poke()
	for _, b := range blocks {
		n, err := c.add(&b.Header)
		if err != nil {
			panic(fmt.Sprintf("fakechain: extend: %v", err))
		}
		n.block = b
		c.complete(n)
	}
	c.setMain()
}

// Subscribe returns a channel that is poked when the chain changes.
func (c *Chain) Subscribe() (<-chan struct{}, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan struct{}, 1)
	c.watchers[ch] = true
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, ch)
	}
}

// poke wakes the watchers; c.mu is held.
func (c *Chain) poke() {
	for ch := range c.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
