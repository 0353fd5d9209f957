package wallet

import (
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

const (
	// GapLimit is how many addresses in a row, none of them used, end a search
	// (BIP-44). A wallet hands out no more than that many unused ones.
	GapLimit = 20
	// MaxAddresses bounds the addresses of one branch that a search looks at.
	MaxAddresses = 100_000
)

// ErrScanLimit means a search that found used addresses without end.
var ErrScanLimit = errors.New("too many used addresses")

// Found is what a search found of one account.
type Found struct {
	// Next is the index after the last used address, by [Branch].
	Next [2]uint32
	// Used are all used addresses with their paths.
	Used []OwnAddress
}

// OwnAddress is an address of ours.
type OwnAddress struct {
	Address core.Address
	Path    Path
}

// Scan finds an account's used addresses, for a seed that is restored. It asks
// for as many addresses at once as the gap limit; used answers for each, in
// order, and its error ends the search.
func Scan(a Account, used func([]core.Address) ([]bool, error)) (*Found, error) {
	found := &Found{}
	for branch := Receive; branch <= Change; branch++ {
		for index := uint32(0); index < found.Next[branch]+GapLimit; {
			if index >= MaxAddresses {
				return nil, fmt.Errorf("%w: more than %d of branch %s", ErrScanLimit, MaxAddresses, branch)
			}
			batch, err := a.Addresses(branch, index, GapLimit)
			if err != nil {
				return nil, err
			}
			if err := found.ask(batch, used); err != nil {
				return nil, fmt.Errorf("search for addresses %s %d to %d: %w", branch, index, index+GapLimit-1, err)
			}
			index += GapLimit
		}
	}
	return found, nil
}

func (f *Found) ask(batch []OwnAddress, used func([]core.Address) ([]bool, error)) error {
	addresses := make([]core.Address, len(batch))
	for i := range batch {
		addresses[i] = batch[i].Address
	}
	answers, err := used(addresses)
	if err != nil {
		return err
	}
	if len(answers) != len(batch) {
		return fmt.Errorf("%d answers for %d addresses", len(answers), len(batch))
	}
	for i, yes := range answers {
		if yes {
			f.Used = append(f.Used, batch[i])
			f.Next[batch[i].Path.Branch] = batch[i].Path.Index + 1
		}
	}
	return nil
}

// Addresses derives n addresses of a branch from an index on.
func (a Account) Addresses(b Branch, from, n uint32) ([]OwnAddress, error) {
	own := make([]OwnAddress, 0, n)
	for i := from; i < from+n; i++ {
		address, err := a.Address(b, i)
		if err != nil {
			return nil, err
		}
		own = append(own, OwnAddress{address, Path{a.number, b, i}})
	}
	return own, nil
}
