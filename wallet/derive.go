package wallet

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

const (
	// CoinType is the second level of our paths: "ING" in ASCII. SLIP-0044 has
	// no entry of this number; it is not registered. All networks share it, so
	// that one seed serves them all: an address has its network's prefix, and a
	// signature is over the genesis id.
	CoinType = 0x494e47
	// MaxIndex is the greatest account or index.
	MaxIndex = hardened - 1

	purpose  = 44 // BIP-44
	hardened = 1 << 31
	curve    = "ed25519 seed" // SLIP-0010's name of the curve
)

// ErrPath is wrapped by failures to read or use a path.
var ErrPath = errors.New("bad derivation path")

// Branch is the fourth level of a path: what an address is for.
type Branch uint32

// Branches, as in BIP-44.
const (
	Receive Branch = 0 // for others to pay to
	Change  Branch = 1 // for what a payment gives back
)

// String returns "receive" or "change".
func (b Branch) String() string {
	switch b {
	case Receive:
		return "receive"
	case Change:
		return "change"
	}
	return strconv.FormatUint(uint64(b), 10)
}

// Path is where a key lies below the seed:
// m/44'/4804167'/account'/branch'/index', all hardened as SLIP-0010 asks of
// Ed25519.
type Path struct {
	Account uint32
	Branch  Branch
	Index   uint32
}

// String writes the whole path.
func (p Path) String() string {
	return fmt.Sprintf("m/%d'/%d'/%d'/%d'/%d'", purpose, CoinType, p.Account, uint32(p.Branch), p.Index)
}

// MarshalText implements encoding.TextMarshaler.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Path) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePath(string(text))
	return err
}

// ParsePath reads what [Path.String] writes.
func ParsePath(s string) (Path, error) {
	var p Path
	parts := strings.Split(s, "/")
	if len(s) <= 64 && len(parts) == 6 {
		var n [6]uint32
		for i, part := range parts[1:] {
			v, err := strconv.ParseUint(strings.TrimSuffix(part, "'"), 10, 31)
			if err != nil {
				return p, fmt.Errorf("%w: level %d, want a number below 2^31", ErrPath, i+1)
			}
			n[i+1] = uint32(v)
		}
		p = Path{Account: n[3], Branch: Branch(n[4]), Index: n[5]}
	}
	if p.String() != s || p.Branch > Change {
		return Path{}, fmt.Errorf("%w: %.64q, want m/%d'/%d'/account'/branch'/index' with branch 0 or 1", ErrPath, s, purpose, CoinType)
	}
	return p, nil
}

// Seed is the root of all keys.
type Seed struct {
	redacted
	box box[[SeedSize]byte]
}

// NewSeed takes a copy of 64 bytes.
func NewSeed(raw []byte) (Seed, error) {
	if len(raw) != SeedSize {
		return Seed{}, fmt.Errorf("a seed has %d bytes, not %d", SeedSize, len(raw))
	}
	return Seed{box: boxed((*[SeedSize]byte)(append([]byte(nil), raw...)))}, nil
}

// Reveal returns a copy of the seed's bytes. It must go neither to a log, an
// error nor an argument list.
func (s Seed) Reveal() []byte {
	if b := s.box.get(); b != nil {
		return append([]byte(nil), b[:]...)
	}
	return nil
}

// Wipe overwrites the seed in memory; accounts and keys made of it stay.
func (s Seed) Wipe() {
	if b := s.box.get(); b != nil {
		clear(b[:])
	}
}

// Account returns the keys of one account, from 0.
func (s Seed) Account(account uint32) (Account, error) {
	b := s.box.get()
	if b == nil {
		return Account{}, errors.New("no seed")
	}
	if account > MaxIndex {
		return Account{}, fmt.Errorf("%w: account %d, want below 2^31", ErrPath, account)
	}
	n := masterNode(b[:])
	for _, i := range []uint32{purpose, CoinType, account} {
		n = n.child(i)
	}
	branches := &[2]node{n.child(uint32(Receive)), n.child(uint32(Change))}
	n.wipe()
	return Account{number: account, branches: boxed(branches)}, nil
}

// Account derives the keys of one account. All levels are hardened, so it takes
// the seed to make an address; there is no public key that would do.
type Account struct {
	redacted
	number   uint32
	branches box[[2]node] // by Branch
}

// Number returns the account's number.
func (a Account) Number() uint32 { return a.number }

// Key returns the key of a branch and index.
func (a Account) Key(b Branch, index uint32) (Key, error) {
	branches := a.branches.get()
	if b > Change || index > MaxIndex || branches == nil {
		return Key{}, fmt.Errorf("%w: branch %d, index %d", ErrPath, uint32(b), index)
	}
	n := branches[b].child(index)
	return Key{box: boxed(&keyData{seed: n.key, path: Path{a.number, b, index}, public: signature.PublicKey(&n.key)})}, nil
}

// Address returns the address of a branch and index.
func (a Account) Address(b Branch, index uint32) (core.Address, error) {
	k, err := a.Key(b, index)
	if err != nil {
		return core.Address{}, err
	}
	defer k.Wipe()
	return k.Address(), nil
}

// Wipe overwrites the account's secrets in memory.
func (a Account) Wipe() {
	if branches := a.branches.get(); branches != nil {
		*branches = [2]node{}
	}
}

// Key owns the coins of one address. It signs drafts ([Draft.Sign]) and messages
// ([SignMessage]) and nothing else, so that nobody can be talked into signing a
// digest that means something else.
type Key struct {
	redacted
	box box[keyData]
}

type keyData struct {
	seed   [signature.SeedSize]byte
	path   Path
	public [signature.PublicKeySize]byte
}

// PublicKey returns the Ed25519 public key.
func (k Key) PublicKey() [core.PublicKeySize]byte { return k.box.get().public }

// Address returns the address whose coins the key owns.
func (k Key) Address() core.Address { return core.AddressOf(k.box.get().public) }

// Path returns where the key lies.
func (k Key) Path() Path { return k.box.get().path }

// Wipe overwrites the key in memory.
func (k Key) Wipe() {
	if data := k.box.get(); data != nil {
		clear(data.seed[:])
	}
}

func (k Key) sign(digest core.Hash) [core.SignatureSize]byte {
	return signature.Sign(&k.box.get().seed, digest)
}

// node is an extended private key of SLIP-0010.
type node struct {
	key, chain [32]byte
}

func masterNode(seed []byte) node { return newNode([]byte(curve), seed) }

func newNode(key, data []byte) (n node) {
	mac := hmac.New(sha512.New, key)
	mac.Write(data)
	sum := mac.Sum(nil)
	copy(n.key[:], sum[:32])
	copy(n.chain[:], sum[32:])
	clear(sum)
	return n
}

// child returns the hardened child of an index below 2^31; Ed25519 has no
// others.
func (n *node) child(index uint32) node {
	data := make([]byte, 0, 1+len(n.key)+4)
	data = append(data, 0)
	data = append(data, n.key[:]...)
	data = binary.BigEndian.AppendUint32(data, index|hardened)
	c := newNode(n.chain[:], data)
	clear(data)
	return c
}

func (n *node) wipe() { *n = node{} }
