package mempool

import (
	"slices"
)

const (
	// giveUpAfter is how many packages in a row that do not fit end a template
	// that is nearly full, as in Bitcoin Core.
	giveUpAfter = 1000
	// nearlyFullBytes and nearlyFullCoins are the room at which it is.
	nearlyFullBytes = 4000
	nearlyFullCoins = 32
	// leastTxBytes and leastTxCoins are what any payment takes at least.
	leastTxBytes = 150
	leastTxCoins = 2
)

// Template chooses payments for the next block, in a block's order: at most
// maxBytes of encodings and maxCoins inputs and outputs, coinbase and header not
// counted. Packages of an entry with all ancestors that are not in yet go by
// their rate, of equal ones what came first; it is the same for the same pool.
func (p *Pool) Template(maxBytes, maxCoins int) []*Tx {
	return p.choose(maxBytes, maxCoins, len(p.worst))
}

// choose ends a template once it has n payments as well.
func (p *Pool) choose(maxBytes, maxCoins, n int) []*Tx {
	t := template{
		pool: p, bytes: maxBytes, coins: maxCoins,
		state: make([]packageState, len(p.worst)),
		queue: make([]candidate, len(p.worst)),
	}
	for i, e := range p.worst {
		t.state[i].left = e.anc
		t.queue[i] = candidate{score: e.anc.rate(), e: e, count: e.anc.count}
	}
	t.init()
	for failures := 0; len(t.queue) > 0 && len(t.txs) < n && t.bytes >= leastTxBytes && t.coins >= leastTxCoins; {
		c := t.pop()
		if s := &t.state[c.e.at]; s.in || s.left.count != c.count {
			continue // it is in, or its place is elsewhere in the queue now
		}
		switch {
		case t.include(c.e):
			failures = 0
		case t.bytes < nearlyFullBytes || t.coins < nearlyFullCoins:
			if failures++; failures > giveUpAfter {
				return t.txs
			}
		}
	}
	return t.txs
}

// template is one in the making. It does not touch the entries, so that several
// may be made at once.
type template struct {
	pool         *Pool
	txs          []*Tx
	bytes, coins int // room left
	// state is by entries' places in Pool.worst.
	state []packageState
	queue []candidate // a heap; stale ones are skipped
	// set, kin and touched are room for lists, used again and again.
	set, kin, touched []*entry
}

type packageState struct {
	left sums // of the entry with its ancestors that are not in the block
	in   bool
}

type candidate struct {
	score rate
	e     *entry
	count int // of packageState.left when it was queued
}

// before is the order of the queue.
func (c *candidate) before(o *candidate) bool {
	if cmp := c.score.compare(o.score); cmp != 0 {
		return cmp > 0
	}
	if c.e != o.e {
		return c.e.seq < o.e.seq
	}
	return c.count < o.count
}

// include adds an entry with those of its ancestors that are not in, if there is
// room.
func (t *template) include(e *entry) bool {
	s := &t.state[e.at]
	if s.left.bytes > t.bytes {
		return false
	}
	set := append(t.set[:0], e)
	if s.left.count > 1 {
		for _, a := range e.lineage() {
			if !t.state[a.at].in {
				set = append(set, a)
			}
		}
		slices.SortFunc(set, bySeq)
	}
	coins := 0
	for _, x := range set {
		coins += x.tx.coins()
	}
	if coins > t.coins {
		return false
	}
	t.bytes -= s.left.bytes
	t.coins -= coins
	for _, x := range set {
		t.state[x.at].in = true
		t.txs = append(t.txs, x.tx)
	}
	t.set = set
	t.update(set)
	return true
}

// update takes what has gone in off the packages of its descendants, which get
// their new places in the queue.
func (t *template) update(set []*entry) {
	touched := t.touched[:0]
	for _, x := range set {
		if len(x.children) == 0 {
			continue
		}
		t.kin = withDescendants(t.kin[:0], x)
		for _, d := range t.kin[1:] {
			if s := &t.state[d.at]; !s.in {
				s.left.drop(x.tx)
				if !slices.Contains(touched, d) {
					touched = append(touched, d)
				}
			}
		}
	}
	for _, d := range touched {
		left := t.state[d.at].left
		t.push(candidate{score: left.rate(), e: d, count: left.count})
	}
	t.touched = touched
}

func (t *template) init() {
	for i := len(t.queue)/2 - 1; i >= 0; i-- {
		t.down(i)
	}
}

func (t *template) push(c candidate) {
	t.queue = append(t.queue, c)
	for i := len(t.queue) - 1; i > 0; {
		parent := (i - 1) / 2
		if !t.queue[i].before(&t.queue[parent]) {
			return
		}
		t.queue[i], t.queue[parent] = t.queue[parent], t.queue[i]
		i = parent
	}
}

func (t *template) pop() candidate {
	top, last := t.queue[0], len(t.queue)-1
	t.queue[0] = t.queue[last]
	t.queue = t.queue[:last]
	t.down(0)
	return top
}

func (t *template) down(i int) {
	q := t.queue
	for {
		child := 2*i + 1
		if child >= len(q) {
			return
		}
		if right := child + 1; right < len(q) && q[right].before(&q[child]) {
			child = right
		}
		if !q[child].before(&q[i]) {
			return
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
}
