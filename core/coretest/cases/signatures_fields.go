package cases

import (
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// altered tells
//
//	... -> b4 -> b5 -> bad
//	               \-> good
//
// where good spends four coins, the first two and the last of the miner, the
// third of alice, and in bad the same transaction was changed by f after both
// had signed. The change is such that nothing else is wrong with it, if that is
// possible.
func altered(code core.Code, f func(s *coretest.Story, tx *core.Transaction)) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", payment(func(tx *core.Transaction) {
			tx.Outputs = []core.Output{coretest.To("alice", ing), coretest.To("miner", ing), coretest.To("miner", ing), coretest.To("miner", ing)}
		}))
		s.Accepted("b5")
		tx := func(c *coretest.Chain) core.Transaction {
			b5 := c.Get("b5")
			coins := []core.Coin{b5.Coin(1, 1), c.Get("b2").Coinbase(), b5.Coin(1, 0), c.Get("b3").Coinbase()}
			t := spend(c, coins, []string{"miner", "miner", "alice", "miner"}, coretest.To("bob", 3*ing), coretest.To("miner", 2*ing))
			t.Data = []byte("memo")
			coretest.Sign(c.Rules.GenesisID(), &t, "miner", "alice")
			return t
		}
		s.Next("bad", "b5", add(func(c *coretest.Chain) []core.Transaction {
			t := tx(c)
			f(s, &t)
			return []core.Transaction{t}
		}))
		s.Next("good", "b5", add(func(c *coretest.Chain) []core.Transaction { return []core.Transaction{tx(c)} }))
		s.Rejected("bad", code)
		s.Accepted("good")
	}
}

// forged is altered by a thief who needs only the transaction.
func forged(f func(tx *core.Transaction)) func(*coretest.Story) {
	return altered(core.ErrTxSignature, func(_ *coretest.Story, tx *core.Transaction) { f(tx) })
}

var sigFields = []Case{
	{ID: "S03", Name: "values moved from one output to another after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Outputs[0].Value++
		tx.Outputs[1].Value--
	})},
	{ID: "S30", Name: "recipient altered after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Outputs[0].Address = coretest.Key("mallory").Address
	})},
	{ID: "S31", Name: "one bit of a recipient altered after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Outputs[1].Address.Hash[19] ^= 0x80 })},
	{ID: "S32", Name: "fee raised after signing, for an output", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Fee++
		tx.Outputs[1].Value--
	})},
	{ID: "S33", Name: "fee alone altered after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Fee-- })},
	{ID: "S34", Name: "data altered after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Data = []byte("mEmo") })},
	{ID: "S35", Name: "data removed after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Data = nil })},
	{ID: "S36", Name: "data made longer after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Data = append(tx.Data, 0) })},
	{ID: "S37", Name: "outputs swapped after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Outputs[0], tx.Outputs[1] = tx.Outputs[1], tx.Outputs[0]
	})},
	{ID: "S38", Name: "output added after signing, from the fee", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Outputs = append(tx.Outputs, coretest.To("mallory", ing))
		tx.Fee -= ing
	})},
	{ID: "S39", Name: "output removed after signing, to the fee", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Outputs = tx.Outputs[:1]
		tx.Fee += 2 * ing
	})},
	{ID: "S40", Name: "inputs of one owner swapped after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Inputs[0], tx.Inputs[1] = tx.Inputs[1], tx.Inputs[0]
	})},
	{ID: "S41", Name: "input added after signing", Rule: "signing, tx 12", Tell: altered(core.ErrTxSignature, func(s *coretest.Story, tx *core.Transaction) {
		tx.Inputs = append(tx.Inputs, core.Input{Outpoint: s.Get("b4").Coinbase().Outpoint})
		tx.Fee += 5 * ing
	})},
	{ID: "S42", Name: "input removed after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) {
		tx.Inputs = tx.Inputs[:3]
		tx.Fee -= 5 * ing
	})},
	{ID: "S43", Name: "another coin of the same owner and value after signing: txid", Rule: "signing, tx 12", Tell: altered(core.ErrTxSignature, func(s *coretest.Story, tx *core.Transaction) {
		tx.Inputs[3].Outpoint = s.Get("b4").Coinbase().Outpoint
	})},
	{ID: "S44", Name: "another coin of the same owner and value after signing: index", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Inputs[0].Index = 2 })},
	{ID: "S45", Name: "owner of an input altered after signing", Rule: "signing, tx 12", Tell: forged(func(tx *core.Transaction) { tx.Inputs[3].Owner = 1 })},
	{ID: "S46", Name: "version altered after signing", Rule: "tx 1", Tell: altered(core.ErrTxVersion, func(_ *coretest.Story, tx *core.Transaction) { tx.Version = 2 })},
	{ID: "S47", Name: "kind of an output altered after signing", Rule: "tx 5", Tell: altered(core.ErrTxKind, func(_ *coretest.Story, tx *core.Transaction) { tx.Outputs[0].Address.Kind = 1 })},
}
