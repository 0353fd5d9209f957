package keystore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// State is what wallet.json says at one moment.
type State struct {
	file  *publicFile
	index *index
}

// State reads the public file. It fails with [ErrPublic], [ErrOld] or
// [ErrNetwork].
func (s *Store) State() (*State, error) {
	p, ix, err := s.load()
	if err != nil {
		return nil, err
	}
	return &State{p, ix}, nil
}

// WatchOnly reports whether there are no keys.
func (st *State) WatchOnly() bool { return st.file.WalletID == "" }

// Path returns where the key of an address lies, if it is ours.
func (st *State) Path(a core.Address) (wallet.Path, bool) {
	p, ok := st.index.own[a]
	return p, ok
}

// Owns reports whether an address is ours or watched.
func (st *State) Owns(a core.Address) bool {
	_, own := st.index.own[a]
	return own || st.index.watched[a]
}

// OnlyWatched reports whether an address is watched and its keys are elsewhere.
func (st *State) OnlyWatched(a core.Address) bool {
	_, own := st.index.own[a]
	return !own && st.index.watched[a]
}

// IsChange reports whether an address of ours is for change.
func (st *State) IsChange(a core.Address) bool {
	p, own := st.index.own[a]
	return own && p.Branch == wallet.Change
}

// Accounts returns the numbers of the accounts.
func (st *State) Accounts() []uint32 {
	var numbers []uint32
	for i := range st.file.Accounts {
		numbers = append(numbers, st.file.Accounts[i].Number)
	}
	return numbers
}

// Handed returns the addresses of an account's branch that were handed out or
// used, by index.
func (st *State) Handed(account uint32, b wallet.Branch) []wallet.OwnAddress {
	branch, err := st.file.branch(account, b)
	if err != nil {
		return nil
	}
	return st.upTo(account, b, max(branch.Next, branch.Used))
}

func (st *State) upTo(account uint32, b wallet.Branch, n uint32) []wallet.OwnAddress {
	var own []wallet.OwnAddress
	for i := range n {
		path := wallet.Path{Account: account, Branch: b, Index: i}
		if a, ok := st.index.list[path]; ok {
			own = append(own, wallet.OwnAddress{Address: a, Path: path})
		}
	}
	return own
}

// Current returns the last address handed out to receive to, and whether it is
// still unused.
func (st *State) Current(account uint32) (a wallet.OwnAddress, unused bool) {
	branch, err := st.file.branch(account, wallet.Receive)
	if err != nil || branch.Next == 0 {
		return a, false
	}
	path := wallet.Path{Account: account, Branch: wallet.Receive, Index: branch.Next - 1}
	return wallet.OwnAddress{Address: st.index.list[path], Path: path}, branch.Used < branch.Next
}

// Watched returns the watched addresses, in order of their text.
func (st *State) Watched() []core.Address {
	return slices.SortedFunc(maps.Keys(st.index.watched), func(a, b core.Address) int { return slices.Compare(a.Hash[:], b.Hash[:]) })
}

// Ask returns all addresses whose coins and history concern the wallet: those
// handed out or used and a gap limit beyond, and the watched ones.
func (st *State) Ask() []core.Address {
	var all []core.Address
	for i := range st.file.Accounts {
		a := &st.file.Accounts[i]
		for b := range a.Branches {
			branch := &a.Branches[b]
			for _, own := range st.upTo(a.Number, wallet.Branch(b), max(branch.Next, branch.Used)+wallet.GapLimit) {
				all = append(all, own.Address)
			}
		}
	}
	return append(all, st.Watched()...)
}

// NeedsUnlock reports whether fewer addresses are left than a gap limit; the
// next [Store.Unlock] makes more.
func (st *State) NeedsUnlock() bool {
	for i := range st.file.Accounts {
		for b := range st.file.Accounts[i].Branches {
			branch := &st.file.Accounts[i].Branches[b]
			if len(branch.Addresses) < int(max(branch.Next, branch.Used))+wallet.GapLimit {
				return true
			}
		}
	}
	return false
}

