package core

// ConnectHeader judges a header as the child of parent and returns the state
// after it. It checks everything about a header but the clock
// ([Rules.CheckClock]) and the state commitment, which takes the coins
// ([Rules.ConnectBlock]).
func (r *Rules) ConnectHeader(parent *HeaderState, h *Header) (HeaderState, error) {
	id := h.ID()
	switch want := r.params.VersionAt(parent.Height + 1); {
	case h.Parent != parent.ID:
		return HeaderState{}, ruleErr(ErrParentID, "parent is %s, want %s", h.Parent.Short(), parent.ID.Short())
	case parent.Height == 1<<32-1 || h.Height != parent.Height+1:
		return HeaderState{}, ruleErr(ErrHeight, "height %d after %d", h.Height, parent.Height)
	case h.Version > want:
		// Whoever cites newer rules must have worked for it.
		if err := r.CheckWork(h); err != nil {
			return HeaderState{}, err
		}
		return HeaderState{}, deferErr(ErrNewRules, "version %d at height %d, these rules know %d: is there a newer release?", h.Version, h.Height, want)
	case h.Version < want:
		return HeaderState{}, ruleErr(ErrOldVersion, "version %d at height %d, want %d", h.Version, h.Height, want)
	case h.Time <= parent.Time:
		return HeaderState{}, ruleErr(ErrTime, "time %d is not after the parent's, %d", h.Time, parent.Time)
	}
	if want := r.NextBits(parent); h.Bits != want {
		return HeaderState{}, ruleErr(ErrBits, "bits %08x at height %d, want %08x", h.Bits, h.Height, want)
	}
	target, err := TargetFromBits(h.Bits)
	if err != nil {
		return HeaderState{}, ruleErr(ErrBits, "bits %08x: %v", h.Bits, err)
	}
	if !HashMeetsTarget(id, &target) {
		return HeaderState{}, ruleErr(ErrWork, "id %s is above the target of bits %08x", id, h.Bits)
	}
	return HeaderState{
		Height: h.Height, ID: id, Time: h.Time, ParentTime: parent.Time,
		Bits: h.Bits, Work: parent.Work.Add(Work(workOfTarget(&target))),
	}, nil
}

// CheckWork judges a header's proof of work by its own bits, without knowing
// its parent: what a stranger's header must have cost before we spend more on
// it. Bits easier than the network's limit fail.
func (r *Rules) CheckWork(h *Header) error {
	target, err := TargetFromBits(h.Bits)
	if err != nil {
		return ruleErr(ErrBits, "bits %08x: %v", h.Bits, err)
	}
	limit, _ := TargetFromBits(r.params.Retarget.LimitBits) // Params.Validate has passed it
	if target.Gt(&limit) {
		return ruleErr(ErrBits, "bits %08x are easier than the network's limit %08x", h.Bits, r.params.Retarget.LimitBits)
	}
	if id := h.ID(); !HashMeetsTarget(id, &target) {
		return ruleErr(ErrWork, "id %s is above the target of bits %08x", id, h.Bits)
	}
	return nil
}

// CheckClock defers a header whose time is further ahead of now, in Unix
// milliseconds, than the network allows.
func (r *Rules) CheckClock(h *Header, now uint64) error {
	ahead := h.Time - min(h.Time, now)
	if limit := r.params.MaxFutureMillis(); ahead > limit {
		return deferErr(ErrFuture, "time is %d ms ahead of our clock, at most %d", ahead, limit)
	}
	return nil
}

// NextBits returns the bits that the child of parent must have.
func (r *Rules) NextBits(parent *HeaderState) uint32 {
	return r.params.Retarget.NextBits(parent.Height+1, parent.Bits, parent.Time-parent.ParentTime)
}

// Diff is what one block changed in the state: the inverse applied to the state
// after the block gives the one before.
type Diff struct {
	// Spent are the coins of earlier blocks that the block took.
	Spent []Coin
	// Created are the coins that the block left; what it made and spent itself
	// is in neither list.
	Created []Coin
	// MergedPeaks are the history peaks that the block's append merged away.
	MergedPeaks []Hash
}

// Needs lists the coins that a block spends of earlier blocks, in the order of
// its inputs: what [Rules.ConnectBlock] wants to be given.
func (b *Block) Needs() []Outpoint {
	index := b.txIndex()
	ops := make([]Outpoint, 0, b.inputs())
	for i := range b.Txs {
		for j := range b.Txs[i].Inputs {
			op := b.Txs[i].Inputs[j].Outpoint
			if at, own := index[op.TxID]; !own || at >= i {
				ops = append(ops, op)
			}
		}
	}
	return ops
}

