package node_test

import (
	"crypto/ed25519"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// purse is one key, its address, and the network that it signs for.
type purse struct {
	key    ed25519.PrivateKey
	owner  core.Address
	params *core.Params
}

func newPurse(p *core.Params, name string) purse {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	key := ed25519.NewKeyFromSeed(seed)
	return purse{key: key, owner: core.AddressOf([32]byte(key.Public().(ed25519.PublicKey))), params: p}
}

func (p purse) String() string { return p.owner.Encode(p.params.AddressPrefix) }

// pay signs a payment of coins of p: value to another, the fee, and the rest back.
func (p purse) pay(t *testing.T, coins []api.CoinInfo, to core.Address, value, fee core.Amount) []byte {
	t.Helper()
	tx := core.Transaction{Version: core.TxVersion, Outputs: []core.Output{{Value: value, Address: to}}, Fee: fee}
	var sum core.Amount
	for i := range coins {
		c, err := coins[i].Coin(p.params.AddressPrefix)
		if err != nil || c.Address != p.owner {
			t.Fatalf("coin %+v is not of %s: %v", coins[i], p, err)
		}
		tx.Inputs = append(tx.Inputs, core.Input{Outpoint: c.Outpoint})
		sum += c.Value
	}
	if rest := sum - value - fee; rest != 0 {
		tx.Outputs = append(tx.Outputs, core.Output{Value: rest, Address: p.owner})
	}
	return p.sign(&tx)
}

// sign signs a payment of coins of p alone.
func (p purse) sign(tx *core.Transaction) []byte {
	digest := tx.SigningDigest(p.params.Genesis().ID())
	tx.Witnesses = []core.Witness{{PublicKey: [32]byte(p.key.Public().(ed25519.PublicKey)), Signature: [64]byte(ed25519.Sign(p.key, digest[:]))}}
	return tx.AppendTo(nil)
}

func mine(t *testing.T, n *node.Node, blocks int, to purse) {
	t.Helper()
	if _, err := n.MineOnce(t.Context(), blocks, to.String()); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, n *node.Node, since uint32, of ...purse) api.WalletView {
	t.Helper()
	q := api.WalletQuery{Since: since}
	for _, p := range of {
		q.Addresses = append(q.Addresses, p.String())
	}
	v, err := n.WalletView(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// spendable are the coins that a purse may spend now.
func spendable(t *testing.T, n *node.Node, p purse) (coins []api.CoinInfo) {
	t.Helper()
	for _, c := range view(t, n, 0, p).Coins {
		if c.SpentBy.IsZero() {
			coins = append(coins, c)
		}
	}
	return coins
}

func submit(t *testing.T, n *node.Node, raw []byte) core.Hash {
	t.Helper()
	a, err := n.SubmitTx(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return a.TxID
}

func lookUp(t *testing.T, n *node.Node, id core.Hash) api.TxDetail {
	t.Helper()
	d, err := n.Tx(t.Context(), id, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func history(t *testing.T, n *node.Node, p purse) []api.HistoryEntry {
	t.Helper()
	h, err := n.AddressHistory(t.Context(), p.String(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return h.Entries
}

func balance(t *testing.T, n *node.Node, p purse) api.AddressInfo {
	t.Helper()
	a, err := n.Address(t.Context(), p.String())
	if err != nil {
		t.Fatal(err)
	}
	return a
}
