package reference

import (
	"crypto/sha256"
	"maps"
	"math/big"
	"slices"

	"lukechampine.com/blake3"
)

// coin is an unspent output and where it came from (state.md, Coin), but for its
// name.
type coin struct {
	value    uint64
	height   uint32
	coinbase bool
	kind     byte
	hash     [20]byte
}

// lanes is the number of u16 in an LtHash16.
const lanes = 1024

// fullEvery is how many blocks lie between two that compute the coin set's sum
// anew from all coins; those between add and subtract what the block changes.
const fullEvery = 16

// State is what stands after a block. It never changes once made, so a block's
// children share it.
type State struct {
	id              [32]byte
	height          uint32
	time            uint64
	grandparentTime uint64 // the time of this block's own parent
	bits            uint32
	work            *big.Int
	coins           map[outpoint]coin
	sum             [lanes]uint16 // LtHash16 over coins
	leaves          [][32]byte    // of the history, from genesis on
	commitment      [32]byte      // what a child's header must carry
}

// ID is the block's id.
func (s *State) ID() [32]byte { return s.id }

// Height is the block's height.
func (s *State) Height() uint32 { return s.height }

// Time is the block's time, in milliseconds.
func (s *State) Time() uint64 { return s.time }

// Work is the chain's cumulative work.
func (s *State) Work() *big.Int { return new(big.Int).Set(s.work) }

// Coins is the number of unspent coins.
func (s *State) Coins() int { return len(s.coins) }

// Commitment is the state field that a child's header must carry.
func (s *State) Commitment() [32]byte { return s.commitment }

// Genesis is the state after the genesis block.
func (n *Network) Genesis() *State {
	s := &State{
		id:    n.genesisID,
		time:  n.genesisTime,
		bits:  n.genesisBits,
		work:  new(big.Int),
		coins: map[outpoint]coin{},
	}
	s.leaves = [][32]byte{historyLeaf(s.id, s.work)}
	s.commitment = n.commitment(s)
	return s
}

// connect is state.md's table, from rule 2 on, and the state that follows.
func (n *Network) connect(parent *State, b block) (*State, string) {
	if n.breaks("state 2", b.header.state != parent.commitment) {
		return nil, "connect-state"
	}
	coins := maps.Clone(parent.coins)
	for i, t := range b.txs {
		if i > 0 {
			if code := n.spend(coins, t, b.header.height); code != "" {
				return nil, code
			}
		}
		n.addOutputs(coins, t, b.header.height, i == 0)
	}
	work := workAfter(parent.work, b.header.bits)
	next := &State{
		id:              b.header.id(),
		height:          b.header.height,
		time:            b.header.time,
		grandparentTime: parent.time,
		bits:            b.header.bits,
		work:            work,
		coins:           coins,
	}
	next.sum = parent.sum
	n.update(next, parent)
	next.leaves = append(slices.Clone(parent.leaves), historyLeaf(next.id, work))
	next.commitment = n.commitment(next)
	return next, ""
}

// spend is state.md 3 to 7 for one payment, and takes its inputs from coins.
func (n *Network) spend(coins map[outpoint]coin, t transaction, height uint32) string {
	inputs := new(big.Int)
	for _, in := range t.inputs {
		c, ok := coins[in.coin]
		if !ok {
			return "connect-missing-coin"
		}
		ripe := int64(c.height) + int64(n.maturity) + n.off("maturity")
		if n.breaks("state 4", c.coinbase && int64(height) < ripe) {
			return "connect-immature"
		}
		key := t.witnesses[in.owner].key
		account := tagged("ingchain/address", key[:])
		if n.breaks("state 5", c.kind != 0 || string(account[:20]) != string(c.hash[:])) {
			return "connect-owner"
		}
		inputs.Add(inputs, amount(c.value))
		if n.breaks("state 6", tooMuch(inputs)) {
			return "connect-input-sum"
		}
		if !n.has("spent coins stay") {
			delete(coins, in.coin)
		}
	}
	outputs := amount(t.fee)
	for _, out := range t.outputs {
		outputs.Add(outputs, amount(out.value))
	}
	c := inputs.Cmp(outputs)
	if n.breaks("state 7 less", c < 0) || n.breaks("state 7 more", c > 0) {
		return "connect-fee"
	}
	return ""
}

