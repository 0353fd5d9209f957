package reference

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/holiman/uint256"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature/sigcache"
)

// choices decides everything that a generator can decide: from a seed, or from
// a fuzzer's bytes until they end.
type choices struct {
	rnd  *rand.Rand
	data []byte
}

func seeded(seed, world uint64) *choices { return &choices{rnd: rand.New(rand.NewPCG(seed, world))} }

// u64 is any number.
func (c *choices) u64() uint64 {
	if c.rnd != nil {
		return c.rnd.Uint64()
	}
	var b [8]byte
	n := copy(b[:], c.data)
	c.data = c.data[n:]
	return binary.LittleEndian.Uint64(b[:])
}

// n is one of 0 to n−1.
func (c *choices) n(n int) int {
	if c.rnd != nil {
		return c.rnd.IntN(n)
	}
	if len(c.data) == 0 || n < 2 {
		return 0
	}
	v := int(c.data[0])
	c.data = c.data[1:]
	if n > 256 && len(c.data) > 0 {
		v = v<<8 | int(c.data[0])
		c.data = c.data[1:]
	}
	return v % n
}

func (c *choices) percent(p int) bool { return c.n(100) < p }

// ended reports whether a fuzzer's bytes are used up.
func (c *choices) ended() bool { return c.rnd == nil && len(c.data) == 0 }

func pick[T any](c *choices, from ...T) T { return from[c.n(len(from))] }

// cacheSize is how many signatures core remembers in the worlds where it does.
const cacheSize = 128

// endOfTime is how late a block may be to have children: those of the last
// milliseconds that 64 bits can hold would have no time left.
const endOfTime = 1 << 62

// world is one small network and the chains that grow on it.
type world struct {
	judges
	c      *choices
	number uint64
	params *core.Params
	nodes  []*node // in order of acceptance, genesis first
	best   *node
	gift   int
	payers int // of 100 blocks, how many have payments
	tally  *tally
	limit  int // executions that the tally may reach
}

// worldParams draws the parameters of a network that a few dozen blocks explore.
func worldParams(c *choices) *core.Params {
	p := core.Dev()
	p.Name = "differential"
	binary.LittleEndian.PutUint64(p.Salt[:], c.u64())
	p.GenesisTime = pick(c, 0, 1_700_000_000_000, 1<<53-1, uint64(1)<<40)
	p.Retarget.LimitBits = pick[uint32](c, 0x2100ffff, 0x207fffff, 0x203fffff, 0x2100abcd)
	p.GenesisBits = pick(c, p.Retarget.LimitBits, p.Retarget.LimitBits, 0x203fffff, 0x20123456)
	p.Retarget.IntervalMillis = pick[uint64](c, 1, 7, 1000, 10_000, 86_400_000)
	p.Retarget.Window = uint32(pick(c, 2, 3, 4, 6, 10, 1000))
	p.Retarget.RampStart = uint32(2 + c.n(min(int(p.Retarget.Window)-1, 5)))
	p.Retarget.Fixed = c.percent(20)
	p.MaxBlockBytes = uint32(4096 + c.n(600))
	p.MaxTxBytes = uint32(1024 + c.n(int(p.MaxBlockBytes)-2048-1024+1))
	p.MaxBlockCoins = uint32(pick(c, 4, 12, 20, 60, 300))
	if p.MaxBlockCoins == 300 { // enough for a block that is too large
		p.MaxTxBytes = p.MaxBlockBytes - 2048
	}
	p.CoinbaseMaturity = uint32(1 + c.n(5))
	p.HalvingInterval = uint32(pick(c, 1, 1, 2, 5, 9, 1<<20))
	p.Subsidy = drawSubsidy(c, p.HalvingInterval)
	return p
}

func drawSubsidy(c *choices, halving uint32) core.Amount {
	most := core.MaxAmount / (2 * core.Amount(halving)) // all halvings together mint less than twice the first
	switch c.n(8) {
	case 0:
		return most
	case 1:
		return core.Amount(c.n(4))
	case 2:
		return min(most, core.Amount(1000+c.n(1000)))
	}
	return min(most, core.Amount(1e9+c.n(1e6)))
}

// newWorld makes a network with its genesis block, known to both validators.
func newWorld(c *choices, number uint64, bug plant, t *tally, limit int) (*world, error) {
	p := worldParams(c)
	rules, err := core.NewRules(p)
	if err != nil {
		return nil, err
	}
	model, err := New(p.Encode())
	if err != nil {
		return nil, err
	}
	state := rules.Params().GenesisState()
	g := &node{bytes: rules.Genesis().Bytes(), block: rules.Genesis(), core: &state, model: model.Genesis()}
	w := &world{
		judges: judges{rules: rules, model: model}, c: c, number: number, params: p,
		payers: pick(c, 0, 30, 60, 90), tally: t, limit: limit,
	}
	if c.percent(25) {
		w.endow(g)
	}
	if c.percent(30) {
		w.cache = sigcache.New(cacheSize)
	}
	model.planted = bug
	w.nodes, w.best = []*node{g}, g
	return w, nil
}

