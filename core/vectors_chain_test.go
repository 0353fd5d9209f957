package core_test

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

type chainVectors struct {
	about
	Chains []chainVector `json:"chains"`
}

// chainVector is a network and what is delivered to a node of it, in order.
type chainVector struct {
	Name  string `json:"name"`
	About string `json:"about"`
	network
	Steps []stepVector `json:"steps"`
}

// stepVector is one delivery. Every block is connected at once, also on a side
// branch, so that its verdict is a function of it and its ancestors.
type stepVector struct {
	Name    string       `json:"name"`
	Clock   uint64       `json:"clock"`
	Bytes   hexBytes     `json:"bytes"`
	ID      core.Hash    `json:"id"`
	Verdict string       `json:"verdict"`
	Kind    string       `json:"kind"`
	After   *stateVector `json:"after,omitempty"` // of a valid block
	Tip     core.Hash    `json:"tip"`
}

// stateVector is what a block leaves.
type stateVector struct {
	Work     core.Work `json:"work"`
	Coins    uint64    `json:"coins"`
	CoinHash core.Hash `json:"coin_hash"`
	History  core.Hash `json:"history"`
	State    core.Hash `json:"state"`
}

// vectorNode judges deliveries: a node in its plainest form, which keeps the state
// after every valid block.
type vectorNode struct {
	rules *core.Rules
	valid map[core.Hash]*entry
	bad   map[core.Hash]bool
	best  *entry
}

type entry struct {
	state *core.State
	coins core.UTXOs
}

func newVectorNode(rules *core.Rules) *vectorNode {
	st := rules.Params().GenesisState()
	g := &entry{&st, core.UTXOs{}}
	return &vectorNode{rules, map[core.Hash]*entry{st.ID: g}, map[core.Hash]bool{}, g}
}

func (l *vectorNode) judge(b *core.Block, clock uint64) (*entry, error) {
	h := &b.Header
	parent := l.valid[h.Parent]
	switch {
	case h.Height == 0:
		return nil, &core.RuleError{Code: core.ErrGenesis}
	case l.bad[h.Parent]:
		return nil, &core.RuleError{Code: core.ErrBadParent}
	case parent == nil:
		return nil, &core.DeferError{Code: core.ErrNoParent}
	}
	if _, err := l.rules.ConnectHeader(&parent.state.HeaderState, h); err != nil {
		return nil, err
	}
	if err := l.rules.CheckClock(h, clock); err != nil {
		return nil, err
	}
	if err := l.rules.CheckBlock(b); err != nil {
		return nil, err
	}
	st, diff, err := l.rules.ConnectBlock(parent.state, b, parent.coins)
	if err != nil {
		return nil, err
	}
	coins := make(core.UTXOs, len(parent.coins))
	for at, c := range parent.coins {
		coins[at] = c
	}
	for i := range diff.Spent {
		delete(coins, diff.Spent[i].Outpoint)
	}
	for i := range diff.Created {
		coins[diff.Created[i].Outpoint] = diff.Created[i]
	}
	return &entry{st, coins}, nil
}

// deliver fills in what follows from name, clock, bytes and id.
func (l *vectorNode) deliver(v *stepVector) {
	var e *entry
	b, err := core.ParseBlock(v.Bytes)
	if err == nil {
		e, err = l.judge(b, v.Clock)
	}
	v.Verdict, v.Kind, v.After = codeName(err), kindName(err), nil
	if err == nil {
		st := e.state
		v.After = &stateVector{st.Work, st.Coins.Count(), st.Coins.Hash(), st.History.Root(), st.Commitment()}
		l.valid[v.ID] = e
		if best := l.best.state; core.Heavier(st.Work, st.ID, best.Work, best.ID) {
			l.best = e
		}
	} else if core.IsForever(err) {
		l.bad[v.ID] = true
	}
	v.Tip = l.best.state.ID
}

// tale makes one chainVector.
type tale struct {
	signedNetwork
	t     *testing.T
	node  *vectorNode
	out   chainVector
	clock uint64
}

func newTale(t *testing.T, name, about string, p *core.Params) *tale {
	n := newSigned(t, p)
	return &tale{signedNetwork: n, t: t, node: newVectorNode(n.chain.Rules), clock: p.GenesisTime + 1000*p.Retarget.IntervalMillis,
		out: chainVector{Name: name, About: about, network: networkOf(t, p)}}
}

