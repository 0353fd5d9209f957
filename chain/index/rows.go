package index

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/core"
)

// blockAt returns the id of the block at a height that the index has.
func blockAt(s *store, r pebble.Reader, height uint32) (core.Hash, error) {
	value, err := s.get(r, heightKey(nil, prefixBlock, height))
	if err != nil {
		return core.Hash{}, storeError("read a block's id", err)
	}
	return parseHash(value)
}

// txPlace returns where a transaction stands, or pebble.ErrNotFound.
func txPlace(s *store, r pebble.Reader, id *core.Hash) (place, error) {
	value, err := s.get(r, txKey(nil, id))
	if err != nil {
		return place{}, err
	}
	return parsePlace(value)
}

// txAt returns the id of a transaction that must be there.
func txAt(s *store, r pebble.Reader, p place) (core.Hash, error) {
	value, err := s.get(r, txAtKey(nil, p))
	if err != nil {
		return core.Hash{}, storeError("read a transaction's id", err)
	}
	return parseHash(value)
}

// outputAt returns an output that must be there.
func outputAt(s *store, r pebble.Reader, p outPlace) (output, error) {
	value, err := s.get(r, outKey(nil, prefixOutput, p))
	if err != nil {
		return output{}, storeError("read an output", err)
	}
	return parseOutput(value)
}

// totalsOf returns the totals of an address, which are zero for one that the
// chain has never seen.
func totalsOf(s *store, r pebble.Reader, a *core.Address) (totals, error) {
	value, err := s.get(r, addressKey(nil, prefixTotals, a))
	if errors.Is(err, pebble.ErrNotFound) {
		return totals{}, nil
	} else if err != nil {
		return totals{}, storeError("read the totals of an address", err)
	}
	return parseTotals(value)
}

// tipOf returns the block that a store stands at; zero before genesis.
func tipOf(s *store, r pebble.Reader) (Tip, error) {
	value, err := s.get(r, keyTip)
	if errors.Is(err, pebble.ErrNotFound) {
		return Tip{}, nil
	} else if err != nil {
		return Tip{}, storeError("read the tip", err)
	}
	return parseTip(value)
}
