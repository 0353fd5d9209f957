package core_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
)

func TestBuiltInNetworks(t *testing.T) {
	for _, name := range []string{core.NetworkLAN, core.NetworkDev} {
		p := core.BuiltIn(name)
		if p == nil || p.Name != name || p.Validate() != nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for _, name := range []string{"", "main", "LAN"} {
		if p := core.BuiltIn(name); p != nil {
			t.Errorf("%q is the built-in network %s", name, p.Name)
		}
	}
	if err := core.LAN().Validate(); err != nil {
		t.Error(err)
	}
	if lan := core.LAN(); lan.CoinbaseMaturity != 10 || lan.Retarget.Fixed {
		t.Errorf("lan: %+v", lan)
	}
	if dev := core.Dev(); dev.CoinbaseMaturity != 1 || !dev.Retarget.Fixed || dev.AddressPrefix != "ingd" {
		t.Errorf("dev: %+v", dev)
	}
}

// Each bound on a parameter, at its last good value and one beyond.
func TestBoundsOfParameters(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(p *core.Params, v uint64)
		good []uint64
		bad  []uint64
	}{
		"genesis time":     {func(p *core.Params, v uint64) { p.GenesisTime = v }, []uint64{0, 1<<53 - 1}, []uint64{1 << 53, 1<<64 - 1}},
		"block bytes":      {func(p *core.Params, v uint64) { p.MaxBlockBytes, p.MaxTxBytes = uint32(v), 1024 }, []uint64{4096, 32 << 20}, []uint64{0, 4095, 32<<20 + 1}},
		"transaction":      {func(p *core.Params, v uint64) { p.MaxBlockBytes, p.MaxTxBytes = 8192, uint32(v) }, []uint64{1024, 8192 - 2048}, []uint64{0, 1023, 8192 - 2047}},
		"coins":            {func(p *core.Params, v uint64) { p.MaxBlockCoins = uint32(v) }, []uint64{2, 1 << 18}, []uint64{0, 1, 1<<18 + 1}},
		"maturity":         {func(p *core.Params, v uint64) { p.CoinbaseMaturity = uint32(v) }, []uint64{1, 100_000}, []uint64{0, 100_001}},
		"halving":          {func(p *core.Params, v uint64) { p.Subsidy, p.HalvingInterval = 1, uint32(v) }, []uint64{1, 1<<32 - 1}, []uint64{0}},
		"subsidy, once":    {func(p *core.Params, v uint64) { p.Subsidy, p.HalvingInterval = core.Amount(v), 1 }, []uint64{0, 1, 1 << 52}, []uint64{1<<52 + 1, 1 << 53, 1<<64 - 1}},
		"subsidy":          {func(p *core.Params, v uint64) { p.Subsidy, p.HalvingInterval = core.Amount(v), 1<<31 }, []uint64{0, 1, 1 << 21}, []uint64{1<<21 + 1, 1 << 53}},
		"name's length":    {func(p *core.Params, v uint64) { p.Name = strings.Repeat("a", int(v)) }, []uint64{1, 32}, []uint64{0, 33}},
		"prefix's length":  {func(p *core.Params, v uint64) { p.AddressPrefix = strings.Repeat("a", int(v)) }, []uint64{2, 5}, []uint64{0, 1, 6}},
		"schedule's start": {func(p *core.Params, v uint64) { p.Versions[0].Height = uint32(v) }, []uint64{0}, []uint64{1}},
		"first version":    {func(p *core.Params, v uint64) { p.Versions[0].Version = uint16(v) }, []uint64{1}, []uint64{0, 2}},
	} {
		for i, v := range append(tc.good, tc.bad...) {
			p := core.LAN()
			tc.set(p, v)
			err := p.Validate()
			if good := i < len(tc.good); good != (err == nil) {
				t.Errorf("%s: %d: %v", name, v, err)
			} else if !good && !errors.Is(err, core.ErrParams) {
				t.Errorf("%s: %d: %v is no ErrParams", name, v, err)
			}
		}
	}
}

