package chain

import (
	"fmt"
	"time"

	"github.com/ingchain/ingchain/core"
)

// Template is a block without its proof of work.
type Template struct {
	// Header lacks its nonce; the time may be raised while searching.
	Header core.Header
	// Txs begin with the coinbase.
	Txs []core.Transaction
	// Parent is the tip that the template extends.
	Parent core.HeaderState
}

// Template makes the parts of a block on the tip that pays subsidy and fees to
// payTo, with extra in its coinbase, and txs after that. The transactions are
// the caller's to choose: they must be valid on the tip. The time is now, or
// just after the parent's.
func (m *Manager) Template(now time.Time, payTo core.Address, extra []byte, txs ...core.Transaction) (Template, error) {
	if most := core.MaxTxData - core.CoinbaseHeightSize; len(extra) > most {
		return Template{}, fmt.Errorf("block template: %d bytes of extra data, at most %d", len(extra), most)
	}
	st := m.tipState()
	p := m.rules.Params()
	height := st.Height + 1
	reward := p.SubsidyAt(height)
	for i := range txs {
		reward += txs[i].Fee
	}
	t := Template{Parent: st.HeaderState}
	t.Txs = append([]core.Transaction{core.NewCoinbase(height, reward, payTo, extra)}, txs...)
	leaves := make([]core.Hash, len(t.Txs))
	for i := range t.Txs {
		leaves[i] = core.MerkleLeaf(t.Txs[i].ID(), t.Txs[i].WitnessID())
	}
	t.Header = core.Header{
		Version: p.VersionAt(height), Height: height, Parent: st.ID,
		MerkleRoot: core.MerkleRoot(leaves), State: st.Commitment(),
		Time: max(unixMillis(now), st.Time+1),
		Bits: m.rules.NextBits(&t.Parent),
	}
	return t, nil
}
