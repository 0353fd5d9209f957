package core

import "encoding/binary"

// HeaderState is what a chain of headers leaves for judging the next header.
type HeaderState struct {
	Height uint32
	ID     Hash
	// Time and ParentTime are those of this header and the one before, in Unix
	// milliseconds. ParentTime is zero at genesis.
	Time       uint64
	ParentTime uint64
	Bits       uint32
	// Work is the sum over all blocks after genesis.
	Work Work
}

// State is all that a chain of blocks leaves for judging the next block, but
// for the coins themselves.
type State struct {
	HeaderState
	Coins   CoinSet
	History History
}

// GenesisState returns the state after the network's first block.
func (p *Params) GenesisState() State {
	g := p.Genesis()
	s := State{HeaderState: HeaderState{ID: g.ID(), Time: g.Header.Time, Bits: g.Header.Bits}}
	s.History.push(s.ID, s.Work)
	return s
}

// Commitment returns what the next header must commit to:
// SHA-256(tag, SHA-256(accumulator), number of coins, history root).
func (s *State) Commitment() Hash {
	acc, root := s.Coins.Hash(), s.History.Root()
	var count [8]byte
	binary.LittleEndian.PutUint64(count[:], s.Coins.count)
	return taggedHash(tagState, acc[:], count[:], root[:])
}

// AppendTo appends the state, for storage.
func (s *State) AppendTo(b []byte) []byte {
	b = s.HeaderState.AppendTo(b)
	b = s.Coins.AppendTo(b)
	return s.History.AppendTo(b)
}

// AppendTo appends the header state, for storage.
func (s *HeaderState) AppendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, s.Height)
	b = append(b, s.ID[:]...)
	b = le.AppendUint64(b, s.Time)
	b = le.AppendUint64(b, s.ParentTime)
	b = le.AppendUint32(b, s.Bits)
	w := s.Work.Bytes()
	return append(b, w[:]...)
}

// ParseHeaderState is the inverse of [HeaderState.AppendTo].
func ParseHeaderState(b []byte) (HeaderState, error) {
	d := newDecoder(b)
	s := d.headerState()
	return s, d.End()
}

func (d *decoder) headerState() (s HeaderState) {
	s.Height = d.U32()
	s.ID = d.hash()
	s.Time = d.U64()
	s.ParentTime = d.U64()
	s.Bits = d.U32()
	var w [WorkSize]byte
	copy(w[:], d.Take(WorkSize))
	s.Work = WorkFromBytes(w)
	return s
}

// ParseState is the inverse of [State.AppendTo].
func ParseState(b []byte) (State, error) {
	d := newDecoder(b)
	s := State{HeaderState: d.headerState(), Coins: d.coinSet(), History: d.history()}
	return s, d.End()
}
