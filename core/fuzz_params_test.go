package core_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

func FuzzParseAddress(f *testing.F) {
	alice := coretest.Key("alice").Address.Encode("ing")
	f.Add(alice)
	f.Add(strings.ToUpper(alice))
	f.Add(alice[:20] + strings.ToUpper(alice[20:]))
	f.Add(core.Address{}.Encode("ingd"))
	f.Fuzz(func(t *testing.T, s string) {
		a, err := core.ParseAddress(s, "ing")
		if err != nil {
			if !errors.Is(err, core.ErrAddress) && !errors.Is(err, core.ErrAddressNetwork) && !errors.Is(err, core.ErrAddressKind) {
				t.Fatalf("%q: %v is of no kind", s, err)
			}
			return
		}
		if a.Kind != core.KindKeyHash {
			t.Fatalf("%q is of kind %d", s, a.Kind)
		}
		// Bech32 allows one other spelling: all upper case.
		if again := a.Encode("ing"); again != s && strings.ToUpper(again) != s {
			t.Fatalf("%q is written %q", s, again)
		}
		if _, err := core.ParseAddress(s, "ingd"); !errors.Is(err, core.ErrAddressNetwork) {
			t.Fatalf("%q on another network: %v", s, err)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"12.5", "0", "90071992.54740991", "90071992.54740992", "00.00000001", "1e8", "+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := core.ParseAmount(s)
		if err != nil {
			if !errors.Is(err, core.ErrAmount) {
				t.Fatalf("%q: %v is not ErrAmount", s, err)
			}
			return
		}
		if back, err := core.ParseAmount(a.String()); err != nil || back != a || a > core.MaxAmount {
			t.Fatalf("%q gives %d, and that %d, %v", s, a, back, err)
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok || strings.Trim(s, "0123456789.") != "" {
			t.Fatalf("%q is no decimal", s)
		}
		if want := exact.Mul(exact, big.NewRat(int64(core.GrainsPerING), 1)); want.Cmp(new(big.Rat).SetUint64(uint64(a))) != 0 {
			t.Fatalf("%q is %s grains, parsed as %d", s, want, a)
		}
	})
}

func FuzzParseHash(f *testing.F) {
	f.Add(core.Hash{0xab, 31: 1}.String())
	f.Add(strings.ToUpper(core.Hash{0xab}.String()))
	f.Add("é" + strings.Repeat("0", 62))
	f.Fuzz(func(t *testing.T, s string) {
		h, err := core.ParseHash(s)
		good := len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
		if (err == nil) != good {
			t.Fatalf("%q: %v", s, err)
		}
		var viaText core.Hash
		if (viaText.UnmarshalText([]byte(s)) == nil) != good || viaText != h {
			t.Fatalf("%q as text is %s, parsed %s", s, viaText, h)
		}
		if good && h.String() != s {
			t.Fatalf("%q is written %q", s, h)
		}
	})
}

func FuzzParseParams(f *testing.F) {
	for _, p := range []*core.Params{core.LAN(), core.Dev()} {
		data, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(bytes.Replace(data, []byte(`"name"`), []byte(`"Name"`), 1))
		f.Add(bytes.Replace(data, []byte(`"salt"`), []byte(`"name"`), 1))
		f.Add(append(data, '1'))
		f.Add(bytes.Replace(data, []byte(`[{`), []byte(`[{},{`), 1))
		f.Add(bytes.Replace(data, []byte(`:10,`), []byte(`:null,`), 1))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p *core.Params
		var err error
		// encoding/json takes about 50 bytes a byte where all is brackets.
		fuzzing.Proportional(t, len(b), 256, func() { p, err = core.ParseParams(b) })
		if err != nil {
			if !errors.Is(err, core.ErrParams) {
				t.Fatalf("%v is not ErrParams", err)
			}
			return
		}
		// Keys are compared as they stand, so that all readers agree.
		var plain map[string]any
		if err := json.Unmarshal(b, &plain); err != nil || len(plain) != 17 {
			t.Fatalf("%s has %d keys, want 17: %v", b, len(plain), err)
		}
		for key := range plain {
			if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
				t.Fatalf("key %q is accepted", key)
			}
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := core.ParseParams(data)
		if err != nil || !reflect.DeepEqual(back, p) || back.Genesis().ID() != p.Genesis().ID() {
			t.Fatalf("%s becomes %s: %v", b, data, err)
		}
	})
}

// paramsOf makes parameters of bytes: the built-in ones, with some changed.
func paramsOf(s *fuzzing.Source) *core.Params {
	p := fuzzing.Of(s, core.LAN, core.Dev)()
	number := func() uint64 {
		return fuzzing.Of(s, 0, 1, 2, 3, 1000, 4096, 6144, 1<<16, 1<<20, 1<<32-1, 1<<53-1, 1<<53, 1<<64-1, s.Uint64(), s.Uint64()>>32, s.Uint64()>>48)
	}
	for !s.Empty() {
		switch s.Intn(17) {
		case 0:
			p.Name = string(s.Bytes(s.Intn(40)))
		case 1:
			copy(p.Salt[:], s.Bytes(4))
		case 2:
			p.AddressPrefix = string(s.Bytes(s.Intn(8)))
		case 3:
			p.GenesisTime = number()
		case 4:
			p.GenesisBits = uint32(s.Uint64())
		case 5:
			p.Retarget.IntervalMillis = number()
		case 6:
			p.Retarget.Window = uint32(number())
		case 7:
			p.Retarget.RampStart = uint32(number())
		case 8:
			p.Retarget.LimitBits = uint32(s.Uint64())
		case 9:
			p.Retarget.Fixed = !p.Retarget.Fixed
		case 10:
			p.MaxBlockBytes = uint32(number())
		case 11:
			p.MaxTxBytes = uint32(number())
		case 12:
			p.MaxBlockCoins = uint32(number())
		case 13:
			p.CoinbaseMaturity = uint32(number())
		case 14:
			p.Subsidy = core.Amount(number())
		case 15:
			p.HalvingInterval = uint32(number())
		case 16:
			p.Versions = append(p.Versions, core.VersionRule{Height: uint32(number()), Version: uint16(number())})
		}
	}
	return p
}

// readParams reads the canonical encoding by the specification.
func readParams(b []byte) *core.Params {
	le := binary.LittleEndian
	take := func(n int) []byte { v := b[:n]; b = b[n:]; return v }
	u32 := func() uint32 { return le.Uint32(take(4)) }
	u64 := func() uint64 { return le.Uint64(take(8)) }
	text := func() string { return string(take(int(take(1)[0]))) }
	p := &core.Params{}
	if take(1)[0] != 1 {
		return nil
	}
	p.Name, p.Salt, p.AddressPrefix = text(), core.Hash(take(32)), text()
	p.GenesisTime, p.GenesisBits = u64(), u32()
	p.Retarget = core.Retarget{IntervalMillis: u64(), Window: u32(), RampStart: u32(), LimitBits: u32(), Fixed: take(1)[0] == 1}
	p.MaxBlockBytes, p.MaxTxBytes, p.MaxBlockCoins, p.CoinbaseMaturity = u32(), u32(), u32(), u32()
	p.Subsidy, p.HalvingInterval = core.Amount(u64()), u32()
	for n := take(1)[0]; n > 0; n-- {
		p.Versions = append(p.Versions, core.VersionRule{Height: u32(), Version: le.Uint16(take(2))})
	}
	if len(b) != 0 {
		return nil
	}
	return p
}

// Parameters that pass make rules that hold together: an encoding that can be
// read back, so that no two networks have one genesis; a genesis that passes; a
// supply within the maximum.
func FuzzParams(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 15, 1, 14, 12})
	f.Add([]byte{0, 0, 3, 'a', '-', 'b', 1, 1, 2, 3, 4, 12, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := paramsOf(fuzzing.New(b))
		rules, err := core.NewRules(p)
		if err != nil {
			if !errors.Is(err, core.ErrParams) {
				t.Fatalf("%v is not ErrParams", err)
			}
			return
		}
		if back := readParams(p.Encode()); !reflect.DeepEqual(back, p) {
			t.Fatalf("%+v is read back as %+v", p, back)
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := core.ParseParams(data); err != nil || !reflect.DeepEqual(back, p) {
			t.Fatalf("%s is read back as %+v: %v", data, back, err)
		}
		if err := rules.CheckBlock(rules.Genesis()); err != nil {
			t.Fatalf("genesis: %v", err)
		}
		wantSupply(t, p)
		st := p.GenesisState()
		if bits := rules.NextBits(&st.HeaderState); bits != p.GenesisBits {
			t.Fatalf("block 1 has bits %08x, genesis %08x", bits, p.GenesisBits)
		}
		if p.MaxFutureMillis() < p.Retarget.IntervalMillis || p.MaxFutureMillis() > core.MaxIntervalMillis*core.MaxWindow {
			t.Fatalf("%d ms ahead are allowed", p.MaxFutureMillis())
		}
	})
}

// wantSupply adds what all blocks mint, in big integers.
func wantSupply(t *testing.T, p *core.Params) {
	t.Helper()
	total, last := new(big.Int), p.Subsidy
	for era := uint64(0); era*uint64(p.HalvingInterval) < 1<<32-1; era++ {
		first := era*uint64(p.HalvingInterval) + 1
		s := p.SubsidyAt(uint32(first))
		if s > last {
			t.Fatalf("the subsidy rises to %d at height %d", s, first)
		}
		if end := first + uint64(p.HalvingInterval) - 1; end < 1<<32 && p.SubsidyAt(uint32(end)) != s {
			t.Fatalf("the subsidy changes before height %d", end+1)
		}
		if last = s; s == 0 {
			break
		}
		total.Add(total, new(big.Int).Mul(new(big.Int).SetUint64(uint64(s)), big.NewInt(int64(p.HalvingInterval))))
	}
	if p.SubsidyAt(0) != 0 || total.Cmp(new(big.Int).SetUint64(uint64(core.MaxAmount))) > 0 {
		t.Fatalf("genesis mints %d, all blocks %s", p.SubsidyAt(0), total)
	}
}
