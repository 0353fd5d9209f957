package reference

import (
	"errors"
	"fmt"
	"math/big"
)

// version is an entry of the parameter "versions": from this height on, headers
// have that version.
type version struct {
	height  uint32
	version uint16
}

// params are the fields of network.md's canonical encoding, in its order.
type params struct {
	name          string
	salt          [32]byte
	addressPrefix string
	genesisTime   uint64
	genesisBits   uint32
	interval      uint64 // T, in ms
	window        uint32
	rampStart     uint32
	limitBits     uint32
	fixed         bool
	maxBlockBytes uint32
	maxTxBytes    uint32
	maxBlockCoins uint32
	maturity      uint32
	subsidy       uint64
	halving       uint32
	versions      []version
}

// New reads the canonical encoding of a network's parameters (network.md) and
// makes its genesis block. The error says which bound is broken.
func New(encoding []byte) (*Network, error) {
	p, err := parseParams(encoding)
	if err != nil {
		return nil, fmt.Errorf("reading network parameters: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("network parameters: %w", err)
	}
	n := &Network{params: p}
	n.makeGenesis(encoding)
	return n, nil
}

func parseParams(encoding []byte) (params, error) {
	var p params
	r := reader{rest: encoding}
	if r.fixed(1) != 1 {
		return p, errors.New("encoding version is not 1")
	}
	p.name = string(r.take(r.fixed(1)))
	copy(p.salt[:], r.take(32))
	p.addressPrefix = string(r.take(r.fixed(1)))
	p.genesisTime = r.fixed(8)
	p.genesisBits = uint32(r.fixed(4))
	p.interval = r.fixed(8)
	p.window = uint32(r.fixed(4))
	p.rampStart = uint32(r.fixed(4))
	p.limitBits = uint32(r.fixed(4))
	fixed := r.fixed(1)
	p.fixed = fixed == 1
	p.maxBlockBytes = uint32(r.fixed(4))
	p.maxTxBytes = uint32(r.fixed(4))
	p.maxBlockCoins = uint32(r.fixed(4))
	p.maturity = uint32(r.fixed(4))
	p.subsidy = r.fixed(8)
	p.halving = uint32(r.fixed(4))
	for range r.fixed(1) {
		p.versions = append(p.versions, version{uint32(r.fixed(4)), uint16(r.fixed(2))})
	}
	if r.short || len(r.rest) > 0 || fixed > 1 {
		return p, errors.New("not one canonical encoding")
	}
	return p, nil
}

// check holds the parameters to the bounds of network.md's table.
func (p *params) check() error {
	limit, ok := decodeTarget(p.limitBits)
	if !ok || limit.Cmp(minTarget) < 0 {
		return errors.New("difficulty_limit_bits")
	}
	genesis, ok := decodeTarget(p.genesisBits)
	if !ok || genesis.Cmp(limit) > 0 {
		return errors.New("genesis_bits")
	}
	for _, b := range []struct {
		key string
		ok  bool
	}{
		{"name", nameOK(p.name)},
		{"address_prefix", prefixOK(p.addressPrefix)},
		{"genesis_time", p.genesisTime < 1<<53},
		{"block_interval_ms", within(p.interval, 1, 86_400_000)},
		{"difficulty_window", within(uint64(p.window), 2, 1000)},
		{"difficulty_ramp_start", within(uint64(p.rampStart), 2, uint64(p.window))},
		{"max_block_bytes", within(uint64(p.maxBlockBytes), 4096, 33_554_432)},
		{"max_tx_bytes", within(uint64(p.maxTxBytes), 1024, uint64(p.maxBlockBytes)-2048)},
		{"max_block_coins", within(uint64(p.maxBlockCoins), 2, 262_144)},
		{"coinbase_maturity", within(uint64(p.maturity), 1, 100_000)},
		{"halving_interval", p.halving >= 1},
		{"subsidy", p.allMinted().Cmp(maxAmount) <= 0},
		{"versions", p.versionsOK()},
	} {
		if !b.ok {
			return errors.New(b.key)
		}
	}
	return nil
}

func within(v, low, high uint64) bool { return low <= v && v <= high }

func nameOK(name string) bool {
	for _, c := range []byte(name) {
		letter, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'
		if !letter && !digit && c != '-' {
			return false
		}
	}
	return 1 <= len(name) && len(name) <= 32 && name[0] != '-'
}

func prefixOK(prefix string) bool {
	for _, c := range []byte(prefix) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return 2 <= len(prefix) && len(prefix) <= 5
}

// allMinted is the sum of all subsidies, were there no last height.
func (p *params) allMinted() *big.Int {
	sum := new(big.Int)
	for k := uint(0); k < 64; k++ {
		part := new(big.Int).SetUint64(p.subsidy >> k)
		sum.Add(sum, part.Mul(part, big.NewInt(int64(p.halving))))
	}
	return sum
}

func (p *params) versionsOK() bool {
	if len(p.versions) < 1 || len(p.versions) > 64 || p.versions[0].height != 0 {
		return false
	}
	for i, v := range p.versions {
		if v.version != 1 { // the only one that there are rules for
			return false
		}
		if i > 0 && (v.height <= p.versions[i-1].height || v.version <= p.versions[i-1].version) {
			return false
		}
	}
	return true
}

// versionAt is the header version at a height (network.md, Derived).
func (p *params) versionAt(height uint32) uint16 {
	v := uint16(0)
	for _, e := range p.versions {
		if e.height <= height {
			v = e.version
		}
	}
	return v
}

// subsidyAt is what a block at height h may mint (network.md, Derived).
func (n *Network) subsidyAt(h uint32) *big.Int {
	if h == 0 {
		return new(big.Int)
	}
	k := uint64(int64(h)-1+n.off("halving height")) / (uint64(n.halving))
	if k >= 64 {
		return new(big.Int)
	}
	power := new(big.Int).Lsh(big.NewInt(1), uint(k))
	subsidy := new(big.Int).SetUint64(n.subsidy)
	if n.has("subsidy rounds up") {
		subsidy.Add(subsidy, power).Sub(subsidy, big.NewInt(1))
	}
	return subsidy.Div(subsidy, power)
}

// makeGenesis builds the genesis block (network.md, Genesis).
func (n *Network) makeGenesis(encoding []byte) {
	coinbase := transaction{version: 1, data: []byte{0, 0, 0, 0}}
	h := header{
		version:    n.versionAt(0),
		parent:     tagged("ingchain/params", encoding),
		merkleRoot: n.merkleRoot([]transaction{coinbase}),
		time:       n.genesisTime,
		bits:       n.genesisBits,
	}
	empty := State{coins: map[outpoint]coin{}}
	h.state = n.commitment(&empty)
	n.genesisBlock = block{header: h, txs: []transaction{coinbase}}.encode()
	n.genesisID = h.id()
}

// GenesisBlock is the genesis block's bytes.
func (n *Network) GenesisBlock() []byte { return append([]byte(nil), n.genesisBlock...) }
