package core

import (
	"encoding/binary"
	"errors"

	"github.com/ingchain/ingchain/core/signature"
)

// Rules judges blocks and transactions of one network. It holds what is worth
// working out once from the parameters and is safe for concurrent use.
type Rules struct {
	params  Params
	genesis *Block
}

// NewRules checks the parameters and returns the rules that they make.
func NewRules(p *Params) (*Rules, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	r := &Rules{params: *p}
	r.params.Versions = append([]VersionRule(nil), p.Versions...)
	r.genesis = r.params.Genesis()
	return r, nil
}

// Params returns the network's parameters, which must not be changed.
func (r *Rules) Params() *Params { return &r.params }

// Genesis returns the network's first block.
func (r *Rules) Genesis() *Block { return r.genesis }

// GenesisID returns the id of the network's first block, which names its rules.
func (r *Rules) GenesisID() Hash { return r.genesis.ID() }

// CheckTx judges a payment by its bytes alone: structure, sizes and signatures.
// A coinbase fails: it has its place only in a block.
func (r *Rules) CheckTx(t *Transaction) error {
	sigs, err := r.CheckTxForm(t)
	if err != nil {
		return err
	}
	return VerifySignatures(sigs)
}

// CheckTxForm is [Rules.CheckTx] but for the signatures, which it returns for
// the caller to verify.
func (r *Rules) CheckTxForm(t *Transaction) ([]BlockSignature, error) {
	if t.IsCoinbase() {
		return nil, ruleErr(ErrTxNoInputs, "a payment spends at least one coin")
	}
	if err := r.checkTxForm(t, len(t.AppendTo(nil))); err != nil {
		return nil, err
	}
	return appendSignatures(nil, t, 0, t.SigningDigest(r.GenesisID())), nil
}

// CheckBlock judges a block by its bytes alone, the header's proof of work and
// bits excepted: merkle root, structure, sizes, coinbase and signatures. Bytes
// that the header does not commit to fail with a [BodyError]; all else is a
// [RuleError]. It needs no state, so that blocks can be checked in any order.
func (r *Rules) CheckBlock(b *Block) error {
	items, err := r.CheckBlockForm(b)
	if err != nil {
		return err
	}
	return VerifySignatures(items)
}

// BlockSignature is one signature of a block, or of a payment that came alone,
// yet to be verified.
type BlockSignature struct {
	item        signature.Item
	tx, witness int // where it stands in the block
}

// VerifySignatures verifies what [Rules.CheckBlockForm] of one or more blocks
// returned. The verdict is [ErrTxKey] if any key is unfit, else [ErrTxSignature]
// if any signature is bad; with several blocks the caller finds the culprit by
// verifying each block's alone. A refusal costs little more than a pass, so
// which signature is bad is not looked for.
func VerifySignatures(sigs []BlockSignature) error {
	items := make([]signature.Item, len(sigs))
	for i := range sigs {
		items[i] = sigs[i].item
	}
	bad := signature.VerifyAll(items)
	switch {
	case bad == nil:
		return nil
	case bad.Key:
		at := &sigs[bad.Index]
		return ruleErr(ErrTxKey, "transaction %d: the public key of witness %d is of small order or none", at.tx, at.witness)
	case bad.Index < 0:
		return ruleErr(ErrTxSignature, "one or more of %d signatures do not verify", len(sigs))
	default:
		at := &sigs[bad.Index]
		return ruleErr(ErrTxSignature, "transaction %d: the signature of witness %d does not verify", at.tx, at.witness)
	}
}

// SignatureCache remembers signatures that have verified. It may forget any,
// but must not know what was not added.
type SignatureCache interface {
	Has(*signature.Item) bool
	Add(*signature.Item)
}

// VerifyUnknown is [VerifySignatures] for those that the cache does not know,
// to which it adds them if they pass. The verdict is the same as without a
// cache, since it knows only good ones.
func VerifyUnknown(sigs []BlockSignature, cache SignatureCache) error {
	var unknown []BlockSignature
	for i := range sigs {
		if !cache.Has(&sigs[i].item) {
			unknown = append(unknown, sigs[i])
		}
	}
	if err := VerifySignatures(unknown); err != nil {
		return err
	}
	for i := range unknown {
		cache.Add(&unknown[i].item)
	}
	return nil
}

