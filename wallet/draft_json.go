package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

const (
	// MaxDraftSize bounds the text of a draft, in bytes: one of the largest
	// transaction of the default network takes about 2 MiB.
	MaxDraftSize = 8 << 20
	// DraftVersion is the version of the text.
	DraftVersion = 1
)

// draftJSON is a draft as text. Its fields are in the order written; every field
// is always there but those marked omitempty.
type draftJSON struct {
	Version    int            `json:"ingchain_draft"`
	Network    string         `json:"network"`
	Genesis    core.Hash      `json:"genesis"`
	Inputs     []draftInput   `json:"inputs"`
	Outputs    []draftOutput  `json:"outputs"`
	Fee        core.Amount    `json:"fee"`
	Data       hexBytes       `json:"data,omitempty"`
	Signatures []draftWitness `json:"signatures"`
}

type draftInput struct {
	TxID    core.Hash   `json:"txid"`
	Index   uint32      `json:"index"`
	Value   core.Amount `json:"value"`
	Address string      `json:"address"`
	Path    *Path       `json:"path,omitempty"`
}

type draftOutput struct {
	Value   core.Amount `json:"value"`
	Address string      `json:"address"`
	Change  bool        `json:"change,omitempty"`
	Path    *Path       `json:"path,omitempty"`
}

type draftWitness struct {
	PublicKey hexBytes `json:"public_key"`
	Signature hexBytes `json:"signature"`
}

// hexBytes is written in lower-case hexadecimal.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.AppendDecode(nil, text)
	return err
}

// Encode returns the draft as JSON, which [ParseDraft] reads: one line, keys in
// a fixed order, so that a draft has one text.
func (d *Draft) Encode() []byte {
	j := draftJSON{Version: DraftVersion, Network: d.Network, Genesis: d.Genesis, Fee: d.Fee, Data: d.Data,
		Inputs: []draftInput{}, Outputs: []draftOutput{}, Signatures: []draftWitness{}}
	for i := range d.Inputs {
		in := &d.Inputs[i]
		j.Inputs = append(j.Inputs, draftInput{in.TxID, in.Index, in.Value, in.Address.Encode(d.Prefix), in.Path})
	}
	for i := range d.Outputs {
		out := &d.Outputs[i]
		j.Outputs = append(j.Outputs, draftOutput{out.Value, out.Address.Encode(d.Prefix), out.Change, out.Path})
	}
	for i := range d.Signatures {
		w := &d.Signatures[i]
		j.Signatures = append(j.Signatures, draftWitness{w.PublicKey[:], w.Signature[:]})
	}
	b, err := json.Marshal(j)
	if err != nil {
		panic(fmt.Sprintf("wallet: encode a draft: %v", err)) // numbers, hashes and texts always can be
	}
	return b
}

// ParseDraft reads the text of a draft and checks it ([Draft.Check]). White space
// between tokens is free; all else must be as [Draft.Encode] writes it.
func ParseDraft(text []byte, rules *core.Rules) (*Draft, error) {
	if len(text) > MaxDraftSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrDraft, len(text), MaxDraftSize)
	}
	var j draftJSON
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDraft, err)
	}
	if j.Version != DraftVersion {
		return nil, fmt.Errorf("%w: version %d, this release reads version %d: is there a newer one?", ErrDraft, j.Version, DraftVersion)
	}
	if params := rules.Params(); j.Genesis != rules.GenesisID() {
		return nil, fmt.Errorf("%w: it is for %.32q (genesis %s), this is %q (genesis %s)", ErrDraftNetwork,
			j.Network, j.Genesis.Short(), params.Name, rules.GenesisID().Short())
	}
	d, err := j.draft(rules.Params().AddressPrefix)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDraft, err)
	}
	if !bytes.Equal(compact.Bytes(), d.Encode()) {
		return nil, fmt.Errorf("%w: keys missing, twice or out of order", ErrDraft)
	}
	if err := d.Check(rules); err != nil {
		return nil, err
	}
	return d, nil
}

