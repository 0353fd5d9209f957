package keystore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const (
	publicVersion = 1
	checksumTag   = "ingchain/wallet.json"

	maxAccounts = 1000
	maxWatched  = 10_000
	// maxSeenBytes bounds the raw transactions kept of what was seen, in bytes;
	// the oldest go first.
	maxSeenBytes = 8 << 20
)

// publicFile is wallet.json. It has no secrets, but whoever reads it knows all
// addresses, so it is the owner's alone.
type publicFile struct {
	Version  int       `json:"ingchain_wallet"`
	Sequence uint64    `json:"sequence"`
	Network  string    `json:"network"`
	Genesis  core.Hash `json:"genesis"`
	// WalletID is that of wallet.age, "" without one.
	WalletID string        `json:"wallet_id"`
	Accounts []accountFile `json:"accounts"`
	Watched  []string      `json:"watched"`
	Sends    []sendFile    `json:"sends"`
	Seen     []seenFile    `json:"seen"`
	// Checksum is H(tag, this file as one line with a checksum of zeros).
	Checksum core.Hash `json:"checksum"`
}

type accountFile struct {
	Number   uint32        `json:"number"`
	Branches [2]branchFile `json:"branches"` // receive, change
}

type branchFile struct {
	// Next is the index of the next address to hand out, Used the index after
	// the last that the chain knows. Used ≤ len(Addresses), Next ≤ len(Addresses).
	Next uint32 `json:"next"`
	Used uint32 `json:"used"`
	// Addresses are those from index 0 on.
	Addresses []string `json:"addresses"`
}

type seenFile struct {
	TxID   core.Hash `json:"txid"`
	Raw    hexBytes  `json:"raw"`
	Height uint32    `json:"height"`
	Time   uint64    `json:"time"`
}

// hexBytes are written in lower-case hexadecimal.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.AppendDecode(nil, text)
	return err
}

// encode returns the file with its checksum.
func (p *publicFile) encode() ([]byte, error) {
	sum, err := p.sum()
	if err != nil {
		return nil, err
	}
	p.Checksum = sum
	b, err := json.Marshal(p)
	return append(b, '\n'), err
}

func (p *publicFile) sum() (core.Hash, error) {
	unsummed := *p
	unsummed.Checksum = core.Hash{}
	b, err := json.Marshal(&unsummed)
	h := sha256.New()
	h.Write([]byte{byte(len(checksumTag))})
	h.Write([]byte(checksumTag))
	h.Write(b)
	return core.Hash(h.Sum(nil)), err
}

// parsePublic reads a file and checks it. All failures are [ErrPublic] or
// [ErrNetwork].
func parsePublic(b []byte, rules *core.Rules) (*publicFile, *index, error) {
	var p publicFile
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPublic, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%w: something stands behind its end", ErrPublic)
	}
	if p.Version != publicVersion {
		return nil, nil, fmt.Errorf("%w: version %d, this release reads version %d: is there a newer one?", ErrPublic, p.Version, publicVersion)
	}
	if sum, err := p.sum(); err != nil || sum != p.Checksum {
		return nil, nil, fmt.Errorf("%w: its checksum is wrong", ErrPublic)
	}
	if p.Genesis != rules.GenesisID() {
		return nil, nil, fmt.Errorf("%w: it is of %.32q (genesis %s), not of %q (genesis %s)", ErrNetwork,
			p.Network, p.Genesis.Short(), rules.Params().Name, rules.GenesisID().Short())
	}
	ix, err := p.index(rules.Params().AddressPrefix)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPublic, err)
	}
	return &p, ix, nil
}

// index is the file's addresses and payments, parsed.
type index struct {
	own     map[core.Address]wallet.Path
	list    map[wallet.Path]core.Address
	watched map[core.Address]bool
	sends   map[string]*Send
}

func (p *publicFile) index(prefix string) (*index, error) {
	ix := &index{map[core.Address]wallet.Path{}, map[wallet.Path]core.Address{}, map[core.Address]bool{}, map[string]*Send{}}
	for i := range p.Accounts {
		a := &p.Accounts[i]
		for b := range a.Branches {
			branch := &a.Branches[b]
			if int(branch.Next) > len(branch.Addresses) || int(branch.Used) > len(branch.Addresses) {
				return nil, fmt.Errorf("account %d has fewer addresses than it handed out", a.Number)
			}
			for n, text := range branch.Addresses {
				address, err := core.ParseAddress(text, prefix)
				if err != nil {
					return nil, err
				}
				path := wallet.Path{Account: a.Number, Branch: wallet.Branch(b), Index: uint32(n)}
				ix.own[address], ix.list[path] = path, address
			}
		}
	}
	for _, text := range p.Watched {
		address, err := core.ParseAddress(text, prefix)
		if err != nil {
			return nil, err
		}
		ix.watched[address] = true
	}
	for i := range p.Sends {
		send, err := p.Sends[i].parse(prefix)
		if err != nil {
			return nil, err
		}
		ix.sends[send.ID] = send
	}
	return ix, nil
}

// load reads the file and its number's.
func (s *Store) load() (*publicFile, *index, error) {
	last, err := s.sequence() // before the file, which may be replaced meanwhile
	if err != nil {
		return nil, nil, err
	}
	b, err := s.read(PublicFile, maxPublicFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w (%s)", ErrPublic, s.path(PublicFile))
	}
	if err != nil {
		return nil, nil, err
	}
	p, ix, err := parsePublic(b, s.rules)
	if err != nil {
		return nil, nil, err
	}
	if p.Sequence < last {
		return nil, nil, fmt.Errorf("%w: it is number %d, the last one was %d", ErrOld, p.Sequence, last)
	}
	return p, ix, nil
}

// sequence returns the number of the last file written; 0 if that is not known.
func (s *Store) sequence() (uint64, error) {
	b, err := s.read(SequenceFile, 64)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: %s is damaged", ErrPublic, s.path(SequenceFile))
	}
	return n, nil
}

// savePublic writes the file, then its number: if the process ends in between,
// the number is behind, which is no harm.
func (s *Store) savePublic(p *publicFile) error {
	p.Sequence++
	b, err := p.encode()
	if err != nil {
		return fmt.Errorf("encode %s: %w", PublicFile, err)
	}
	if len(b) > maxPublicFile {
		return fmt.Errorf("%s would have more than %d bytes", PublicFile, maxPublicFile)
	}
	if err := s.write(PublicFile, b); err != nil {
		return err
	}
	return s.write(SequenceFile, []byte(strconv.FormatUint(p.Sequence, 10)+"\n"))
}

// errUnchanged lets a change of update end without writing.
var errUnchanged = errors.New("nothing changed")

// update changes the file under the lock.
func (s *Store) update(change func(*publicFile) error) error {
	return s.locked(func() error {
		p, _, err := s.load()
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			if errors.Is(err, errUnchanged) {
				return nil
			}
			return err
		}
		return s.savePublic(p)
	})
}

// newPublic returns the first file of a wallet.
func (s *Store) newPublic(p *secretPayload) (*publicFile, error) {
	u := &Unlocked{store: s, payload: p}
	if err := u.derive(); err != nil {
		return nil, err
	}
	defer func() {
		for _, a := range u.accounts {
			a.Wipe()
		}
	}()
	public := &publicFile{Version: publicVersion, Network: p.Network, Genesis: p.Genesis, WalletID: p.ID}
	return public, public.extend(u.accounts, s.rules.Params().AddressPrefix)
}