// CheckBlockForm is [Rules.CheckBlock] but for the signatures, which it returns
// for the caller to verify with [VerifySignatures], perhaps together with those
// of other blocks of the same sender.
func (r *Rules) CheckBlockForm(b *Block) ([]BlockSignature, error) {
	if root := b.MerkleRoot(); root != b.Header.MerkleRoot {
		return nil, bodyErr(ErrMerkleRoot, "transactions have root %s, the header says %s", root.Short(), b.Header.MerkleRoot.Short())
	}
	if b.Header.Height == 0 {
		if b.ID() != r.GenesisID() {
			return nil, ruleErr(ErrGenesis, "height 0 is %s, this network's genesis is %s", b.ID().Short(), r.GenesisID().Short())
		}
		return nil, nil
	}
	if b.Size() > int(r.params.MaxBlockBytes) {
		return nil, ruleErr(ErrBlockSize, "%d bytes, at most %d", b.Size(), r.params.MaxBlockBytes)
	}
	if err := r.checkPlaces(b); err != nil {
		return nil, err
	}
	fees, err := r.checkPayments(b)
	if err != nil {
		return nil, err
	}
	if err := r.checkCoinbase(b, fees); err != nil {
		return nil, err
	}
	return r.blockSignatures(b), nil
}

// checkPlaces checks that there is one coinbase, first, and that inputs and
// outputs are few enough.
func (r *Rules) checkPlaces(b *Block) error {
	if len(b.Txs) == 0 {
		return ruleErr(ErrNoTxs, "a block begins with a coinbase")
	}
	coins := 0
	for i := range b.Txs {
		t := &b.Txs[i]
		coins += len(t.Inputs) + len(t.Outputs)
		switch {
		case i == 0 && !t.IsCoinbase():
			return ruleErr(ErrFirstTx, "the first transaction has %d inputs, a coinbase none", len(t.Inputs))
		case i > 0 && t.IsCoinbase():
			return ruleErr(ErrExtraCoinbase, "transaction %d has no inputs", i)
		}
	}
	if coins > int(r.params.MaxBlockCoins) {
		return ruleErr(ErrBlockCoins, "%d inputs and outputs, at most %d", coins, r.params.MaxBlockCoins)
	}
	return nil
}

// checkPayments checks each payment's form and that no coin is spent twice, and
// returns the sum of the declared fees.
func (r *Rules) checkPayments(b *Block) (fees Amount, err error) {
	spent := make(map[Outpoint]int, b.inputs())
	for i := 1; i < len(b.Txs); i++ {
		t := &b.Txs[i]
		size := b.bodies[i].end - b.bodies[i].start + witnessSize*len(t.Witnesses)
		if err := r.checkTxForm(t, size); err != nil {
			return 0, inTx(i, err)
		}
		for j := range t.Inputs {
			op := t.Inputs[j].Outpoint
			if other, twice := spent[op]; twice {
				return 0, ruleErr(ErrBlockDouble, "transactions %d and %d spend %s:%d", other, i, op.TxID.Short(), op.Index)
			}
			spent[op] = i
		}
		var ok bool
		if fees, ok = addAmounts(fees, t.Fee); !ok {
			return 0, ruleErr(ErrTxSum, "the fees up to transaction %d are above %d grains", i, MaxAmount)
		}
	}
	return fees, nil
}

// checkCoinbase checks the first transaction, whose place is checked already.
func (r *Rules) checkCoinbase(b *Block, fees Amount) error {
	t := &b.Txs[0]
	if t.Version != TxVersion {
		return ruleErr(ErrTxVersion, "coinbase version %d, want %d", t.Version, TxVersion)
	}
	if t.Fee != 0 {
		return ruleErr(ErrCoinbaseFee, "a coinbase declares a fee of %d grains", t.Fee)
	}
	if len(t.Data) < CoinbaseHeightSize || binary.LittleEndian.Uint32(t.Data) != b.Header.Height {
		return ruleErr(ErrCoinbaseHeight, "coinbase data %x does not begin with height %d", t.Data, b.Header.Height)
	}
	if size := b.bodies[0].end - b.bodies[0].start; size > int(r.params.MaxTxBytes) {
		return ruleErr(ErrTxSize, "coinbase of %d bytes, at most %d", size, r.params.MaxTxBytes)
	}
	sum, err := checkOutputs(t.Outputs)
	if err != nil {
		return inTx(0, err)
	}
	if want := r.params.SubsidyAt(b.Header.Height) + fees; sum != want {
		return ruleErr(ErrCoinbaseValue, "coinbase pays %d grains, subsidy and fees are %d", sum, want)
	}
	return nil
}