// next makes a block and delivers it. The verdict is stated here, so that a
// wrong one does not get into the file.
func (s *tale) next(name, parent string, want core.Code, mutators ...coretest.Mutator) *coretest.Named {
	s.t.Helper()
	n := s.chain.Next(name, parent, mutators...)
	s.deliver(name, want)
	return n
}

func (s *tale) deliver(name string, want core.Code) {
	s.t.Helper()
	b := s.chain.Get(name).Block
	s.send(name, b.ID(), b.Bytes(), want)
}

func (s *tale) send(name string, id core.Hash, raw []byte, want core.Code) {
	s.t.Helper()
	v := stepVector{Name: name, Clock: s.clock, Bytes: raw, ID: id}
	s.node.deliver(&v)
	if v.Verdict != string(want) {
		s.t.Fatalf("%s, %s: verdict %q, want %q", s.out.Name, name, v.Verdict, want)
	}
	s.out.Steps = append(s.out.Steps, v)
}

func (s *tale) tip(name string) {
	s.t.Helper()
	if s.node.best.state.ID != s.chain.Get(name).Block.ID() {
		s.t.Fatalf("%s: the tip is not %s", s.out.Name, name)
	}
}

const vectorING = core.GrainsPerING

func paymentsTale(t *testing.T) chainVector {
	s := newTale(t, "payments", "Coins mature, move between several owners, are spent in the block that makes them, and are refused for every reason.", smallNetwork())
	coin := func(block string) core.Coin { return s.chain.Get(block).Coinbase() }
	miner := []string{"miner"}
	s.next("b1", coretest.Genesis, "")
	early := s.pay([]core.Coin{coin("b1")}, miner, coretest.To("alice", vectorING))
	s.next("a coinbase's coin, one block too early", "b1", core.ErrImmature, coretest.WithTx(early))
	s.next("b2", "b1", "")
	split := s.pay([]core.Coin{coin("b1")}, miner, coretest.To("alice", 3*vectorING), coretest.To("bob", vectorING), coretest.To("bob", vectorING-500))
	s.next("b3", "b2", "", coretest.WithTx(split))
	b3 := s.chain.Get("b3")
	alice, bob, bob2 := b3.Coin(1, 0), b3.Coin(1, 1), b3.Coin(1, 2)
	both := s.pay([]core.Coin{bob, alice, bob2}, []string{"bob", "alice", "bob"}, coretest.To("carol", 4*vectorING))
	carol := core.Coin{Outpoint: core.Outpoint{TxID: both.ID()}, Value: 4 * vectorING}
	onward := s.pay([]core.Coin{carol}, []string{"carol"}, coretest.To("dave", 4*vectorING-7))
	s.next("b4", "b3", "", coretest.WithTx(both), coretest.WithTx(onward))
	s.next("b5", "b4", "")
	s.badCoins(coin, alice)
	s.badHeaders()
	s.next("b6", "b5", "", coretest.WithTx(s.pay([]core.Coin{coin("b2"), coin("b3")}, miner, coretest.To("alice", vectorING))))
	s.next("b7", "b6", "")
	s.tip("b7")
	return s.out
}

// badCoins are children of b5 that break a rule of the coins, and one of theirs.
func (s *tale) badCoins(coin func(string) core.Coin, spent core.Coin) {
	with := coretest.WithTx
	b2 := coin("b2")
	pay := s.pay([]core.Coin{b2}, []string{"miner"}, coretest.To("alice", vectorING))
	wrongFee := pay
	wrongFee.Fee++
	coretest.Sign(s.genesis, &wrongFee, "miner")
	made := core.Coin{Outpoint: core.Outpoint{TxID: pay.ID()}, Value: vectorING}
	child := s.pay([]core.Coin{made}, []string{"alice"}, coretest.To("bob", vectorING))
	s.next("a coin that never was", "b5", core.ErrMissingCoin, with(s.pay([]core.Coin{madeUpCoin("a", 0, vectorING)}, []string{"alice"}, coretest.To("bob", 1))))
	s.next("a coin spent before", "b5", core.ErrMissingCoin, with(s.pay([]core.Coin{spent}, []string{"alice"}, coretest.To("bob", 1))))
	s.next("an output that its transaction does not have", "b5", core.ErrMissingCoin, with(s.pay([]core.Coin{{Outpoint: core.Outpoint{TxID: b2.TxID, Index: 1}, Value: 1}}, []string{"miner"}, coretest.To("bob", 1))))
	s.next("a coin made later in the block", "b5", core.ErrMissingCoin, with(child), with(pay))
	s.next("the block's own coinbase", "b5", core.ErrImmature, func(d *coretest.Draft) {
		d.KeepReward = true
		d.Txs = append(d.Txs, s.pay([]core.Coin{{Outpoint: core.Outpoint{TxID: d.Txs[0].ID()}, Value: 5 * vectorING}}, []string{"miner"}, coretest.To("bob", 5*vectorING)))
	})
	s.next("somebody else's coin", "b5", core.ErrOwner, with(s.pay([]core.Coin{b2}, []string{"bob"}, coretest.To("bob", 1))))
	s.next("a fee that is not the rest", "b5", core.ErrFeeMismatch, with(wrongFee))
	s.next("another state", "b5", core.ErrStateRoot, coretest.WithHeader(func(h *core.Header) { h.State = filler("state") }))
	s.next("after a bad block", "another state", core.ErrBadParent)
	s.next("a grain too many", "b5", core.ErrCoinbaseValue, func(d *coretest.Draft) { d.KeepReward = true; d.Txs[0].Outputs[0].Value++ })
	good := s.chain.Next("good", "b5", with(pay))
	swapped := core.AppendBlock(nil, good.Block.Header, good.Block.Txs[:1])
	s.send("its header over other transactions", good.Block.ID(), swapped, core.ErrMerkleRoot)
	s.send("a byte behind it", good.Block.ID(), append(good.Block.Bytes()[:good.Block.Size():good.Block.Size()], 0), core.ErrMalformed)
	s.deliver("good", "")
}