// ChangeAddress returns the address that the next payment's change goes to: the
// first that no payment on the chain or under way has used. If payments under
// way have used a gap limit of them, the first is used again, so that a restore
// from the words finds them all.
func (st *State) ChangeAddress(account uint32, now uint64) (wallet.OwnAddress, error) {
	branch, err := st.file.branch(account, wallet.Change)
	if err != nil {
		return wallet.OwnAddress{}, err
	}
	taken := map[string]bool{}
	for i := range st.file.Sends {
		if send := &st.file.Sends[i]; send.live(now) {
			taken[send.Change] = true
		}
	}
	last := min(int(branch.Used)+wallet.GapLimit, len(branch.Addresses))
	if int(branch.Used) >= last {
		return wallet.OwnAddress{}, ErrLocked
	}
	next := int(branch.Used)
	for i := next; i < last; i++ {
		if !taken[branch.Addresses[i]] {
			next = i
			break
		}
	}
	path := wallet.Path{Account: account, Branch: wallet.Change, Index: uint32(next)}
	return wallet.OwnAddress{Address: st.index.list[path], Path: path}, nil
}

func (p *publicFile) branch(account uint32, b wallet.Branch) (*branchFile, error) {
	i := slices.IndexFunc(p.Accounts, func(a accountFile) bool { return a.Number == account })
	if i < 0 || b > wallet.Change {
		return nil, fmt.Errorf("the wallet has no account %d", account)
	}
	return &p.Accounts[i].Branches[b], nil
}

// NewAddress hands out the next address to receive to. It fails with [ErrLocked]
// if it takes the passphrase to make one, and with [ErrGap] if a gap limit of
// addresses is out that nobody has paid to ([Store.MarkUsed]).
func (s *Store) NewAddress(account uint32) (own wallet.OwnAddress, err error) {
	err = s.update(func(p *publicFile) error {
		if p.WalletID == "" {
			return ErrWatchOnly
		}
		branch, err := p.branch(account, wallet.Receive)
		switch {
		case err != nil:
			return err
		case branch.Next >= branch.Used+wallet.GapLimit:
			return fmt.Errorf("%w: give one of the %d to somebody, or wait until the first is paid to", ErrGap, wallet.GapLimit)
		case int(branch.Next) >= len(branch.Addresses):
			return ErrLocked
		}
		own.Path = wallet.Path{Account: account, Branch: wallet.Receive, Index: branch.Next}
		own.Address, err = core.ParseAddress(branch.Addresses[branch.Next], s.rules.Params().AddressPrefix)
		branch.Next++
		return err
	})
	return own, err
}

// MarkUsed notes addresses that the chain or the pool knows. Others than ours
// are ignored.
func (s *Store) MarkUsed(used []core.Address) error {
	st, err := s.State()
	if err != nil {
		return err
	}
	// Look first: mostly nothing is new, and then nothing is locked or written.
	news := slices.DeleteFunc(slices.Clone(used), func(a core.Address) bool {
		path, own := st.index.own[a]
		branch, err := st.file.branch(path.Account, path.Branch)
		return !own || err != nil || path.Index < branch.Used
	})
	if len(news) == 0 {
		return nil
	}
	return s.update(func(p *publicFile) error {
		for _, a := range news {
			path := st.index.own[a]
			branch, err := p.branch(path.Account, path.Branch)
			if err != nil || int(path.Index) >= len(branch.Addresses) {
				continue // rebuilt meanwhile
			}
			branch.Used = max(branch.Used, path.Index+1)
			branch.Next = max(branch.Next, branch.Used)
		}
		return nil
	})
}

