package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
)

// params are a network's.
type params struct {
	Name        string
	Salt        hash
	Prefix      string `json:"address_prefix"`
	GenesisTime uint64 `json:"genesis_time"`
	GenesisBits bits   `json:"genesis_bits"`
	Interval    uint64 `json:"block_interval_ms"`
	Window      uint64 `json:"difficulty_window"`
	RampStart   uint64 `json:"difficulty_ramp_start"`
	Limit       bits   `json:"difficulty_limit_bits"`
	Fixed       bool   `json:"difficulty_fixed"`
	MaxBlock    uint64 `json:"max_block_bytes"`
	MaxTx       uint64 `json:"max_tx_bytes"`
	MaxCoins    uint64 `json:"max_block_coins"`
	Maturity    uint64 `json:"coinbase_maturity"`
	Subsidy     uint64
	Halving     uint64    `json:"halving_interval"`
	Versions    []version `json:"versions"`
}

type version struct{ Height, Version uint64 }

// shapes are the keys of the file and what their values look like.
var shapes = map[string]string{
	"name": `^"[a-z0-9][a-z0-9-]{0,31}"$`, "salt": `^"[0-9a-f]{64}"$`, "address_prefix": `^"[a-z]{2,5}"$`,
	"genesis_time": number, "genesis_bits": `^"[0-9a-fA-F]{8}"$`, "block_interval_ms": number,
	"difficulty_window": number, "difficulty_ramp_start": number, "difficulty_limit_bits": `^"[0-9a-fA-F]{8}"$`,
	"difficulty_fixed": `^(true|false)$`, "max_block_bytes": number, "max_tx_bytes": number,
	"max_block_coins": number, "coinbase_maturity": number, "subsidy": number, "halving_interval": number,
	"versions": `^\[`,
}

const number = `^(0|[1-9][0-9]*)$`

// object holds a JSON object to these keys, each once.
func object(raw []byte, shapes map[string]string) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("no object")
	}
	values := map[string]json.RawMessage{}
	for d.More() {
		var value json.RawMessage
		key, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return nil, err
		}
		name := key.(string)
		shape, known := shapes[name]
		if values[name] != nil || !known || !regexp.MustCompile(shape).Match(value) {
			return nil, fmt.Errorf("key %q", name)
		}
		values[name] = value
	}
	if _, err := d.Token(); err != nil || len(values) != len(shapes) {
		return nil, errors.New("keys missing")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one object")
	}
	return values, nil
}

// parseNetwork reads a network file.
func parseNetwork(raw []byte) (*params, error) {
	values, err := object(raw, shapes)
	if err != nil || len(raw) > 65536 {
		return nil, errors.New("not a network file")
	}
	var versions []json.RawMessage
	if err := json.Unmarshal(values["versions"], &versions); err != nil {
		return nil, err
	}
	for _, v := range versions {
		if _, err := object(v, map[string]string{"height": number, "version": number}); err != nil {
			return nil, err
		}
	}
	p := new(params)
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, err
	}
	return p, p.check()
}

// check holds parameters to their bounds.
func (p *params) check() error {
	limit, first := p.Limit.target(), p.GenesisBits.target()
	if limit == nil || first == nil || limit.Cmp(power(32)) < 0 || first.Cmp(limit) > 0 {
		return errors.New("bits")
	}
	for _, b := range [][3]uint64{
		{p.GenesisTime, 0, 1<<53 - 1},
		{p.Interval, 1, 86_400_000},
		{p.Window, 2, 1000},
		{p.RampStart, 2, p.Window},
		{p.MaxBlock, 4096, 33_554_432},
		{p.MaxTx, 1024, p.MaxBlock - 2048},
		{p.MaxCoins, 2, 262_144},
		{p.Maturity, 1, 100_000},
		{p.Subsidy, 0, maxAmount},
		{p.Halving, 1, math.MaxUint32},
		{uint64(len(p.Versions)), 1, 64},
	} {
		if b[0] < b[1] || b[0] > b[2] {
			return fmt.Errorf("%d is not within %d and %d", b[0], b[1], b[2])
		}
	}
	for i, v := range p.Versions {
		if v.Version != 1 || i > 0 || v.Height != 0 {
			return errors.New("versions")
		}
	}
	minted := uint64(0)
	for k := range 64 {
		if left := p.Subsidy >> k; left > 0 && p.Halving > (maxAmount-minted)/left {
			return errors.New("subsidy")
		} else {
			minted += left * p.Halving
		}
	}
	return nil
}

func (p *params) encode() []byte {
	b := append(append([]byte{1, byte(len(p.Name))}, p.Name...), p.Salt[:]...)
	b = put(append(append(b, byte(len(p.Prefix))), p.Prefix...), p.GenesisTime, 8)
	b = put(put(b, uint64(p.GenesisBits), 4), p.Interval, 8)
	b = put(put(put(b, p.Window, 4), p.RampStart, 4), uint64(p.Limit), 4)
	fixed := byte(0)
	if p.Fixed {
		fixed = 1
	}
	b = put(put(append(b, fixed), p.MaxBlock, 4), p.MaxTx, 4)
	b = put(put(put(put(b, p.MaxCoins, 4), p.Maturity, 4), p.Subsidy, 8), p.Halving, 4)
	b = append(b, byte(len(p.Versions)))
	for _, v := range p.Versions {
		b = put(put(b, v.Height, 4), v.Version, 2)
	}
	return b
}

func (p *params) versionAt(height uint32) (v uint16) {
	for _, at := range p.Versions {
		if at.Height <= uint64(height) {
			v = uint16(at.Version)
		}
	}
	return v
}

func (p *params) subsidyAt(height uint32) uint64 {
	if height == 0 {
		return 0
	}
	return p.Subsidy >> (uint64(height-1) / p.Halving) // nothing from 64 on
}

func (p *params) genesis() *block {
	b := &block{txs: []transaction{{Version: 1, Data: make([]byte, 4)}}}
	b.header = header{Version: p.versionAt(0), Parent: tagged("ingchain/params", p.encode()), Merkle: b.merkleRoot(),
		State: new(state).commitment(), Time: p.GenesisTime, Bits: p.GenesisBits}
	return b
}