// inTx says which transaction of a block broke a rule.
func inTx(i int, err error) error {
	var e *RuleError
	if errors.As(err, &e) {
		return ruleErr(e.Code, "transaction %d: %s", i, e.Detail)
	}
	return err
}

// checkTxForm checks everything about a payment of size bytes that takes
// neither state nor signatures.
func (r *Rules) checkTxForm(t *Transaction, size int) error {
	switch {
	case t.Version != TxVersion:
		return ruleErr(ErrTxVersion, "version %d, want %d", t.Version, TxVersion)
	case size > int(r.params.MaxTxBytes):
		return ruleErr(ErrTxSize, "%d bytes, at most %d", size, r.params.MaxTxBytes)
	case len(t.Outputs) == 0:
		return ruleErr(ErrTxNoOutputs, "a payment has at least one output")
	case len(t.Data) > MaxTxData:
		return ruleErr(ErrTxData, "%d bytes of data, at most %d", len(t.Data), MaxTxData)
	}
	sum, err := checkOutputs(t.Outputs)
	if err != nil {
		return err
	}
	if t.Fee > MaxAmount-sum {
		return ruleErr(ErrTxSum, "outputs of %d grains and a fee of %d are above %d", sum, t.Fee, MaxAmount)
	}
	return checkInputs(t)
}

// checkOutputs returns the sum of the outputs.
func checkOutputs(outputs []Output) (sum Amount, err error) {
	for i := range outputs {
		out := &outputs[i]
		if out.Value == 0 || out.Value > MaxAmount {
			return 0, ruleErr(ErrTxValue, "output %d of %d grains, want 1 to %d", i, out.Value, MaxAmount)
		}
		if out.Address.Kind != KindKeyHash {
			return 0, ruleErr(ErrTxKind, "output %d of kind %d, these rules know only %d", i, out.Address.Kind, KindKeyHash)
		}
		var ok bool
		if sum, ok = addAmounts(sum, out.Value); !ok {
			return 0, ruleErr(ErrTxSum, "the outputs up to %d are above %d grains", i, MaxAmount)
		}
	}
	return sum, nil
}

// checkInputs checks that owners are numbered in order of first use, each with
// one witness of its own key, and that no coin is named twice.
func checkInputs(t *Transaction) error {
	owners := 0
	seen := make(map[Outpoint]struct{}, len(t.Inputs))
	for i := range t.Inputs {
		in := &t.Inputs[i]
		if int(in.Owner) > owners {
			return ruleErr(ErrTxOwnerOrder, "input %d names owner %d before owner %d", i, in.Owner, owners)
		}
		owners = max(owners, int(in.Owner)+1)
		if _, twice := seen[in.Outpoint]; twice {
			return ruleErr(ErrTxDoubleIn, "input %d spends %s:%d again", i, in.TxID.Short(), in.Index)
		}
		seen[in.Outpoint] = struct{}{}
	}
	if len(t.Witnesses) != owners {
		return ruleErr(ErrTxOwnerOrder, "%d witnesses for %d owners", len(t.Witnesses), owners)
	}
	keys := make(map[[PublicKeySize]byte]struct{}, owners)
	for i := range t.Witnesses {
		key := t.Witnesses[i].PublicKey
		if _, twice := keys[key]; twice {
			return ruleErr(ErrTxKeyTwice, "owner %d has the key of an earlier one", i)
		}
		keys[key] = struct{}{}
	}
	return nil
}

// appendSignatures appends those of transaction tx of a block.
func appendSignatures(sigs []BlockSignature, t *Transaction, tx int, digest Hash) []BlockSignature {
	for i := range t.Witnesses {
		w := &t.Witnesses[i]
		it := signature.Item{PublicKey: &w.PublicKey, Message: digest, Signature: &w.Signature}
		sigs = append(sigs, BlockSignature{item: it, tx: tx, witness: i})
	}
	return sigs
}

func (r *Rules) blockSignatures(b *Block) []BlockSignature {
	sigs := make([]BlockSignature, 0, len(b.Txs))
	for i := range b.Txs { // a coinbase has none
		sigs = appendSignatures(sigs, &b.Txs[i], i, b.signingDigest(i, r.GenesisID()))
	}
	return sigs
}
