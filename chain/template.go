package chain

import (
	"fmt"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// maxCountSize is how many bytes a block's number of transactions takes at most.
const maxCountSize = 5

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
	if err := checkExtra(extra); err != nil {
		return Template{}, err
	}
	leaves := make([]core.Hash, len(txs))
	for i := range txs {
		leaves[i] = core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID())
	}
	return m.template(m.tipState(), now, payTo, extra, txs, leaves), nil
}

// PoolTemplate is [Manager.Template] with the payments of the pool that pay
// best. It takes no longer lock than the pool's for reading.
func (m *Manager) PoolTemplate(now time.Time, payTo core.Address, extra []byte) (Template, error) {
	if err := checkExtra(extra); err != nil {
		return Template{}, err
	}
	st, chosen := m.choosePayments(payTo, extra)
	txs := make([]core.Transaction, len(chosen))
	leaves := make([]core.Hash, len(chosen))
	for i, tx := range chosen {
		txs[i], leaves[i] = *tx.Transaction(), tx.Leaf()
	}
	return m.template(st, now, payTo, extra, txs, leaves), nil
}

// choosePayments returns the tip's state and what the pool has for the next
// block.
func (m *Manager) choosePayments(payTo core.Address, extra []byte) (*core.State, []*mempool.Tx) {
	p := m.rules.Params()
	coinbase := core.NewCoinbase(0, 1, payTo, extra)
	// The coinbase's size does not depend on height and reward.
	room := int(p.MaxBlockBytes) - core.HeaderSize - maxCountSize - len(coinbase.AppendTo(nil))
	m.pool.mu.RLock()
	defer m.pool.mu.RUnlock()
	st := m.tipState()
	if st.ID != m.pool.tip.ID {
		return st, nil // the pool could not follow
	}
	return st, m.pool.pool.Template(room, int(p.MaxBlockCoins)-1)
}

func checkExtra(extra []byte) error {
	if most := core.MaxTxData - core.CoinbaseHeightSize; len(extra) > most {
		return fmt.Errorf("block template: %d bytes of extra data, at most %d", len(extra), most)
	}
	return nil
}

// template makes a template on st of payments, of which leaves are the merkle
// leaves.
func (m *Manager) template(st *core.State, now time.Time, payTo core.Address, extra []byte, txs []core.Transaction, leaves []core.Hash) Template {
	p := m.rules.Params()
	height := st.Height + 1
	reward := p.SubsidyAt(height)
	for i := range txs {
		reward += txs[i].Fee
	}
	t := Template{Parent: st.HeaderState}
	coinbase := core.NewCoinbase(height, reward, payTo, extra)
	t.Txs = append([]core.Transaction{coinbase}, txs...)
	leaves = append([]core.Hash{core.MerkleLeaf(coinbase.ID(), coinbase.WitnessID())}, leaves...)
	t.Header = core.Header{
		Version: p.VersionAt(height), Height: height, Parent: st.ID,
		MerkleRoot: core.MerkleRoot(leaves), State: st.Commitment(),
		Time: max(unixMillis(now), st.Time+1),
		Bits: m.rules.NextBits(&t.Parent),
	}
	return t
}