func (s *tale) badHeaders() {
	header := coretest.WithHeader
	s.next("height 9", "b5", core.ErrHeight, header(func(h *core.Header) { h.Height = 9 }))
	s.next("version 0", "b5", core.ErrOldVersion, header(func(h *core.Header) { h.Version = 0 }))
	s.next("version 2", "b5", core.ErrNewRules, header(func(h *core.Header) { h.Version = 2 }))
	s.next("version 2 without work", "b5", core.ErrWork, withoutWork(header(func(h *core.Header) { h.Version = 2 })))
	s.next("the parent's time", "b5", core.ErrTime, func(d *coretest.Draft) { d.Header.Time = d.Parent.State.Time })
	s.next("harder bits", "b5", core.ErrBits, header(func(h *core.Header) { h.Bits-- }))
	s.next("no work", "b5", core.ErrWork, withoutWork())
	s.next("height 0", "b5", core.ErrGenesis, header(func(h *core.Header) { h.Height = 0 }))
	p := s.chain.Rules.Params()
	s.next("exactly at the future limit", "b5", "", coretest.WithTime(s.clock+p.MaxFutureMillis()))
	s.next("a millisecond beyond it", "b5", core.ErrFuture, coretest.WithTime(s.clock+p.MaxFutureMillis()+1))
	s.next("its child", "a millisecond beyond it", core.ErrNoParent)
	s.clock++
	s.deliver("a millisecond beyond it", "")
}

// withoutWork takes the first nonce that does not meet the bits.
func withoutWork(mutators ...coretest.Mutator) coretest.Mutator {
	return func(d *coretest.Draft) {
		for _, m := range mutators {
			m(d)
		}
		d.KeepNonce, d.KeepMerkle = true, true
		d.Header.MerkleRoot = core.MerkleRoot([]core.Hash{core.MerkleLeaf(d.Txs[0].ID(), d.Txs[0].WitnessID())})
		target, err := core.TargetFromBits(d.Header.Bits)
		for err == nil && core.HashMeetsTarget(d.Header.ID(), &target) {
			d.Header.Nonce++
		}
	}
}

func branchesTale(t *testing.T) chainVector {
	s := newTale(t, "branches", "A reorganisation that moves a coin elsewhere, equal work decided by the lower id, and a heavier branch with a bad block in it.", smallNetwork())
	miner := []string{"miner"}
	//                     /-> a3 -> a4
	// genesis -> b1 -> b2
	//                     \-> c3 -> c4 -> c5
	//                                \-> bad5 -> bad6 -> bad7
	s.next("b1", coretest.Genesis, "")
	s.next("b2", "b1", "")
	coin := s.chain.Get("b1").Coinbase()
	s.next("a3", "b2", "", coretest.WithTx(s.pay([]core.Coin{coin}, miner, coretest.To("alice", vectorING))))
	s.next("a4", "a3", "")
	s.tip("a4")
	s.next("c3", "b2", "", coretest.WithTx(s.pay([]core.Coin{coin}, miner, coretest.To("carol", 2*vectorING))))
	s.tip("a4")
	c4 := s.next("c4", "c3", "")
	if a4 := s.chain.Get("a4"); lower(a4, c4) == "c4" {
		s.tip("c4")
	} else {
		s.tip("a4")
	}
	s.next("c5", "c4", "")
	s.tip("c5")
	alice := s.chain.Get("a3").Coin(1, 0)
	s.next("bad5", "c4", core.ErrMissingCoin, coretest.WithTx(s.pay([]core.Coin{alice}, []string{"alice"}, coretest.To("bob", 1))))
	s.next("bad6", "bad5", core.ErrBadParent)
	s.next("bad7", "bad6", core.ErrBadParent)
	s.tip("c5")
	for _, name := range []string{"t5", "u5", "v5"} {
		s.next(name, "c4", "")
	}
	s.next("orphan", "bad7", core.ErrBadParent)
	s.chain.Next("c6", "c5")
	s.next("c7", "c6", core.ErrNoParent)
	s.deliver("c6", "")
	s.deliver("c7", "")
	s.tip("c7")
	return s.out
}

