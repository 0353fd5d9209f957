package core

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
)

// Names of the built-in networks.
const (
	NetworkLAN = "lan"
	NetworkDev = "dev"
)

const (
	maxNameLen    = 32      // characters in a network's name
	maxVersions   = 64      // entries in a version schedule
	minBlockBytes = 4 << 10 // least block size a network may ask for, in bytes
	minTxBytes    = 1 << 10 // least transaction size a network may ask for, in bytes
	maxMaturity   = 100_000 // blocks
	// maxBlockCoins is the most inputs and outputs that a network may allow in a
	// block. Each takes memory before the merkle root is known to fit.
	maxBlockCoins = 1 << 18
	// maxVersion is the newest header version that these rules know.
	maxVersion = 1
	// paramsVersion is the first byte of the canonical encoding of Params.
	paramsVersion = 1
)

var (
	nameForm   = regexp.MustCompile(fmt.Sprintf("^[a-z0-9][a-z0-9-]{0,%d}$", maxNameLen-1))
	prefixForm = regexp.MustCompile(`^[a-z]{2,5}$`)
)

// ErrParams is wrapped by every failure of [Params.Validate] and [ParseParams].
var ErrParams = errors.New("bad network parameters")

// VersionRule says which header version holds from a height on.
type VersionRule struct {
	Height  uint32
	Version uint16
}

// Params are all that makes one network's rules differ from another's. The
// genesis block commits to every field, so the genesis id names the rules.
type Params struct {
	// Name is for people: 1 to 32 of a-z, 0-9 and '-'.
	Name string
	// Salt tells networks of equal rules apart.
	Salt Hash
	// AddressPrefix is the bech32m prefix: 2 to 5 letters.
	AddressPrefix string
	// GenesisTime is the time of the genesis header, in Unix milliseconds.
	GenesisTime uint64
	// GenesisBits is the target of the first blocks, in compact form.
	GenesisBits uint32
	// Retarget is the difficulty rule.
	Retarget Retarget
	// MaxBlockBytes bounds an encoded block, header included.
	MaxBlockBytes uint32
	// MaxTxBytes bounds an encoded transaction, witnesses included.
	MaxTxBytes uint32
	// MaxBlockCoins bounds inputs and outputs together in a block.
	MaxBlockCoins uint32
	// CoinbaseMaturity is how many blocks after its own a coinbase's outputs may
	// first be spent; 1 is the next block.
	CoinbaseMaturity uint32
	// Subsidy is what a block mints at first, in grains; it halves, rounding
	// down, every HalvingInterval blocks.
	Subsidy         Amount
	HalvingInterval uint32
	// Versions is the schedule of header versions, by rising height from 0.
	Versions []VersionRule
}

// LAN returns the parameters of the default network.
func LAN() *Params {
	return &Params{
		Name:          NetworkLAN,
		AddressPrefix: "ing",
		GenesisTime:   1_795_132_800_000, // 2026-11-20 00:00 UTC
		GenesisBits:   0x1e010000,        // 2^232: about 2^24 hashes a block
		Retarget: Retarget{
			IntervalMillis: 10_000,
			Window:         60,
			RampStart:      4,
			LimitBits:      0x1e400000, // 2^238: about 2^18 hashes a block
		},
		MaxBlockBytes:    4 << 20,
		MaxTxBytes:       256 << 10,
		MaxBlockCoins:    65_536,
		CoinbaseMaturity: 10,
		Subsidy:          5 * GrainsPerING,
		HalvingInterval:  8_400_000,
		Versions:         []VersionRule{{Height: 0, Version: 1}},
	}
}

// Dev returns the parameters of the built-in development network: blocks cost
// next to nothing and are mined on demand, and coins mature at once.
func Dev() *Params {
	p := LAN()
	p.Name = NetworkDev
	p.AddressPrefix = "ingd"
	p.GenesisBits = 0x207fffff // about 2 hashes a block
	p.Retarget.LimitBits = 0x207fffff
	p.Retarget.Fixed = true
	p.CoinbaseMaturity = 1
	return p
}

// BuiltIn returns the parameters of the built-in network of that name, or nil.
func BuiltIn(name string) *Params {
	switch name {
	case NetworkLAN:
		return LAN()
	case NetworkDev:
		return Dev()
	}
	return nil
}

// Validate says which parameter is wrong, if any. All other functions of this
// package expect parameters that it has passed.
func (p *Params) Validate() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrParams, fmt.Sprintf(format, args...))
	}
	switch {
	case !nameForm.MatchString(p.Name):
		return fail("name %.40q, want 1 to %d of a-z, 0-9 and '-'", p.Name, maxNameLen)
	case !prefixForm.MatchString(p.AddressPrefix):
		return fail("address_prefix %.40q, want 2 to 5 letters a-z", p.AddressPrefix)
	case p.GenesisTime >= 1<<53:
		return fail("genesis_time %d, want Unix milliseconds below 2^53", p.GenesisTime)
	case p.MaxBlockBytes < minBlockBytes || p.MaxBlockBytes > MaxBlockBytesLimit:
		return fail("max_block_bytes %d, want %d to %d", p.MaxBlockBytes, minBlockBytes, MaxBlockBytesLimit)
	case p.MaxTxBytes < minTxBytes || p.MaxTxBytes > p.MaxBlockBytes-minBlockBytes/2:
		return fail("max_tx_bytes %d, want %d to max_block_bytes less %d", p.MaxTxBytes, minTxBytes, minBlockBytes/2)
	case p.MaxBlockCoins < 2 || p.MaxBlockCoins > maxBlockCoins:
		return fail("max_block_coins %d, want 2 to %d", p.MaxBlockCoins, maxBlockCoins)
	case p.CoinbaseMaturity < 1 || p.CoinbaseMaturity > maxMaturity:
		return fail("coinbase_maturity %d, want 1 to %d blocks", p.CoinbaseMaturity, maxMaturity)
	case p.HalvingInterval < 1:
		return fail("halving_interval 0, want 1 block or more")
	case !p.supplyFits():
		return fail("subsidy %d halving every %d blocks mints more than %d grains", p.Subsidy, p.HalvingInterval, MaxAmount)
	}
	if err := p.Retarget.Validate(); err != nil {
		return fail("%v", err)
	}
	if err := p.validateBits(); err != nil {
		return fail("%v", err)
	}
	return p.validateVersions()
}

