package chain

import (
	"context"

	"github.com/ingchain/ingchain/core"
)

// Rough costs of cached things, in bytes, for flushing in time.
const (
	coinCost  = 224 // a coin in a map
	indexCost = 64  // an index entry in a map
	undoCost  = 160 // an undo record beside its bytes
)

// cachedCoin is a coin that differs from what the store has.
type cachedCoin struct {
	coin core.Coin
	// spent means that the store has the coin and the chain no longer does.
	spent bool
	// stored means that the store has an entry for the outpoint. A coin that is
	// spent before it was ever stored leaves no trace.
	stored bool
}

// coinCache holds the difference between the coins after the work position and
// those in the store. An outpoint without an entry is as the store has it.
type coinCache struct {
	coins map[core.Outpoint]cachedCoin
}

func newCoinCache() *coinCache {
	return &coinCache{coins: make(map[core.Outpoint]cachedCoin)}
}

// fetch returns those of the outpoints that are unspent.
func (c *coinCache) fetch(store Reader, ops []core.Outpoint) (core.UTXOs, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	found := make(core.UTXOs, len(ops))
	var ask []core.Outpoint
	for _, op := range ops {
		e, ok := c.coins[op]
		switch {
		case !ok:
			ask = append(ask, op)
		case !e.spent:
			found[op] = e.coin
		}
	}
	if len(ask) == 0 {
		return found, nil
	}
	return found, store.Coins(ask, found)
}

// add puts in a coin that the chain did not have.
func (c *coinCache) add(coin *core.Coin) {
	// Without an entry the store has none either: an outpoint that the chain does
	// not have is in the store only if its removal is cached.
	e := c.coins[coin.Outpoint]
	if e.spent && e.coin == *coin {
		delete(c.coins, coin.Outpoint)
		return
	}
	c.coins[coin.Outpoint] = cachedCoin{coin: *coin, stored: e.stored}
}

// remove takes out a coin that the chain had.
func (c *coinCache) remove(coin *core.Coin) {
	e, ok := c.coins[coin.Outpoint]
	if ok && !e.stored {
		delete(c.coins, coin.Outpoint)
		return
	}
	if ok {
		// The entry replaced a stored coin by another; what is stored is unknown
		// here, so that add cannot take it back.
		c.coins[coin.Outpoint] = cachedCoin{spent: true, stored: true}
		return
	}
	c.coins[coin.Outpoint] = cachedCoin{coin: *coin, spent: true, stored: true}
}

func (c *coinCache) bytes() int { return len(c.coins) * coinCost }

// commit lists what a commit must write and delete.
func (c *coinCache) commit() (created []core.Coin, spent []core.Outpoint) {
	for op, e := range c.coins {
		if e.spent {
			spent = append(spent, op)
		} else {
			created = append(created, e.coin)
		}
	}
	return created, spent
}

func (c *coinCache) clear() {
	// A map keeps its buckets; a big one is better made anew.
	c.coins = make(map[core.Outpoint]cachedCoin)
}

// sum adds up the coins of the store with the cached differences.
func (c *coinCache) sum(ctx context.Context, store Reader) (core.CoinSet, error) {
	var set core.CoinSet
	n := 0
	err := store.EachCoin(func(coin core.Coin, err error) error {
		if n++; n%ctxEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if _, differs := c.coins[coin.Outpoint]; !differs {
			set.Add(&coin)
		}
		return nil
	})
	if err != nil {
		return set, err
	}
	for _, e := range c.coins {
		if !e.spent {
			set.Add(&e.coin)
		}
	}
	return set, ctx.Err()
}