// Watch adds addresses to those that are watched.
func (s *Store) Watch(addresses ...core.Address) error {
	return s.update(func(p *publicFile) error {
		for _, a := range addresses {
			text := a.Encode(s.rules.Params().AddressPrefix)
			if !slices.Contains(p.Watched, text) {
				p.Watched = append(p.Watched, text)
			}
		}
		if len(p.Watched) > maxWatched {
			return fmt.Errorf("a wallet watches at most %d addresses", maxWatched)
		}
		return nil
	})
}

// Unwatch takes addresses away from those that are watched.
func (s *Store) Unwatch(addresses ...core.Address) error {
	return s.update(func(p *publicFile) error {
		for _, a := range addresses {
			text := a.Encode(s.rules.Params().AddressPrefix)
			p.Watched = slices.DeleteFunc(p.Watched, func(w string) bool { return w == text })
		}
		return nil
	})
}

// wantsMore reports whether addresses are missing in advance, or an account.
func (p *publicFile) wantsMore(accounts []uint32) bool {
	for _, n := range accounts {
		for b := wallet.Receive; b <= wallet.Change; b++ {
			branch, err := p.branch(n, b)
			if err != nil || len(branch.Addresses) < int(max(branch.Next, branch.Used))+Ahead {
				return true
			}
		}
	}
	return false
}

// extend makes the addresses that are missing in advance.
func (p *publicFile) extend(accounts map[uint32]wallet.Account, prefix string) error {
	for _, n := range slices.Sorted(maps.Keys(accounts)) {
		if _, err := p.branch(n, wallet.Receive); err != nil {
			p.Accounts = append(p.Accounts, accountFile{Number: n})
		}
		for b := wallet.Receive; b <= wallet.Change; b++ {
			branch, err := p.branch(n, b)
			if err != nil {
				return err
			}
			have := uint32(len(branch.Addresses))
			want := max(branch.Next, branch.Used) + Ahead
			if want <= have {
				continue
			}
			own, err := accounts[n].Addresses(b, have, want-have)
			if err != nil {
				return err
			}
			for _, o := range own {
				branch.Addresses = append(branch.Addresses, o.Address.Encode(prefix))
			}
		}
	}
	return nil
}

// Rebuild writes the public file anew from the open wallet and what a search of
// the chain found, by account. What an undamaged older file knows of payments and
// watched addresses stays; without one, ids of former payments are forgotten, so
// that repeating one would pay again.
func (s *Store) Rebuild(u *Unlocked, found map[uint32]*wallet.Found) error {
	return s.locked(func() error {
		p := &publicFile{Version: publicVersion, Network: u.payload.Network, Genesis: u.payload.Genesis}
		last, err := s.sequence()
		if err != nil && !errors.Is(err, ErrPublic) {
			return err
		}
		p.Sequence = last
		if b, err := s.read(PublicFile, maxPublicFile); err == nil {
			if old, _, err := parsePublic(b, s.rules); err == nil && cmp.Or(old.WalletID, u.payload.ID) == u.payload.ID {
				p.Watched, p.Sends, p.Seen = old.Watched, old.Sends, old.Seen
				p.Accounts = old.Accounts
				p.Sequence = max(last, old.Sequence)
			}
		}
		p.WalletID = u.payload.ID
		for i := range p.Accounts { // made anew below
			for b := range p.Accounts[i].Branches {
				p.Accounts[i].Branches[b].Addresses = nil
			}
		}
		if err := p.extend(u.accounts, s.rules.Params().AddressPrefix); err != nil {
			return err
		}
		for n, f := range found {
			for b := wallet.Receive; b <= wallet.Change; b++ {
				branch, err := p.branch(n, b)
				if err != nil {
					return err
				}
				branch.Used = max(branch.Used, f.Next[b])
				branch.Next = max(branch.Next, branch.Used)
			}
		}
		if err := p.extend(u.accounts, s.rules.Params().AddressPrefix); err != nil {
			return err
		}
		return s.savePublic(p)
	})
}
