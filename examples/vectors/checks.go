package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
)

func checkHeaders(t *tally, raw []byte) {
	var f struct {
		about
		Valid []struct {
			Name string
			header
			Bytes hexBytes
			ID    hash
		}
		Malformed []malformed
	}
	load(t, raw, &f)
	for _, c := range f.Valid {
		r := &reader{b: c.Bytes}
		h := r.header()
		same(t, c.Name, "error", r.end(), nil)
		same(t, c.Name, "header", h, c.header)
		same(t, c.Name, "encoding", hexBytes(c.header.encode()).String(), c.Bytes.String())
		same(t, c.Name, "id", h.id(), c.ID)
	}
	for _, c := range f.Malformed {
		r := &reader{b: c.Bytes}
		r.header()
		t.ok(r.end() != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}

func checkTransactions(t *tally, raw []byte) {
	var f struct {
		about
		network
		Genesis hash
		Cases   []struct {
			Name              string
			Fields            *transaction
			Bytes             hexBytes
			BodySize          int `json:"body_size"`
			TxID, WID, Digest hash
			Verdict           string
		}
		Malformed []malformed
	}
	load(t, raw, &f)
	p := f.params(t)
	same(t, "network", "genesis", p.genesis().id(), f.Genesis)
	for _, c := range f.Cases {
		r := &reader{b: c.Bytes}
		tx := r.transaction()
		same(t, c.Name, "error", r.end(), nil)
		same(t, c.Name, "encoding", hexBytes(tx.encode()).String(), c.Bytes.String())
		if c.Fields != nil {
			same(t, c.Name, "fields' encoding", hexBytes(c.Fields.encode()).String(), c.Bytes.String())
		}
		same(t, c.Name, "body's size", len(tx.body()), c.BodySize)
		same(t, c.Name, "txid", tx.txid(), c.TxID)
		same(t, c.Name, "wid", tx.wid(), c.WID)
		same(t, c.Name, "digest", tx.digest(f.Genesis), c.Digest)
		verdict := "tx-no-inputs"
		if len(tx.Inputs) > 0 {
			verdict = p.payment(&tx)
		}
		if verdict == "" {
			verdict = signatures(f.Genesis, []transaction{tx})
		}
		same(t, c.Name, "verdict", verdict, c.Verdict)
	}
	for _, c := range f.Malformed {
		r := &reader{b: c.Bytes}
		r.transaction()
		t.ok(r.end() != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}

// network is what files whose verdicts depend on a network have of it.
type network struct {
	Params   json.RawMessage
	Encoding hexBytes `json:"params_encoding"`
}

func (n *network) params(t *tally) *params {
	p, err := parseNetwork(n.Params)
	if err != nil {
		t.ok(false, "params: %v", err)
		return new(params)
	}
	same(t, p.Name, "parameters' encoding", hexBytes(p.encode()).String(), n.Encoding.String())
	return p
}

func checkSignatures(t *tally, raw []byte) {
	var f struct {
		about
		Cases []struct {
			Name      string
			PublicKey hexBytes `json:"public_key"`
			Message   hexBytes
			Signature hexBytes
			Key       bool
			Valid     bool
		}
	}
	load(t, raw, &f)
	for _, c := range f.Cases {
		same(t, c.Name, "key", publicKey(c.PublicKey) != nil, c.Key)
		same(t, c.Name, "valid", verify(c.PublicKey, c.Message, c.Signature), c.Valid)
	}
}

func checkAddresses(t *tally, raw []byte) {
	var f struct {
		about
		Valid []struct {
			Name, Prefix, Address string
			PublicKey             hexBytes `json:"public_key"`
			Kind                  byte
			Hash                  hexBytes
			Written               string // if not as given
		}
		Invalid []struct{ Name, Prefix, Address, Error, Reason string }
	}
	load(t, raw, &f)
	for _, c := range f.Valid {
		kind, hash, err := parseAddress(c.Address, c.Prefix)
		same(t, c.Address, "error", err, nil)
		t.ok(kind == c.Kind && bytes.Equal(hash, c.Hash), "%s: kind %d, hash %x", c.Address, kind, hash)
		if c.PublicKey != nil {
			same(t, c.Address, "hash of key", hexBytes(addressHash(c.PublicKey)).String(), c.Hash.String())
		}
		want := c.Address
		if c.Written != "" {
			want = c.Written
		}
		same(t, c.Address, "encoding", encodeAddress(c.Prefix, c.Kind, c.Hash), want)
	}
	for _, c := range f.Invalid {
		_, _, err := parseAddress(c.Address, c.Prefix)
		same(t, c.Name, "error", fmt.Sprint(err), c.Error)
	}
}

func checkMerkle(t *tally, raw []byte) {
	var f struct {
		about
		Cases []struct {
			TxIDs, WIDs, Leaves []hash
			Root                hash
		}
	}
	load(t, raw, &f)
	for i, c := range f.Cases {
		name := fmt.Sprintf("%d transactions", len(c.Leaves))
		for j := range c.TxIDs {
			same(t, name, "leaf", leaf(c.TxIDs[j], c.WIDs[j]), f.Cases[i].Leaves[j])
		}
		same(t, name, "root", merkleRoot(c.Leaves), c.Root)
	}
}

func checkTargets(t *tally, raw []byte) {
	var f struct {
		about
		Valid []struct {
			Bits   bits
			Target hash
			Work   hash
		}
		Invalid []struct {
			Bits   bits
			Reason string
		}
		Rounded []struct {
			Target hash
			Bits   bits
		}
		Meets []struct {
			Name string
			ID   hash
			Bits bits
			OK   bool
		}
	}
	load(t, raw, &f)
	for _, c := range f.Valid {
		target, name := c.Bits.target(), c.Bits.String()
		if target == nil {
			t.ok(false, "%s: malformed", name)
			continue
		}
		same(t, name, "target", hash(target.FillBytes(make([]byte, 32))), c.Target)
		same(t, name, "work", hash(workOf(target).FillBytes(make([]byte, 32))), c.Work)
		same(t, name, "bits", compact(target), c.Bits)
	}
	for _, c := range f.Invalid {
		t.ok(c.Bits.target() == nil, "%s is a target, though: %s", c.Bits, c.Reason)
	}
	for _, c := range f.Rounded {
		same(t, c.Target.String(), "bits", compact(new(big.Int).SetBytes(c.Target[:])), c.Bits)
	}
	for _, c := range f.Meets {
		same(t, c.Name, "meets", meets(c.ID, c.Bits.target()), c.OK)
	}
}

func checkRetargets(t *tally, raw []byte) {
	var f struct {
		about
		Cases []struct {
			Name       string
			Interval   uint64 `json:"block_interval_ms"`
			Window     uint64 `json:"difficulty_window"`
			RampStart  uint64 `json:"difficulty_ramp_start"`
			Limit      bits   `json:"difficulty_limit_bits"`
			Fixed      bool   `json:"difficulty_fixed"`
			Height     uint32
			ParentBits bits   `json:"parent_bits"`
			Delta      uint64 `json:"delta_ms"`
			Bits       bits
		}
	}
	load(t, raw, &f)
	for _, c := range f.Cases {
		p := params{Interval: c.Interval, Window: c.Window, RampStart: c.RampStart, Limit: c.Limit, Fixed: c.Fixed}
		same(t, c.Name, "bits", p.retarget(c.Height, c.ParentBits, c.Delta), c.Bits)
	}
}

func checkCoinSets(t *tally, raw []byte) {
	var f struct {
		about
		Empty hash
		Coins []struct {
			coin
			Bytes      hexBytes
			Alone, Sum hash
		}
	}
	load(t, raw, &f)
	var all accumulator
	same(t, "no coins", "hash", all.hash(), f.Empty)
	for _, c := range f.Coins {
		name, alone := c.TxID.String(), accumulator{}
		same(t, name, "encoding", hexBytes(c.coin.encode()).String(), c.Bytes.String())
		alone.add(&c.coin)
		all.add(&c.coin)
		same(t, name, "hash alone", alone.hash(), c.Alone)
		same(t, name, "hash with those before", all.hash(), c.Sum)
	}
}

// number256 is a number of up to 256 bits in hexadecimal.
type number256 struct{ n big.Int }

func (n *number256) UnmarshalText(text []byte) error {
	if _, ok := n.n.SetString(string(text), 16); !ok {
		return fmt.Errorf("not a number: %s", text)
	}
	return nil
}

func checkHistory(t *tally, raw []byte) {
	var f struct {
		about
		Empty  hash
		Blocks []struct {
			ID   hash
			Work number256
			Root hash
		}
	}
	load(t, raw, &f)
	var leaves []hash
	same(t, "no blocks", "root", historyRoot(nil), f.Empty)
	for i, b := range f.Blocks {
		leaves = append(leaves, historyLeaf(b.ID, &b.Work.n))
		same(t, fmt.Sprintf("%d blocks", i+1), "root", historyRoot(leaves), b.Root)
	}
}

func checkNetworks(t *tally, raw []byte) {
	var f struct {
		about
		Valid []struct {
			File              json.RawMessage
			Encoding          hexBytes
			Parent, ID, State hash
			Genesis           hexBytes
			Subsidies         []struct {
				Height  uint32
				Subsidy uint64
			}
		}
		Invalid []struct{ Name, File, Reason string }
	}
	load(t, raw, &f)
	for _, c := range f.Valid {
		p := (&network{c.File, c.Encoding}).params(t)
		g, err := parseBlock(c.Genesis)
		same(t, p.Name, "error", err, nil)
		same(t, p.Name, "genesis", hexBytes(p.genesis().encode()).String(), c.Genesis.String())
		same(t, p.Name, "genesis, encoded again", hexBytes(g.encode()).String(), c.Genesis.String())
		same(t, p.Name, "parent", g.Parent, c.Parent)
		same(t, p.Name, "id", g.id(), c.ID)
		same(t, p.Name, "state", newNode(p).best.commitment(), c.State)
		for _, s := range c.Subsidies {
			same(t, p.Name, fmt.Sprint("subsidy at ", s.Height), p.subsidyAt(s.Height), s.Subsidy)
		}
	}
	for _, c := range f.Invalid {
		_, err := parseNetwork([]byte(c.File))
		t.ok(err != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}

func checkBlocks(t *tally, raw []byte) {
	var f struct {
		about
		network
		Cases []struct {
			Name          string
			Bytes         hexBytes
			ID            hash
			Verdict, Kind string
		}
		Malformed []malformed
	}
	load(t, raw, &f)
	p := f.params(t)
	for _, c := range f.Cases {
		b, err := parseBlock(c.Bytes)
		same(t, c.Name, "error", err, nil)
		same(t, c.Name, "id", b.id(), c.ID)
		same(t, c.Name, "encoding", hexBytes(b.encode()).String(), c.Bytes.String())
		same(t, c.Name, "verdict", p.form(b, len(c.Bytes)), c.Verdict)
		same(t, c.Name, "kind", kindOf(c.Verdict), c.Kind)
	}
	for _, c := range f.Malformed {
		_, err := parseBlock(c.Bytes)
		t.ok(err != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}

func checkGossip(t *tally, raw []byte) {
	var f struct {
		about
		network
		Cases []struct {
			Name     string
			Bytes    hexBytes
			Kind     byte
			Block    hash
			Coinbase hexBytes
			Leaves   []hash
			Message  hash `json:"message_id"`
			Verdict  string
		}
		Malformed []malformed
	}
	load(t, raw, &f)
	p := f.params(t)
	for _, c := range f.Cases {
		a, err := parseAnnouncement(c.Bytes)
		same(t, c.Name, "error", err, nil)
		same(t, c.Name, "encoding", hexBytes(a.encode()).String(), c.Bytes.String())
		same(t, c.Name, "kind", a.kind, c.Kind)
		same(t, c.Name, "block", a.header.id(), c.Block)
		same(t, c.Name, "message id", hash(sha256.Sum256(c.Bytes)), c.Message)
		if a.kind == 1 {
			same(t, c.Name, "coinbase", hexBytes(a.coinbase.encode()).String(), c.Coinbase.String())
		}
		same(t, c.Name, "leaves", fmt.Sprint(a.leaves), fmt.Sprint(c.Leaves))
		same(t, c.Name, "verdict", a.verdict(p), c.Verdict)
	}
	for _, c := range f.Malformed {
		_, err := parseAnnouncement(c.Bytes)
		t.ok(err != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}

func checkBatches(t *tally, raw []byte) {
	var f struct {
		about
		Cases []struct {
			Name    string
			TxIDs   []hash
			Txs     []hexBytes
			Bytes   hexBytes
			Message hash `json:"message_id"`
		}
		Malformed []malformed
	}
	load(t, raw, &f)
	for _, c := range f.Cases {
		txs, err := parseBatch(c.Bytes)
		same(t, c.Name, "error", err, nil)
		same(t, c.Name, "payments", len(txs), len(c.Txs))
		for i := range min(len(txs), len(c.Txs)) {
			same(t, c.Name, "payment", hexBytes(txs[i].encode()).String(), c.Txs[i].String())
			same(t, c.Name, "txid", txs[i].txid(), c.TxIDs[i])
		}
		same(t, c.Name, "encoding", hexBytes(encodeBatch(txs)).String(), c.Bytes.String())
		same(t, c.Name, "message id", hash(sha256.Sum256(c.Bytes)), c.Message)
	}
	for _, c := range f.Malformed {
		_, err := parseBatch(c.Bytes)
		t.ok(err != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}
