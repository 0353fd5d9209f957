package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

// payFee is what each payment of the simulation leaves to the miner, in grains.
const payFee = 1000

// key is a node's, for its coins.
type key struct {
	seed    [signature.SeedSize]byte
	public  [core.PublicKeySize]byte
	address core.Address
}

func newKey(rng *rand.Rand) (k key) {
	for i := range k.seed {
		k.seed[i] = byte(rng.Uint32())
	}
	k.public = signature.PublicKey(&k.seed)
	k.address = core.AddressOf(k.public)
	return k
}

// minerChain is what a simulated miner needs of the chain.
type minerChain interface {
	Rules() *core.Rules
	Tip() core.HeaderState
	Template(now time.Time, payTo core.Address, extra []byte, txs ...core.Transaction) (chain.Template, error)
	PoolTemplate(now time.Time, payTo core.Address, extra []byte) (chain.Template, error)
	AddBlocks(ctx context.Context, blocks []*core.Block) (int, error)
}

// searcher finds blocks at random moments, a Poisson process as real searching
// is, on whatever tip its node has then.
type searcher struct {
	chain  minerChain
	ledger *Ledger
	key    key
	payee  core.Address // of the payments, one in each block if there is a coin
	// payTo, unless nil, draws whom a block pays; the block then takes what waits
	// in the node's pool, and no payments of ours.
	payTo func(*rand.Rand) core.Address
	mean  time.Duration // between two blocks of this node
	rng   *rand.Rand
	found atomic.Uint64
	stop  <-chan struct{}
}

// run searches until ctx ends or stop is closed.
func (s *searcher) run(ctx context.Context) error {
	for {
		wait := time.NewTimer(time.Duration(s.rng.ExpFloat64() * float64(s.mean)))
		select {
		case <-ctx.Done():
		case <-s.stop:
		case <-wait.C:
			if err := s.find(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			continue
		}
		wait.Stop()
		return nil
	}
}

// find makes a block on the node's tip and hands it to the chain.
func (s *searcher) find(ctx context.Context) error {
	b, err := s.block()
	if err != nil {
		return err
	}
	// A chain that does not reorganise defers the block if another was quicker.
	if _, err := s.chain.AddBlocks(ctx, []*core.Block{b}); err != nil && !core.IsDeferred(err) {
		return fmt.Errorf("own block at height %d: %w", b.Header.Height, err)
	}
	return nil
}

// block makes a block on the tip.
func (s *searcher) block() (*core.Block, error) {
	extra := fmt.Appendf(nil, "%x/%d", s.key.address.Hash[:4], s.found.Add(1))
	t, err := s.template(extra)
	if err != nil {
		return nil, err
	}
	for s.chain.Rules().CheckWork(&t.Header) != nil {
		t.Header.Nonce++ // about two attempts at the development network's difficulty
	}
	return core.NewBlock(t.Header, t.Txs)
}

// template takes what the pool has, or makes a payment if the ledger has come to
// the tip and has a coin of ours.
func (s *searcher) template(extra []byte) (chain.Template, error) {
	if s.payTo != nil {
		return s.chain.PoolTemplate(time.Now(), s.payTo(s.rng), extra)
	}
	tip := s.chain.Tip().ID
	var txs []core.Transaction
	if coin, ok := s.ledger.oldest(tip, s.key.address); ok && coin.Value > payFee {
		txs = append(txs, s.pay(coin))
	}
	t, err := s.chain.Template(time.Now(), s.key.address, extra, txs...)
	if err == nil && t.Parent.ID != tip { // changed meanwhile; the coin may be gone
		t, err = s.chain.Template(time.Now(), s.key.address, extra)
	}
	return t, err
}

// pay moves a whole coin, less the fee, to the payee: the number of coins stays.
func (s *searcher) pay(coin core.Coin) core.Transaction {
	t := core.Transaction{
		Version: core.TxVersion,
		Inputs:  []core.Input{{Outpoint: coin.Outpoint}},
		Outputs: []core.Output{{Value: coin.Value - payFee, Address: s.payee}},
		Fee:     payFee,
	}
	t.Witnesses = []core.Witness{{PublicKey: s.key.public, Signature: signature.Sign(&s.key.seed, t.SigningDigest(s.chain.Rules().GenesisID()))}}
	return t
}