func (j *draftJSON) draft(prefix string) (*Draft, error) {
	d := &Draft{Network: j.Network, Genesis: j.Genesis, Prefix: prefix, Fee: j.Fee, Data: j.Data}
	for i, in := range j.Inputs {
		a, err := core.ParseAddress(in.Address, prefix)
		if err != nil {
			return nil, fmt.Errorf("%w: input %d: %w", ErrDraft, i+1, err)
		}
		d.Inputs = append(d.Inputs, DraftInput{core.Outpoint{TxID: in.TxID, Index: in.Index}, in.Value, a, in.Path})
	}
	for i, out := range j.Outputs {
		a, err := core.ParseAddress(out.Address, prefix)
		if err != nil {
			return nil, fmt.Errorf("%w: output %d: %w", ErrDraft, i+1, err)
		}
		d.Outputs = append(d.Outputs, DraftOutput{core.Output{Value: out.Value, Address: a}, out.Change, out.Path})
	}
	for i, w := range j.Signatures {
		if len(w.PublicKey) != core.PublicKeySize || len(w.Signature) != core.SignatureSize {
			return nil, fmt.Errorf("%w: signature %d has another length", ErrDraft, i+1)
		}
		d.Signatures = append(d.Signatures, core.Witness{PublicKey: [core.PublicKeySize]byte(w.PublicKey), Signature: [core.SignatureSize]byte(w.Signature)})
	}
	return d, nil
}

// Summary is a draft for people and for --json: what it takes, what it pays, and
// what it costs. Amounts are in grains.
type Summary struct {
	TxID    core.Hash       `json:"txid"`
	Network string          `json:"network"`
	Size    int             `json:"size"` // bytes, once signed
	Fee     core.Amount     `json:"fee"`
	FeeRate FeeRate         `json:"fee_rate"` // grains per 1,000 bytes
	Paid    core.Amount     `json:"paid"`     // without change
	Change  core.Amount     `json:"change"`
	Inputs  []SummaryInput  `json:"inputs"`
	Outputs []SummaryOutput `json:"outputs"`
	Data    string          `json:"data"` // hexadecimal
	// Missing are the addresses whose owners have yet to sign.
	Missing []string `json:"missing"`
}

// SummaryInput is a coin that a draft spends.
type SummaryInput struct {
	TxID    core.Hash   `json:"txid"`
	Index   uint32      `json:"index"`
	Value   core.Amount `json:"value"`
	Address string      `json:"address"`
	Path    string      `json:"path,omitempty"` // if the key is ours
	Signed  bool        `json:"signed"`
}

// SummaryOutput is a payment of a draft.
type SummaryOutput struct {
	Value   core.Amount `json:"value"`
	Address string      `json:"address"`
	Change  bool        `json:"change"`
}

// Summary returns what a person should see before signing.
func (d *Draft) Summary() Summary {
	s := Summary{TxID: d.TxID(), Network: d.Network, Size: d.Size(), Fee: d.Fee, FeeRate: d.FeeRate(),
		Inputs: []SummaryInput{}, Outputs: []SummaryOutput{}, Data: hex.EncodeToString(d.Data), Missing: []string{}}
	signed := d.signed()
	for i := range d.Inputs {
		in := &d.Inputs[i]
		row := SummaryInput{TxID: in.TxID, Index: in.Index, Value: in.Value, Address: in.Address.Encode(d.Prefix)}
		_, row.Signed = signed[in.Address]
		if in.Path != nil {
			row.Path = in.Path.String()
		}
		s.Inputs = append(s.Inputs, row)
	}
	for i := range d.Outputs {
		out := &d.Outputs[i]
		s.Outputs = append(s.Outputs, SummaryOutput{out.Value, out.Address.Encode(d.Prefix), out.Change})
		if out.Change {
			s.Change += out.Value
		} else {
			s.Paid += out.Value
		}
	}
	for _, a := range d.Missing() {
		s.Missing = append(s.Missing, a.Encode(d.Prefix))
	}
	return s
}