// inputs counts the inputs of all transactions.
func (b *Block) inputs() (n int) {
	for i := range b.Txs {
		n += len(b.Txs[i].Inputs)
	}
	return n
}

// txIndex maps the block's txids to their positions.
func (b *Block) txIndex() map[Hash]int {
	index := make(map[Hash]int, len(b.Txs))
	for i, id := range b.txids {
		index[id] = i
	}
	return index
}

// ConnectBlock judges a block that [Rules.CheckBlock] has passed as the child
// of the state st, with the coins that [Block.Needs] listed, as far as they
// exist. It returns the state after the block and what changed. The
// header is judged too.
func (r *Rules) ConnectBlock(st *State, b *Block, utxos UTXOs) (*State, *Diff, error) {
	hs, err := r.ConnectHeader(&st.HeaderState, &b.Header)
	if err != nil {
		return nil, nil, err
	}
	if want := st.Commitment(); b.Header.State != want {
		return nil, nil, ruleErr(ErrStateRoot, "the header commits to state %s, ours is %s", b.Header.State.Short(), want.Short())
	}
	diff, err := r.spend(b, utxos)
	if err != nil {
		return nil, nil, err
	}
	next := *st
	next.HeaderState = hs
	diff.apply(&next.Coins)
	diff.MergedPeaks = next.History.push(hs.ID, hs.Work)
	return &next, diff, nil
}

// spend checks every payment of b against the coins it spends.
func (r *Rules) spend(b *Block, utxos UTXOs) (*Diff, error) {
	diff := &Diff{Spent: make([]Coin, 0, len(utxos))}
	own := newOutputs(b)
	var owners []Address // of the payment at hand
	for i := 1; i < len(b.Txs); i++ {
		t := &b.Txs[i]
		owners = t.appendOwners(owners[:0])
		var sum Amount
		for j := range t.Inputs {
			in := &t.Inputs[j]
			coin, ours := own.take(in.Outpoint, i)
			if !ours {
				var ok bool
				if coin, ok = utxos[in.Outpoint]; !ok {
					return nil, ruleErr(ErrMissingCoin, "transaction %d: %s:%d is not an unspent coin", i, in.TxID.Short(), in.Index)
				}
				diff.Spent = append(diff.Spent, coin)
			}
			var err error
			if sum, err = r.checkSpend(t, j, &coin, owners, b.Header.Height, sum); err != nil {
				return nil, inTx(i, err)
			}
		}
		if err := checkFee(t, sum); err != nil {
			return nil, inTx(i, err)
		}
	}
	diff.Created = own.left()
	return diff, nil
}

// CheckSpend judges a payment that [Rules.CheckTx] has passed against the coins
// that it spends, one for each input in their order, as a part of a block at
// height: maturity, owners, and the declared fee. It is what [Rules.ConnectBlock]
// asks of every payment, for one that is not in a block yet.
func (r *Rules) CheckSpend(t *Transaction, coins []Coin, height uint32) error {
	var sum Amount
	owners := t.appendOwners(nil)
	for i := range t.Inputs {
		var err error
		if sum, err = r.checkSpend(t, i, &coins[i], owners, height, sum); err != nil {
			return err
		}
	}
	return checkFee(t, sum)
}

// appendOwners appends the addresses of the keys in the witnesses: once for all
// inputs of an owner.
func (t *Transaction) appendOwners(owners []Address) []Address {
	for i := range t.Witnesses {
		owners = append(owners, AddressOf(t.Witnesses[i].PublicKey))
	}
	return owners
}

// checkSpend checks one input against the coin it spends at a height, and adds
// the coin to the sum of the inputs before.
func (r *Rules) checkSpend(t *Transaction, input int, coin *Coin, owners []Address, height uint32, sum Amount) (Amount, error) {
	if coin.Coinbase && uint64(height) < uint64(coin.Height)+uint64(r.params.CoinbaseMaturity) {
		return 0, ruleErr(ErrImmature, "input %d spends the coinbase of height %d, which matures at %d", input, coin.Height, uint64(coin.Height)+uint64(r.params.CoinbaseMaturity))
	}
	if owner := t.Inputs[input].Owner; owners[owner] != coin.Address {
		return 0, ruleErr(ErrOwner, "input %d: owner %d's key is not that of the coin's address", input, owner)
	}
	sum, ok := addAmounts(sum, coin.Value)
	if !ok {
		return 0, ruleErr(ErrInputSum, "inputs are above %d grains", MaxAmount)
	}
	return sum, nil
}