// endow gives both validators coins that no block has made, so that amounts come
// up which no valid chain has.
func (w *world) endow(g *node) {
	w.gift = 2 + w.c.n(6)
	for i := range w.gift {
		coin := core.Coin{
			Outpoint: core.Outpoint{TxID: core.Hash{byte(i), 0xff}, Index: pick[uint32](w.c, 0, 1, 127, 128, 1<<32-1)},
			Value:    pick(w.c, core.MaxAmount, core.MaxAmount-1, core.MaxAmount/2, 1, 1e12),
			Coinbase: w.c.percent(20),
			Address:  w.someKey().address,
		}
		if i < 2 { // together above what there may be, and nothing else to say of them
			coin.Value, coin.Coinbase = core.MaxAmount-core.Amount(w.c.n(2)), false
		} else if w.c.percent(10) {
			coin.Address.Kind = 1
		}
		g.core.Coins.Add(&coin)
		g.coins = append(g.coins, coin)
		g.model.coins[outpoint{coin.TxID, coin.Index}] = modelCoin(&coin)
	}
	g.model.sum = sumOf(g.model.coins)
	g.model.commitment = w.model.commitment(g.model)
}

func modelCoin(c *core.Coin) coin {
	return coin{value: uint64(c.Value), height: c.Height, coinbase: c.Coinbase, kind: c.Address.Kind, hash: c.Address.Hash}
}

// run grows the world by so many valid blocks, each with some altered ones beside
// it. It ends early with the first difference, the choices or the limit.
func (w *world) run(blocks int) {
	for range blocks {
		base := w.newDraft(w.pickParent())
		valid := base.clone()
		valid.finish()
		for range w.c.n(7) {
			w.judge(base.parent, w.alter(base, valid), false)
			if w.over() {
				return
			}
		}
		w.judge(base.parent, valid.encode(), true)
		if w.over() {
			return
		}
	}
}

func (w *world) over() bool {
	return w.tally.differences > 0 || w.tally.executions >= w.limit || w.c.ended()
}

// pickParent is mostly the best block, at times another near the tip.
func (w *world) pickParent() *node {
	if w.c.percent(85) {
		return w.best
	}
	return w.nodes[len(w.nodes)-1-w.c.n(min(len(w.nodes), 6))]
}

// judge executes a block and keeps it if it is accepted.
func (w *world) judge(parent *node, b []byte, valid bool) {
	now := w.clockFor(b)
	f, next, what := w.execute(parent, b, now)
	if what == "" && w.c.percent(2) {
		what = w.compareTxs(b)
	}
	if what == "" && next != nil {
		what = w.compareTips(next)
	}
	w.tally.executions++
	w.tally.codes[f.Verdict.String()]++
	if what != "" {
		w.report(parent, b, now, what)
		return
	}
	if next == nil {
		if valid && f.Verdict.Code != string(core.ErrFuture) {
			w.tally.unwanted++
		}
		return
	}
	w.tally.accepted++
	if next.core.Time > endOfTime {
		return
	}
	w.nodes = append(w.nodes, next)
	if w.model.Better(next.model, w.best.model) {
		w.best = next
	}
}

// compareTips has both say which of two tips is the better one.
func (w *world) compareTips(next *node) string {
	for _, other := range []*node{w.best, w.nodes[w.c.n(len(w.nodes))]} {
		want := core.Heavier(next.core.Work, next.core.ID, other.core.Work, other.core.ID)
		if got := w.model.Better(next.model, other.model); got != want {
			return "they disagree which of two tips is better"
		}
	}
	return ""
}

// clockFor is a time to judge a block at: mostly its own, at times near the
// future limit.
func (w *world) clockFor(b []byte) uint64 {
	if len(b) < core.HeaderSize {
		return 0
	}
	t := binary.LittleEndian.Uint64(b[core.HeaderTimeOffset:])
	if w.c.percent(94) {
		return t
	}
	limit := w.params.MaxFutureMillis()
	switch w.c.n(4) {
	case 0: // exactly at the limit
		return t - min(t, limit)
	case 1: // a millisecond beyond, unless the clock would be negative
		return t - min(t, limit+1)
	case 2:
		return w.c.u64()
	}
	return 1<<64 - 1
}

func (w *world) report(parent *node, b []byte, now uint64, what string) {
	d := &difference{world: w.number, what: what, params: w.params.Encode(), block: b, now: now, gift: w.gift}
	for n := parent; n.parent != nil; n = n.parent {
		d.path = append([][]byte{n.bytes}, d.path...)
	}
	w.tally.differences++
	w.tally.add(&tally{smallest: d})
}

// drawTime is a time for a child of parent that keeps mining cheap: once the
// target has become hard, the next blocks are slow ones.
func (w *world) drawTime(parent *node) uint64 {
	interval := w.params.Retarget.IntervalMillis
	span := interval * uint64(w.params.Retarget.Window)
	last := parent.core.Time
	target, err := core.TargetFromBits(parent.core.Bits)
	if hard := new(uint256.Int).Lsh(uint256.NewInt(1), 251); err == nil && target.Lt(hard) {
		return last + span + uint64(w.c.n(2))
	}
	switch w.c.n(6) {
	case 0:
		return last + 1
	case 1:
		return last + interval
	case 2:
		return last + 1 + w.c.u64()%(2*interval)
	case 3: // about the cap of the window at this height
		n := uint64(w.params.Retarget.WindowAt(parent.core.Height + 2))
		return last + n*interval - uint64(w.c.n(2)) + uint64(w.c.n(2)) + 1
	case 4:
		return last + 1 + w.c.u64()%(2*span)
	}
	return last + interval + uint64(w.c.n(int(min(interval, 1000))))
}
