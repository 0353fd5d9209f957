package reference

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ingchain/ingchain/core"
)

// node is a block that both validators have accepted, with what each has kept of
// it.
type node struct {
	parent *node
	bytes  []byte
	block  *core.Block
	core   *core.State
	coins  []core.Coin // unspent, in the order in which they were made
	model  *State
}

// coin finds an unspent coin.
func (n *node) coin(op core.Outpoint) (core.Coin, bool) {
	for i := range n.coins {
		if n.coins[i].Outpoint == op {
			return n.coins[i], true
		}
	}
	return core.Coin{}, false
}

// judges are the two validators of one network.
type judges struct {
	rules *core.Rules
	model *Network
	cache core.SignatureCache // of core's; nil in worlds without
}

// checkBlock is what core says of a block's bytes, with its cache of signatures
// if it has one.
func (j judges) checkBlock(b *core.Block) error {
	if j.cache == nil {
		return j.rules.CheckBlock(b)
	}
	sigs, err := j.rules.CheckBlockForm(b)
	if err != nil {
		return err
	}
	return core.VerifyUnknown(sigs, j.cache)
}

// coreFindings is what core says, in the words of the model.
type coreFindings struct {
	Findings
	block *core.Block
	state *core.State
	diff  *core.Diff
}

// verdictOfError translates a verdict of core's.
func verdictOfError(err error) Verdict {
	code := string(core.CodeOf(err))
	switch {
	case err == nil:
		return Verdict{}
	case core.IsForever(err):
		return Verdict{Rule, code}
	case core.IsPunishable(err):
		return Verdict{Body, code}
	case core.IsDeferred(err):
		return Verdict{Defer, code}
	}
	return Verdict{-1, err.Error()} // equals no verdict of the model
}

// askCore takes core through the steps of validation.md.
func (j judges) askCore(parent *node, b []byte, now uint64) coreFindings {
	var f coreFindings
	if len(b) < core.HeaderSize {
		_, err := core.ParseBlock(b)
		v := verdictOfError(err)
		f.Findings = Findings{v, v, v, v, v, v, nil}
		return f
	}
	h, err := core.ParseHeader(b[:core.HeaderSize])
	if err != nil {
		f.Verdict = verdictOfError(err)
		return f
	}
	f.Stranger = verdictOfError(j.rules.CheckWork(&h))
	_, err = j.rules.ConnectHeader(&parent.core.HeaderState, &h)
	f.Child = verdictOfError(err)
	f.Clock = verdictOfError(j.rules.CheckClock(&h, now))
	f.block, err = core.ParseBlock(b)
	if err != nil {
		f.Alone = verdictOfError(err)
		f.Verdict = f.Alone
		return f
	}
	f.Alone = verdictOfError(j.checkBlock(f.block))
	if f.Child.Kind == Accepted && f.Alone.Kind == Accepted {
		utxos := core.UTXOs{}
		for _, op := range f.block.Needs() {
			if c, ok := parent.coin(op); ok {
				utxos[op] = c
			}
		}
		f.state, f.diff, err = j.rules.ConnectBlock(parent.core, f.block, utxos)
		f.Connect = verdictOfError(err)
	}
	if h.Height == 0 && f.block.ID() != j.rules.GenesisID() {
		f.Verdict = Verdict{Rule, string(core.ErrGenesis)}
		return f
	}
	for _, v := range []Verdict{f.Child, f.Clock, f.Alone, f.Connect} {
		if v.Kind != Accepted {
			f.Verdict = v
			break
		}
	}
	return f
}

// execute has both validators judge the same bytes, and compares. The node is the
// block's, if it was accepted; what says how the two differ.
func (j judges) execute(parent *node, b []byte, now uint64) (f Findings, next *node, what string) {
	f = j.model.Judge(parent.model, b, now)
	c := j.askCore(parent, b, now)
	got, want := f, c.Findings
	got.Next = nil
	switch {
	case got != want:
		return f, nil, disagreement(want, got)
	case f.Next == nil && c.state == nil:
		return f, nil, ""
	case f.Next == nil || c.state == nil:
		return f, nil, "only one has a state after the block"
	}
	next = &node{parent: parent, bytes: b, block: c.block, core: c.state, model: f.Next}
	next.coins = coinsAfter(parent.coins, c.diff)
	if what := compareStates(next, c.diff); what != "" {
		return f, nil, what
	}
	if f.Verdict.Kind != Accepted { // the clock
		return f, nil, ""
	}
	return f, next, ""
}