// checkFee checks that the declared fee is what the inputs leave.
func checkFee(t *Transaction, inputs Amount) error {
	out := t.Fee
	for i := range t.Outputs {
		out += t.Outputs[i].Value
	}
	if out != inputs {
		return ruleErr(ErrFeeMismatch, "inputs are %d grains, outputs and the declared fee %d", inputs, out)
	}
	return nil
}

// outputs tells which of a block's own outputs the block has spent itself. It
// makes no coin that nobody asks for: a block may have as many outputs as its
// sender likes.
type outputs struct {
	b     *Block
	index map[Hash]int // positions of the transactions
	first []int        // of each transaction's outputs in taken
	taken []bool
	n     int // of taken that are true
}

func newOutputs(b *Block) *outputs {
	o := &outputs{b: b, index: b.txIndex(), first: make([]int, len(b.Txs))}
	n := 0
	for i := range b.Txs {
		o.first[i] = n
		n += len(b.Txs[i].Outputs)
	}
	o.taken = make([]bool, n)
	return o
}

// take spends an output of a transaction before the given one, if there is such
// an output and it is unspent.
func (o *outputs) take(op Outpoint, before int) (Coin, bool) {
	i, own := o.index[op.TxID]
	if !own || i >= before || uint64(op.Index) >= uint64(len(o.b.Txs[i].Outputs)) {
		return Coin{}, false
	}
	at := o.first[i] + int(op.Index)
	if o.taken[at] {
		return Coin{}, false
	}
	o.taken[at] = true
	o.n++
	return o.b.coin(i, int(op.Index)), true
}

// left lists the coins that were not taken, in the order of the block's outputs.
func (o *outputs) left() []Coin {
	coins := make([]Coin, 0, len(o.taken)-o.n)
	for i := range o.b.Txs {
		for j := range o.b.Txs[i].Outputs {
			if !o.taken[o.first[i]+j] {
				coins = append(coins, o.b.coin(i, j))
			}
		}
	}
	return coins
}

// coin returns the coin that output j of transaction i makes.
func (b *Block) coin(i, j int) Coin {
	out := &b.Txs[i].Outputs[j]
	return Coin{
		Outpoint: Outpoint{TxID: b.txids[i], Index: uint32(j)},
		Value:    out.Value, Address: out.Address,
		Height: b.Header.Height, Coinbase: i == 0,
	}
}

// Created lists the coins that a valid block left, in the order of its outputs.
func (b *Block) Created() []Coin {
	own := newOutputs(b)
	for i := range b.Txs {
		for j := range b.Txs[i].Inputs {
			own.take(b.Txs[i].Inputs[j].Outpoint, len(b.Txs))
		}
	}
	return own.left()
}

func (d *Diff) apply(s *CoinSet) {
	for i := range d.Spent {
		s.Remove(&d.Spent[i])
	}
	for i := range d.Created {
		s.Add(&d.Created[i])
	}
}

// UndoBlock returns the state before the block that left st and diff, whose
// parent had the header state parent.
func UndoBlock(st *State, parent *HeaderState, diff *Diff) *State {
	prev := *st
	prev.HeaderState = *parent
	for i := range diff.Created {
		prev.Coins.Remove(&diff.Created[i])
	}
	for i := range diff.Spent {
		prev.Coins.Add(&diff.Spent[i])
	}
	prev.History.pop(diff.MergedPeaks)
	return &prev
}

// AppendUndo appends what undoing a block takes beside the block itself: the
// coins it spent and the peaks it merged.
func (d *Diff) AppendUndo(b []byte) []byte {
	b = append(b, byte(len(d.MergedPeaks)))
	for _, p := range d.MergedPeaks {
		b = append(b, p[:]...)
	}
	for i := range d.Spent {
		c := d.Spent[i].Encode()
		b = append(b, c[:]...)
	}
	return b
}

// ParseUndo reads what [Diff.AppendUndo] wrote for block b and returns the
// whole diff.
func ParseUndo(undo []byte, b *Block) (*Diff, error) {
	d := newDecoder(undo)
	n := int(d.U8())
	if n > maxPeaks {
		d.Fail("%d peaks, at most %d", n, maxPeaks)
	}
	diff := &Diff{Created: b.Created()}
	for i := 0; i < n && d.Err() == nil; i++ {
		diff.MergedPeaks = append(diff.MergedPeaks, d.hash())
	}
	for d.Err() == nil && d.Remaining() > 0 {
		diff.Spent = append(diff.Spent, d.coin())
	}
	return diff, d.Err()
}