func TestIntervalIsAtMostADay(t *testing.T) {
	r := core.LAN().Retarget
	for interval, good := range map[uint64]bool{0: false, 1: true, 86_400_000: true, 86_400_001: false} {
		r.IntervalMillis = interval
		if err := r.Validate(); good != (err == nil) {
			t.Errorf("%d ms: %v", interval, err)
		}
	}
}

// The failure names the parameter to change, also where another would fail next.
func TestRetargetFailuresNameTheParameter(t *testing.T) {
	for want, r := range map[string]core.Retarget{
		"difficulty window is 1 blocks":                  {IntervalMillis: 1, Window: 1, RampStart: 1, LimitBits: 0x207fffff},
		"difficulty ramp starts at a window of 3 blocks": {IntervalMillis: 1, Window: 2, RampStart: 3, LimitBits: 0x207fffff},
		"block interval is 0 ms":                         {Window: 2, RampStart: 2, LimitBits: 0x207fffff},
		"target limit 0x1d80ffff":                        {IntervalMillis: 1, Window: 2, RampStart: 2, LimitBits: 0x1d80ffff},
		"target limit 0x04010000 is below 2^32":          {IntervalMillis: 1, Window: 2, RampStart: 2, LimitBits: 0x04010000},
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
}

func TestVersionSchedulesThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		versions []core.VersionRule
		want     string
	}{
		"none":                    {nil, "want 1 to 64 entries"},
		"heights equal":           {[]core.VersionRule{{Version: 1}, {Height: 0, Version: 2}}, "versions[1], want heights and versions to rise"},
		"heights fall":            {[]core.VersionRule{{Version: 1}, {Height: 0, Version: 1}}, "versions[1], want heights and versions to rise"},
		"versions equal":          {[]core.VersionRule{{Version: 1}, {Height: 5, Version: 1}}, "versions[1], want heights and versions to rise"},
		"from 0":                  {[]core.VersionRule{{Version: 0}}, "versions[0], want heights and versions to rise"},
		"of a later node":         {[]core.VersionRule{{Version: 1}, {Height: 5, Version: 2}}, "is there a newer one?"},
		"at the next block":       {[]core.VersionRule{{Version: 1}, {Height: 1, Version: 2}}, "is there a newer one?"},
		"begin later":             {[]core.VersionRule{{Height: 1, Version: 1}}, "the first at height 0"},
		"more than there may be":  {make([]core.VersionRule, 65), "want 1 to 64 entries"},
		"as many as there may be": {make([]core.VersionRule, 64), "versions[0], want"},
	} {
		p := core.LAN()
		p.Versions = tc.versions
		if err := p.Validate(); !errors.Is(err, core.ErrParams) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// Rules keep their parameters to themselves.
func TestRulesCopyTheParameters(t *testing.T) {
	p := core.LAN()
	r, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	p.MaxTxBytes, p.Versions[0].Version = 7, 9
	if q := r.Params(); q.MaxTxBytes == 7 || q.Versions[0].Version == 9 {
		t.Error("a caller's change reaches the rules")
	}
	if _, err := core.NewRules(p); !errors.Is(err, core.ErrParams) {
		t.Errorf("bad parameters make rules: %v", err)
	}
}

func TestSubsidyRunsOut(t *testing.T) {
	p := core.LAN()
	p.Subsidy, p.HalvingInterval = 5, 10
	for height, want := range map[uint32]core.Amount{0: 0, 1: 5, 10: 5, 11: 2, 20: 2, 21: 1, 30: 1, 31: 0, 640: 0, 641: 0, 1<<32 - 1: 0} {
		if got := p.SubsidyAt(height); got != want {
			t.Errorf("height %d: %d, want %d", height, got, want)
		}
	}
	p.HalvingInterval = 1<<32 - 1
	if got := p.SubsidyAt(0); got != 0 {
		t.Errorf("genesis mints %d", got)
	}
}

// Every key must be there, and the failure names it.
func TestNetworkFilesLackNothing(t *testing.T) {
	raw, err := json.Marshal(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file) != 17 {
		t.Fatalf("%d keys", len(file))
	}
	for key, value := range file {
		delete(file, key)
		less, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := core.ParseParams(less); !errors.Is(err, core.ErrParams) || !strings.HasSuffix(err.Error(), "missing "+key) {
			t.Errorf("without %s: %v", key, err)
		}
		file[key] = value
	}
	for _, entry := range []string{`{"height":0}`, `{"version":1}`, `{}`} {
		file["versions"] = json.RawMessage("[" + entry + "]")
		raw, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := core.ParseParams(raw); !errors.Is(err, core.ErrParams) || !strings.Contains(err.Error(), "versions") {
			t.Errorf("version %s: %v", entry, err)
		}
	}
}

func TestNetworkFilesAreOneObject(t *testing.T) {
	if core.MaxParamsFile != 65_536 {
		t.Errorf("a network file may have %d bytes, docs/spec/network.md says 65,536", core.MaxParamsFile)
	}
	raw, err := json.Marshal(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	padded := good + strings.Repeat(" ", core.MaxParamsFile-len(good))
	if _, err := core.ParseParams([]byte(padded)); err != nil {
		t.Errorf("%d bytes: %v", len(padded), err)
	}
	for _, in := range []string{
		"", " ", "null", `"lan"`, `["lan"]`, `[["lan"],"lan"]`, "17", "{", good[:len(good)-1], good + good, good + "}", good + "x", padded + " ",
		strings.Replace(good, `"versions":[`, `"versions":["x",`, 1),
		strings.Replace(good, `"name":"lan"`, `"name":{"name":"lan"}`, 1),
	} {
		if _, err := core.ParseParams([]byte(in)); !errors.Is(err, core.ErrParams) {
			t.Errorf("%.60q: %v", in, err)
		}
	}
	// Keys behind a list are looked at like those before.
	if !strings.HasSuffix(good, "]}") {
		t.Fatal("the list of versions is not the last value")
	}
	for _, key := range []string{"name", "NAME"} {
		in := fmt.Sprintf(`%s,%q:"lan"}`, good[:len(good)-1], key)
		if _, err := core.ParseParams([]byte(in)); !errors.Is(err, core.ErrParams) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s again: %v", key, err)
		}
	}
	// A value that looks like a key of the object around it is no key.
	named := strings.Replace(good, `"name":"lan"`, `"name":"name"`, 1)
	if p, err := core.ParseParams([]byte(named)); err != nil || p.Name != "name" {
		t.Errorf("a network called name: %v", err)
	}
	for _, twice := range []string{`"height":0,"height":0,`, `"height":0,"Height":0,`} {
		in := strings.Replace(good, `"height":0,`, twice, 1)
		if _, err := core.ParseParams([]byte(in)); !errors.Is(err, core.ErrParams) {
			t.Errorf("%s: %v", twice, err)
		}
	}
}

func TestBitsInNetworkFiles(t *testing.T) {
	raw, err := json.Marshal(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		"1e010000": true, "1E010000": true, "1e01000": false, "01e010000": false, "1e0100000": false, "1e01000g": false, "0x1e0100": false, "": false, "1e800000": false,
	} {
		in := strings.Replace(string(raw), `"1e010000"`, fmt.Sprintf("%q", text), 1)
		p, err := core.ParseParams([]byte(in))
		if good != (err == nil) || good && p.GenesisBits != 0x1e010000 {
			t.Errorf("bits %q: %v", text, err)
		}
		if malformed := text != "1e800000"; !good && malformed && (err == nil || !strings.Contains(err.Error(), "want 8 hexadecimal digits")) {
			t.Errorf("bits %q: %v does not say what is wanted", text, err)
		}
	}
}