func lower(a, b *coretest.Named) string {
	ia, ib := a.Block.ID(), b.Block.ID()
	if string(ia[:]) < string(ib[:]) {
		return a.Name
	}
	return b.Name
}

// workTale has a branch of few blocks that were hard to find and one of more
// that were easy.
func workTale(t *testing.T) chainVector {
	p := smallNetwork()
	p.Name, p.GenesisBits = "work", 0x2000ffff
	p.Retarget.Fixed, p.Retarget.RampStart, p.Retarget.Window = false, 2, 4
	s := newTale(t, "work", "Difficulty follows the times, and the chain with more work beats the longer one.", p)
	step := func(prefix, parent string, deltas ...uint64) string {
		for i, delta := range deltas {
			name := prefix + string(rune('1'+i))
			s.next(name, parent, "", func(d *coretest.Draft) { d.Header.Time = d.Parent.State.Time + delta })
			parent = name
		}
		return parent
	}
	base := step("b", coretest.Genesis, 1_000_000, 10_000, 5_000, 1, 25_000, 10_000)
	longer := step("slow", base, 40_000, 40_000, 1_000_000, 40_000, 40_000)
	s.tip(longer)
	shorter := step("fast", base, 100, 100, 100)
	s.tip(shorter)
	s.next("bits of the block before", shorter, core.ErrBits, coretest.WithHeader(func(h *core.Header) { h.Bits = s.chain.Get(shorter).Block.Header.Bits }))
	s.next("one easier", shorter, core.ErrBits, coretest.WithHeader(func(h *core.Header) { h.Bits++ }))
	return s.out
}

// halvingTale mints 5, 5, 2, 2, 1, 1 and then nothing.
func halvingTale(t *testing.T) chainVector {
	p := smallNetwork()
	p.Name, p.Subsidy, p.HalvingInterval = "halving", 5, 2
	s := newTale(t, "halving", "The subsidy halves every two blocks, rounding down, and ends; fees go on.", p)
	parent := coretest.Genesis
	for i := range 7 {
		name := "b" + string(rune('1'+i))
		s.next(name, parent, "")
		parent = name
	}
	s.next("a grain after the last", parent, core.ErrCoinbaseValue, func(d *coretest.Draft) {
		d.KeepReward = true
		d.Txs[0].Outputs = []core.Output{coretest.To("miner", 1)}
	})
	fee := s.pay([]core.Coin{s.chain.Get("b1").Coinbase()}, []string{"miner"}, coretest.To("alice", 2))
	s.next("a fee alone", parent, "", coretest.WithTx(fee), func(d *coretest.Draft) {
		d.Txs[0].Outputs = []core.Output{coretest.To("miner", 3)}
	})
	return s.out
}

func makeChains(t *testing.T) chainVectors {
	return chainVectors{
		about:  about{"Whole blocks delivered to a node in order, each with the node's clock, the verdict (judge 1 to 9), what the block leaves if it is valid, and the best block afterwards. A block of a side branch is connected at once as well; a deferred one is not kept.", "validation.md"},
		Chains: []chainVector{paymentsTale(t), branchesTale(t), workTale(t), halvingTale(t)},
	}
}

func TestChainVectors(t *testing.T) {
	for _, c := range vectors(t, "chain.json", makeChains).Chains {
		l := newVectorNode(c.rules(t))
		for _, v := range c.Steps {
			got := stepVector{Name: v.Name, Clock: v.Clock, Bytes: v.Bytes, ID: v.ID}
			l.deliver(&got)
			equal(t, c.Name+", "+v.Name, got, v)
		}
	}
}
