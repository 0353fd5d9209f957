package pebbledb

import (
	"bytes"
	"cmp"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// sweptCoins is from how many coins on they are looked for in the order of their
// keys, each core sweeping over a part: for many, that takes a third of the time
// of looking for each by itself.
const sweptCoins = 256

// Coins implements [chain.Reader].
func (r reader) Coins(ops []core.Outpoint, found core.UTXOs) error {
	if len(ops) >= sweptCoins {
		return r.sweepCoins(ops, found)
	}
	for _, op := range ops {
		key := coinKey(op)
		value, err := r.get(key)
		if errors.Is(err, chain.ErrNotFound) && !errors.Is(err, chain.ErrCorrupt) {
			continue
		} else if err != nil {
			return err
		}
		if found[op], err = parseCoin(key, value); err != nil {
			return err
		}
	}
	return nil
}

// sweepCoins looks for many coins.
func (r reader) sweepCoins(ops []core.Outpoint, found core.UTXOs) error {
	sorted := slices.Clone(ops)
	slices.SortFunc(sorted, func(a, b core.Outpoint) int {
		return cmp.Or(bytes.Compare(a.TxID[:], b.TxID[:]), cmp.Compare(a.Index, b.Index))
	})
	workers := runtime.GOMAXPROCS(0)
	coins := make([][]core.Coin, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		part := sorted[len(sorted)*w/workers : len(sorted)*(w+1)/workers]
		wg.Go(func() { coins[w], errs[w] = r.sweep(part) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, part := range coins {
		for i := range part {
			found[part[i].Outpoint] = part[i]
		}
	}
	return nil
}

// sweep returns those of the outpoints, in the order of their keys, that the
// store has.
func (r reader) sweep(ops []core.Outpoint) (coins []core.Coin, err error) {
	coins = make([]core.Coin, 0, len(ops))
	err = r.db.use(func() (err error) {
		it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixCoin}, UpperBound: upper(prefixCoin)})
		if err != nil {
			return readError([]byte{prefixCoin}, err)
		}
		defer func() { err = errors.Join(err, it.Close()) }()
		var key [1 + outpointLen]byte
		for _, op := range ops {
			appendCoinKey(key[:0], op)
			if !it.SeekGE(key[:]) {
				if err := it.Error(); err != nil {
					return readError(key[:], err)
				}
				return nil // behind the last coin
			}
			if !bytes.Equal(it.Key(), key[:]) {
				continue
			}
			sealed, err := it.ValueAndErr()
			if err != nil {
				return readError(key[:], err)
			}
			value, err := unseal(key[:], sealed)
			if err != nil {
				return err
			}
			c, err := parseCoin(key[:], value)
			if err != nil {
				return err
			}
			coins = append(coins, c)
		}
		return nil
	})
	return coins, err
}
