package wire

import (
	"encoding/binary"

	"github.com/ingchain/ingchain/core"
)

// Hello says who a node is and where it stands. Both sides send one at first
// and then again and again: it is also the sign of life, the poll of the tip
// and the comparison of clocks.
type Hello struct {
	Version      uint16
	Genesis      core.Hash
	Tip          core.Hash
	Height       uint32
	Work         core.Work // cumulative, of the tip
	Clock        uint64    // Unix milliseconds
	Capabilities Capabilities

	// Stamp is the sender's own measure of time in microseconds, which only it
	// understands. Echo returns the Stamp of the last Hello received, zero if
	// none, and Held is for how many microseconds it was held; so each side can
	// tell the round-trip time.
	Stamp uint64
	Echo  uint64
	Held  uint32

	Agent string // at most MaxAgent bytes of printable ASCII
}

// Type implements [Message].
func (*Hello) Type() Type { return TypeHello }

// MaxSize implements [Message].
func (*Hello) MaxSize() int { return maxHelloSize }

// AppendTo implements [Message].
func (m *Hello) AppendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, m.Version)
	b = append(b, m.Genesis[:]...)
	b = append(b, m.Tip[:]...)
	b = le.AppendUint32(b, m.Height)
	w := m.Work.Bytes()
	b = append(b, w[:]...)
	b = le.AppendUint64(b, m.Clock)
	b = le.AppendUint64(b, uint64(m.Capabilities))
	b = le.AppendUint64(b, m.Stamp)
	b = le.AppendUint64(b, m.Echo)
	b = le.AppendUint32(b, m.Held)
	return appendText(b, Printable(m.Agent, MaxAgent))
}

// ParseHello parses a payload. Bytes behind the known fields are skipped if the
// version is above ours and refused otherwise.
func ParseHello(b []byte) (*Hello, error) {
	d := newDecoder(b)
	m := &Hello{
		Version: d.U16(), Genesis: d.hash(), Tip: d.hash(), Height: d.U32(), Work: d.work(),
		Clock: d.U64(), Capabilities: Capabilities(d.U64()),
		Stamp: d.U64(), Echo: d.U64(), Held: d.U32(),
		Agent: d.text("agent", MaxAgent),
	}
	if d.Err() == nil && m.Version == 0 {
		d.Fail("version 0, want 1 or above")
	}
	if m.Version > Version {
		d.Take(min(d.Remaining(), helloExtra))
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// RefusalCode says why a Hello was refused.
type RefusalCode byte

// Codes of HelloRefused. Others are to be read as RefusedOther.
const (
	RefusedOther   RefusalCode = 0 // see the text
	RefusedGenesis RefusalCode = 1 // the network is another one
	RefusedBanned  RefusalCode = 2 // the peer broke a rule not long ago
)

// HelloRefused answers a Hello whose sender may not join.
type HelloRefused struct {
	Code    RefusalCode
	Genesis core.Hash // of the node that refuses
	Text    string    // at most MaxText bytes of printable ASCII
}

// Type implements [Message].
func (*HelloRefused) Type() Type { return TypeHelloRefused }

// MaxSize implements [Message].
func (*HelloRefused) MaxSize() int { return maxHelloRefusedSize }

// AppendTo implements [Message].
func (m *HelloRefused) AppendTo(b []byte) []byte {
	b = append(b, byte(m.Code))
	b = append(b, m.Genesis[:]...)
	return appendText(b, Printable(m.Text, MaxText))
}

// ParseHelloRefused parses a payload.
func ParseHelloRefused(b []byte) (*HelloRefused, error) {
	d := newDecoder(b)
	m := &HelloRefused{Code: RefusalCode(d.U8()), Genesis: d.hash(), Text: d.text("explanation", MaxText)}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}
