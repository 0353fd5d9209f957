package core

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// MaxParamsFile bounds a network file, in bytes.
const MaxParamsFile = 64 << 10

// paramsFile is the JSON form of Params. Pointers tell a missing key from a
// zero: every parameter must be there.
type paramsFile struct {
	Name             *string        `json:"name"`
	Salt             *Hash          `json:"salt"`
	AddressPrefix    *string        `json:"address_prefix"`
	GenesisTime      *uint64        `json:"genesis_time"`
	GenesisBits      *hexBits       `json:"genesis_bits"`
	Interval         *uint64        `json:"block_interval_ms"`
	Window           *uint32        `json:"difficulty_window"`
	RampStart        *uint32        `json:"difficulty_ramp_start"`
	LimitBits        *hexBits       `json:"difficulty_limit_bits"`
	Fixed            *bool          `json:"difficulty_fixed"`
	MaxBlockBytes    *uint32        `json:"max_block_bytes"`
	MaxTxBytes       *uint32        `json:"max_tx_bytes"`
	MaxBlockCoins    *uint32        `json:"max_block_coins"`
	CoinbaseMaturity *uint32        `json:"coinbase_maturity"`
	Subsidy          *Amount        `json:"subsidy"`
	HalvingInterval  *uint32        `json:"halving_interval"`
	Versions         *[]versionFile `json:"versions"`
}

// versionFile is the JSON form of a VersionRule.
type versionFile struct {
	Height  *uint32 `json:"height"`
	Version *uint16 `json:"version"`
}

var keyForm = regexp.MustCompile(`^[a-z_]+$`)

// checkKeys walks one JSON value and refuses keys that are not lower-case or
// stand twice in one object, which encoding/json would let pass: everybody must
// read a network file alike.
func checkKeys(dec *json.Decoder) error {
	type object struct {
		seen  map[string]bool // nil: an array
		value bool            // what comes next is a value
	}
	var open []object
	for {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		top := len(open) - 1
		if key, ok := tok.(string); ok && top >= 0 && open[top].seen != nil && !open[top].value {
			if !keyForm.MatchString(key) {
				return fmt.Errorf("key %.40q, want lower-case letters and '_'", key)
			}
			if open[top].seen[key] {
				return fmt.Errorf("key %.40q stands twice", key)
			}
			open[top].seen[key], open[top].value = true, true
			continue
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, object{seen: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
		}
		if len(open) == 0 {
			return nil
		}
		open[len(open)-1].value = false
	}
}

// hexBits is a compact target as eight hexadecimal digits.
type hexBits uint32

func (b hexBits) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%08x", uint32(b)), nil }

func (b *hexBits) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != 4 {
		return fmt.Errorf("bits %.40q, want 8 hexadecimal digits", text)
	}
	*b = hexBits(binary.BigEndian.Uint32(raw))
	return nil
}

func (p *Params) file() paramsFile {
	genesisBits, limitBits := hexBits(p.GenesisBits), hexBits(p.Retarget.LimitBits)
	versions := make([]versionFile, len(p.Versions))
	for i := range p.Versions {
		versions[i] = versionFile{&p.Versions[i].Height, &p.Versions[i].Version}
	}
	return paramsFile{
		Name: &p.Name, Salt: &p.Salt, AddressPrefix: &p.AddressPrefix,
		GenesisTime: &p.GenesisTime, GenesisBits: &genesisBits,
		Interval: &p.Retarget.IntervalMillis, Window: &p.Retarget.Window,
		RampStart: &p.Retarget.RampStart, LimitBits: &limitBits, Fixed: &p.Retarget.Fixed,
		MaxBlockBytes: &p.MaxBlockBytes, MaxTxBytes: &p.MaxTxBytes, MaxBlockCoins: &p.MaxBlockCoins,
		CoinbaseMaturity: &p.CoinbaseMaturity, Subsidy: &p.Subsidy,
		HalvingInterval: &p.HalvingInterval, Versions: &versions,
	}
}

// MarshalJSON writes every parameter, in the form that [ParseParams] reads.
func (p *Params) MarshalJSON() ([]byte, error) { return json.Marshal(p.file()) }

// ParseParams reads a network file: one JSON object with every parameter and no
// other key. The result has passed [Params.Validate].
func ParseParams(data []byte) (*Params, error) {
	if len(data) > MaxParamsFile {
		return nil, fmt.Errorf("%w: %d bytes, a network file has at most %d", ErrParams, len(data), MaxParamsFile)
	}
	if err := checkKeys(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrParams, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var f paramsFile
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrParams, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one JSON value", ErrParams)
	}
	if missing := f.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("%w: missing %s", ErrParams, strings.Join(missing, ", "))
	}
	p := &Params{
		Name: *f.Name, Salt: *f.Salt, AddressPrefix: *f.AddressPrefix,
		GenesisTime: *f.GenesisTime, GenesisBits: uint32(*f.GenesisBits),
		Retarget: Retarget{
			IntervalMillis: *f.Interval, Window: *f.Window, RampStart: *f.RampStart,
			LimitBits: uint32(*f.LimitBits), Fixed: *f.Fixed,
		},
		MaxBlockBytes: *f.MaxBlockBytes, MaxTxBytes: *f.MaxTxBytes, MaxBlockCoins: *f.MaxBlockCoins,
		CoinbaseMaturity: *f.CoinbaseMaturity, Subsidy: *f.Subsidy,
		HalvingInterval: *f.HalvingInterval,
	}
	for i, v := range *f.Versions {
		if v.Height == nil || v.Version == nil {
			return nil, fmt.Errorf("%w: versions[%d] needs height and version", ErrParams, i)
		}
		p.Versions = append(p.Versions, VersionRule{*v.Height, *v.Version})
	}
	return p, p.Validate()
}

// missing lists the keys that the file lacks.
func (f *paramsFile) missing() []string {
	var names []string
	for _, k := range []struct {
		name string
		here bool
	}{
		{"name", f.Name != nil}, {"salt", f.Salt != nil}, {"address_prefix", f.AddressPrefix != nil},
		{"genesis_time", f.GenesisTime != nil}, {"genesis_bits", f.GenesisBits != nil},
		{"block_interval_ms", f.Interval != nil}, {"difficulty_window", f.Window != nil},
		{"difficulty_ramp_start", f.RampStart != nil}, {"difficulty_limit_bits", f.LimitBits != nil},
		{"difficulty_fixed", f.Fixed != nil}, {"max_block_bytes", f.MaxBlockBytes != nil},
		{"max_tx_bytes", f.MaxTxBytes != nil}, {"max_block_coins", f.MaxBlockCoins != nil},
		{"coinbase_maturity", f.CoinbaseMaturity != nil}, {"subsidy", f.Subsidy != nil},
		{"halving_interval", f.HalvingInterval != nil}, {"versions", f.Versions != nil},
	} {
		if !k.here {
			names = append(names, k.name)
		}
	}
	return names
}
