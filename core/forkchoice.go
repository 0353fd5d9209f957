package core

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// MaxLocator bounds the ids in a locator, as in Bitcoin Core.
const MaxLocator = 101

// locatorDense is how many of the newest blocks a locator names one by one.
const locatorDense = 10

// Heavier reports whether a chain with tip (work, id) is better than one with
// tip (otherWork, otherID): more work wins, and between equals the lower id, so
// that the best tip depends on the set of blocks alone, not on their order of
// arrival.
func Heavier(work Work, id Hash, otherWork Work, otherID Hash) bool {
	return cmp.Or(work.Cmp(otherWork), bytes.Compare(otherID[:], id[:])) > 0
}

// LocatorHeights lists the heights that a locator for a chain of the given tip
// names: the newest ten, then at doubling distances, and genesis last. It has
// at most 43 entries.
func LocatorHeights(tip uint32) []uint32 {
	var heights []uint32
	step := uint32(1)
	for h := tip; h > 0; h -= min(h, step) {
		heights = append(heights, h)
		if len(heights) >= locatorDense {
			step *= 2 // at most 2^31: by then what is left is no more
		}
	}
	return append(heights, 0)
}

// ReorgPath returns the way from one block to another through their last common
// ancestor: the blocks to revert, the newest first, and those to apply, the
// oldest first. header must know every block on the way.
func ReorgPath(from, to Hash, header func(Hash) (parent Hash, height uint32, err error)) (revert, apply []Hash, err error) {
	fromParent, fromHeight, err := header(from)
	if err != nil {
		return nil, nil, fmt.Errorf("reorganise from %s: %w", from.Short(), err)
	}
	toParent, toHeight, err := header(to)
	if err != nil {
		return nil, nil, fmt.Errorf("reorganise to %s: %w", to.Short(), err)
	}
	for from != to {
		if fromHeight >= toHeight {
			if fromHeight == 0 {
				return nil, nil, fmt.Errorf("blocks %s and %s have no common ancestor", from, to)
			}
			revert = append(revert, from)
			from = fromParent
			if fromParent, fromHeight, err = header(from); err != nil {
				return nil, nil, fmt.Errorf("reorganise through %s: %w", from.Short(), err)
			}
			continue
		}
		apply = append(apply, to)
		to = toParent
		if toParent, toHeight, err = header(to); err != nil {
			return nil, nil, fmt.Errorf("reorganise through %s: %w", to.Short(), err)
		}
	}
	slices.Reverse(apply)
	return revert, apply, nil
}
