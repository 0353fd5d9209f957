package wallet_test

import (
	"fmt"
	"log"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// From words to an address, and a message that its owner signs.
func Example() {
	words, err := wallet.ParseMnemonic("실장 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히")
	if err != nil {
		log.Fatal(err)
	}
	seed, err := words.Seed(wallet.Passphrase{})
	if err != nil {
		log.Fatal(err)
	}
	account, err := seed.Account(0)
	if err != nil {
		log.Fatal(err)
	}
	key, err := account.Key(wallet.Receive, 0)
	if err != nil {
		log.Fatal(err)
	}
	prefix := core.LAN().AddressPrefix
	signed, err := wallet.SignMessage(key, prefix, "hello")
	if err != nil {
		log.Fatal(err)
	}
	read, err := wallet.VerifyMessage(signed.String(), prefix)
	fmt.Println(words, key.Path(), read.Text, read.Address == key.Address(), err)
	// Output: [secret] m/44'/4804167'/0'/0'/0' hello true <nil>
}

// A payment is chosen, shown, signed, and becomes a transaction.
func ExamplePay() {
	rules, err := core.NewRules(core.LAN())
	if err != nil {
		log.Fatal(err)
	}
	words, _ := wallet.ParseMnemonic("legal winner thank year wave sausage worth useful legal winner thank yellow")
	seed, _ := words.Seed(wallet.Passphrase{})
	account, _ := seed.Account(0)
	key, _ := account.Key(wallet.Receive, 0)
	change, _ := account.Address(wallet.Change, 0)

	coins := []wallet.Coin{{Coin: core.Coin{Value: 3 * core.GrainsPerING, Address: key.Address()}}}
	draft, err := wallet.Pay(wallet.Terms{Rules: rules, Height: 100, FeeRate: wallet.DefaultFeeRate}, coins,
		wallet.Payment{Outputs: []core.Output{{Value: core.GrainsPerING, Address: core.Address{}}}, Change: change})
	if err != nil {
		log.Fatal(err)
	}
	s := draft.Summary()
	fmt.Println("pays", s.Paid, "fee", s.Fee, "change", s.Change, "size", s.Size)

	if _, err := draft.Sign(func(a core.Address) (wallet.Key, bool) { return key, a == key.Address() }); err != nil {
		log.Fatal(err)
	}
	tx, err := draft.Transaction(rules)
	fmt.Println(err, tx.ID() == s.TxID)
	// Output:
	// pays 1 fee 0.00000201 change 1.99999799 size 201
	// <nil> true
}