func (n *Network) addOutputs(coins map[outpoint]coin, t transaction, height uint32, coinbase bool) {
	txid := t.txid()
	for i, out := range t.outputs {
		coins[outpoint{txid, uint32(i)}] = coin{
			value:    out.value,
			height:   uint32(int64(height) + n.off("coin height")),
			coinbase: coinbase && !n.has("coinbase coins unmarked"),
			kind:     out.kind,
			hash:     out.hash,
		}
	}
}

// coinLanes is one coin as 1,024 numbers (state.md, Coin set).
func coinLanes(name outpoint, c coin) [lanes]uint16 {
	b := append([]byte(nil), name.txid[:]...)
	b = writeFixed(b, uint64(name.index), 4)
	b = writeFixed(b, c.value, 8)
	b = writeFixed(b, uint64(c.height), 4)
	if c.coinbase {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = append(b, c.kind)
	b = append(b, c.hash[:]...)
	var out [2 * lanes]byte
	blake3.DeriveKey(out[:], "ingchain 2026-11-20 lthash16 coin v1", b)
	var v [lanes]uint16
	for i := range v {
		v[i] = uint16(out[2*i]) | uint16(out[2*i+1])<<8
	}
	return v
}

// update brings the sum over the coins up to date: at times anew over all of
// them, else by what a block has removed and added.
func (n *Network) update(next, parent *State) {
	if next.height%fullEvery == 0 {
		next.sum = sumOf(next.coins)
		return
	}
	for name, c := range parent.coins {
		if _, still := next.coins[name]; still {
			continue
		}
		for i, v := range coinLanes(name, c) {
			next.sum[i] -= v
		}
	}
	for name, c := range next.coins {
		if _, before := parent.coins[name]; before {
			continue
		}
		for i, v := range coinLanes(name, c) {
			next.sum[i] += v
		}
	}
}

func sumOf(coins map[outpoint]coin) [lanes]uint16 {
	var sum [lanes]uint16
	for name, c := range coins {
		for i, v := range coinLanes(name, c) {
			sum[i] += v
		}
	}
	return sum
}

// commitment is H("ingchain/state", …) of state.md.
func (n *Network) commitment(s *State) [32]byte {
	var accumulator []byte
	for _, v := range s.sum {
		accumulator = writeFixed(accumulator, uint64(v), 2)
	}
	coins := sha256.Sum256(accumulator)
	count := writeFixed(nil, uint64(len(s.coins)), 8)
	history := historyRoot(s.leaves)
	return tagged("ingchain/state", coins[:], count, history[:])
}

// historyLeaf is a block's leaf in the history; work is big-endian here.
func historyLeaf(id [32]byte, work *big.Int) [32]byte {
	var b [32]byte
	work.FillBytes(b[:])
	return tagged("ingchain/history/leaf", id[:], b[:])
}

// historyRoot is the root over all leaves: perfect trees, the tallest first.
func historyRoot(leaves [][32]byte) [32]byte {
	all := writeFixed(nil, uint64(len(leaves)), 4)
	for rest := leaves; len(rest) > 0; {
		size := 1
		for 2*size <= len(rest) {
			size *= 2
		}
		peak := perfectTree(rest[:size])
		all = append(all, peak[:]...)
		rest = rest[size:]
	}
	return tagged("ingchain/history", all)
}

func perfectTree(leaves [][32]byte) [32]byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	left := perfectTree(leaves[:len(leaves)/2])
	right := perfectTree(leaves[len(leaves)/2:])
	return tagged("ingchain/history/node", left[:], right[:])
}
