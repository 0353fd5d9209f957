package core_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
)

func TestLocatorNamesTheNewestAndThenFewer(t *testing.T) {
	for tip, want := range map[uint32][]uint32{
		0: {0}, 1: {1, 0}, 2: {2, 1, 0}, 10: {10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
		11:  {11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0},
		12:  {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 1, 0},
		13:  {13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2, 0},
		100: {100, 99, 98, 97, 96, 95, 94, 93, 92, 91, 89, 85, 77, 61, 29, 0},
	} {
		if got := core.LocatorHeights(tip); !slices.Equal(got, want) {
			t.Errorf("tip %d: %v, want %v", tip, got, want)
		}
	}
	if core.MaxLocator != 101 {
		t.Errorf("%d ids in a locator, docs/spec/sync.md says 101", core.MaxLocator)
	}
	greatest := core.LocatorHeights(1<<32 - 1)
	if len(greatest) != 41 || greatest[39] != 1<<31-8 {
		t.Errorf("%d heights: %v", len(greatest), greatest)
	}
}

// A chain of which a lookup fails, at each place where the way can lead.
func TestReorgPathTellsWhatItCannotFind(t *testing.T) {
	// 1 -> 2 -> 3, and 11 -> 12 -> 13 with another beginning.
	id := func(n byte) core.Hash { return core.Hash{n} }
	errGone := errors.New("gone")
	lookup := func(gone byte) func(core.Hash) (core.Hash, uint32, error) {
		return func(h core.Hash) (core.Hash, uint32, error) {
			if h[0] == gone {
				return core.Hash{}, 0, errGone
			}
			return id(h[0] - 1), uint32(h[0]%10) - 1, nil
		}
	}
	for name, tc := range map[string]struct {
		from, to, gone byte
		want           error
	}{
		"from":            {3, 13, 3, errGone},
		"to":              {3, 13, 13, errGone},
		"a revert's next": {3, 1, 2, errGone},
		"an apply's next": {1, 3, 2, errGone},
		"nothing":         {3, 1, 0, nil},
	} {
		_, _, err := core.ReorgPath(id(tc.from), id(tc.to), lookup(tc.gone))
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if revert, apply, err := core.ReorgPath(id(3), id(13), lookup(0)); err == nil || errors.Is(err, errGone) {
		t.Errorf("two beginnings: revert %v, apply %v, %v", revert, apply, err)
	}
	revert, apply, err := core.ReorgPath(id(1), id(3), lookup(0))
	if err != nil || len(revert) != 0 || !slices.Equal(apply, []core.Hash{id(2), id(3)}) {
		t.Errorf("forward: revert %v, apply %v, %v", revert, apply, err)
	}
}