// disagreement lists the steps on which the two differ.
func disagreement(core, model Findings) string {
	var steps []string
	for _, s := range []struct {
		name        string
		core, model Verdict
	}{
		{"the header alone", core.Stranger, model.Stranger}, {"the header after its parent", core.Child, model.Child},
		{"the clock", core.Clock, model.Clock}, {"the bytes alone", core.Alone, model.Alone},
		{"connecting", core.Connect, model.Connect}, {"the block", core.Verdict, model.Verdict},
	} {
		if s.core != s.model {
			steps = append(steps, fmt.Sprintf("of %s core says %v, the model %v", s.name, s.core, s.model))
		}
	}
	return strings.Join(steps, "; ")
}

func coinsAfter(before []core.Coin, diff *core.Diff) []core.Coin {
	spent := make(map[core.Outpoint]bool, len(diff.Spent))
	for i := range diff.Spent {
		spent[diff.Spent[i].Outpoint] = true
	}
	after := make([]core.Coin, 0, len(before)+len(diff.Created))
	for i := range before {
		if !spent[before[i].Outpoint] {
			after = append(after, before[i])
		}
	}
	return append(after, diff.Created...)
}

// compareStates holds what the validators have after a block against each other,
// and walks core back to the parent.
func compareStates(n *node, diff *core.Diff) string {
	s, m := n.core, n.model
	work := s.Work.Bytes()
	switch {
	case s.Commitment() != m.Commitment():
		return fmt.Sprintf("core's state after is %s, the model's %x", s.Commitment(), m.Commitment())
	case s.ID != m.ID() || s.Height != m.Height() || s.Time != m.Time():
		return "another id, height or time"
	case m.Work().Cmp(number(work[:])) != 0:
		return fmt.Sprintf("core's work is %s, the model's %x", s.Work, m.Work())
	case s.Coins.Count() != uint64(m.Coins()) || len(n.coins) != m.Coins():
		return fmt.Sprintf("core has %d coins and %d by its diff, the model %d", s.Coins.Count(), len(n.coins), m.Coins())
	}
	undo, err := core.ParseUndo(diff.AppendUndo(nil), n.block)
	if err != nil {
		return fmt.Sprintf("core does not read its own undo data: %v", err)
	}
	if back := core.UndoBlock(s, &n.parent.core.HeaderState, undo); *back != *n.parent.core {
		return "undoing the block does not give core the parent's state"
	}
	return ""
}

// compareTxs has both judge the transactions of a block as if each had come
// alone.
func (j judges) compareTxs(b []byte) string {
	block, err := core.ParseBlock(b)
	if err != nil {
		return ""
	}
	for i := range block.Txs {
		raw := block.Txs[i].AppendTo(nil)
		tx, err := core.ParseTransaction(raw)
		if err == nil {
			err = j.rules.CheckTx(tx)
		}
		if got, want := j.model.JudgeTransaction(raw), verdictOfError(err); got != want {
			return fmt.Sprintf("transaction %d alone: core says %v, the model %v", i, want, got)
		}
	}
	return ""
}

// difference is bytes on which the validators do not agree.
type difference struct {
	world  uint64
	what   string
	params []byte
	path   [][]byte // the blocks before, genesis excepted
	block  []byte
	now    uint64
	gift   int // coins that the world began with and no block has made
}

func (d *difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "world %d: %s\nnow %d, parameters %x\n", d.world, d.what, d.now, d.params)
	if d.gift > 0 {
		fmt.Fprintf(&b, "the world began with %d coins that no block has made\n", d.gift)
	}
	for i, p := range d.path {
		fmt.Fprintf(&b, "block %d: %s\n", i+1, hex.EncodeToString(p))
	}
	fmt.Fprintf(&b, "the block: %s", hex.EncodeToString(d.block))
	return b.String()
}

// tally counts what was judged.
type tally struct {
	executions  int
	accepted    int
	unwanted    int            // blocks meant to be valid that both refused
	codes       map[string]int // by the code of the verdict
	differences int
	smallest    *difference
}

func newTally() *tally { return &tally{codes: map[string]int{}} }

func (t *tally) add(o *tally) {
	t.executions += o.executions
	t.accepted += o.accepted
	t.unwanted += o.unwanted
	t.differences += o.differences
	for code, n := range o.codes {
		t.codes[code] += n
	}
	if o.smallest != nil && (t.smallest == nil || len(o.smallest.block) < len(t.smallest.block)) {
		t.smallest = o.smallest
	}
}

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d executions, %d accepted (%.1f %%), %d differences", t.executions, t.accepted,
		100*float64(t.accepted)/float64(max(t.executions, 1)), t.differences)
	for _, code := range slices.Sorted(maps.Keys(t.codes)) {
		fmt.Fprintf(&b, "\n  %9d %s", t.codes[code], code)
	}
	return b.String()
}