func (p *Params) validateBits() error {
	genesis, err := TargetFromBits(p.GenesisBits)
	if err != nil {
		return fmt.Errorf("genesis_bits %08x: %w", p.GenesisBits, err)
	}
	limit, _ := TargetFromBits(p.Retarget.LimitBits) // Retarget.Validate has passed it
	if genesis.Gt(&limit) {
		return fmt.Errorf("genesis_bits %08x are easier than limit_bits %08x", p.GenesisBits, p.Retarget.LimitBits)
	}
	return nil
}

func (p *Params) validateVersions() error {
	if len(p.Versions) == 0 || len(p.Versions) > maxVersions || p.Versions[0].Height != 0 {
		return fmt.Errorf("%w: versions, want 1 to %d entries, the first at height 0", ErrParams, maxVersions)
	}
	for i, v := range p.Versions {
		if v.Version == 0 || (i > 0 && (v.Height <= p.Versions[i-1].Height || v.Version <= p.Versions[i-1].Version)) {
			return fmt.Errorf("%w: versions[%d], want heights and versions to rise from version 1", ErrParams, i)
		}
		if v.Version > maxVersion {
			return fmt.Errorf("%w: versions[%d] asks for version %d, this release knows up to %d: is there a newer one?", ErrParams, i, v.Version, maxVersion)
		}
	}
	return nil
}

// supplyFits reports whether all that is ever minted stays within MaxAmount.
func (p *Params) supplyFits() bool {
	var total Amount
	for s := p.Subsidy; s > 0; s /= 2 {
		if s > (MaxAmount-total)/Amount(p.HalvingInterval) {
			return false
		}
		total += s * Amount(p.HalvingInterval)
	}
	return true
}

// SubsidyAt returns what the block at a height mints, in grains: nothing at
// genesis, else Subsidy halved once per HalvingInterval blocks.
func (p *Params) SubsidyAt(height uint32) Amount {
	if height == 0 {
		return 0
	}
	return p.Subsidy >> ((height - 1) / p.HalvingInterval)
}

// VersionAt returns the header version that a height asks for.
func (p *Params) VersionAt(height uint32) uint16 {
	v := p.Versions[0].Version
	for _, r := range p.Versions {
		if r.Height <= height {
			v = r.Version
		}
	}
	return v
}

// MaxFutureMillis is how far ahead of our clock a header may be before it is
// deferred: one whole difficulty window, in milliseconds.
func (p *Params) MaxFutureMillis() uint64 {
	return p.Retarget.IntervalMillis * uint64(p.Retarget.Window)
}

// Encode returns the canonical encoding of the parameters, whose tagged hash
// is the genesis header's parent field.
func (p *Params) Encode() []byte {
	le := binary.LittleEndian
	b := []byte{paramsVersion}
	b = appendString(b, p.Name)
	b = append(b, p.Salt[:]...)
	b = appendString(b, p.AddressPrefix)
	b = le.AppendUint64(b, p.GenesisTime)
	b = le.AppendUint32(b, p.GenesisBits)
	b = le.AppendUint64(b, p.Retarget.IntervalMillis)
	b = le.AppendUint32(b, p.Retarget.Window)
	b = le.AppendUint32(b, p.Retarget.RampStart)
	b = le.AppendUint32(b, p.Retarget.LimitBits)
	if p.Retarget.Fixed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = le.AppendUint32(b, p.MaxBlockBytes)
	b = le.AppendUint32(b, p.MaxTxBytes)
	b = le.AppendUint32(b, p.MaxBlockCoins)
	b = le.AppendUint32(b, p.CoinbaseMaturity)
	b = le.AppendUint64(b, uint64(p.Subsidy))
	b = le.AppendUint32(b, p.HalvingInterval)
	b = append(b, byte(len(p.Versions)))
	for _, v := range p.Versions {
		b = le.AppendUint32(b, v.Height)
		b = le.AppendUint16(b, v.Version)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(append(b, byte(len(s))), s...)
}

// Genesis returns the network's first block. Its parent field is the tagged
// hash of the parameters, it mints nothing, and it needs no proof of work.
func (p *Params) Genesis() *Block {
	coinbase := NewCoinbase(0, 0, Address{}, nil)
	empty := State{}
	h := Header{
		Version:    p.Versions[0].Version,
		Parent:     taggedHash(tagParams, p.Encode()),
		MerkleRoot: MerkleRoot([]Hash{MerkleLeaf(coinbase.ID(), coinbase.WitnessID())}),
		State:      empty.Commitment(),
		Time:       p.GenesisTime,
		Bits:       p.GenesisBits,
	}
	b, _ := NewBlock(h, []Transaction{coinbase}) // has nothing that could be malformed
	return b
}
