package mempool

// heap is a binary heap of entries by what leaves a full pool first: the lowest
// score, and of equal ones the last that came. Each entry knows its place.
type heap []*entry

// leavesBefore is the heap's order.
func leavesBefore(a, b *entry) bool {
	if c := a.score.compare(b.score); c != 0 {
		return c < 0
	}
	return a.seq > b.seq
}

func (h *heap) push(e *entry) {
	e.at = len(*h)
	*h = append(*h, e)
	h.up(e.at)
}

func (h *heap) remove(e *entry) {
	at, last := e.at, len(*h)-1
	h.swap(at, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	if at < last {
		h.fix((*h)[at])
	}
}

// fix restores the order after e's score has changed.
func (h *heap) fix(e *entry) {
	if !h.down(e.at) {
		h.up(e.at)
	}
}

func (h heap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h heap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !leavesBefore(h[i], h[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

// down reports whether it moved anything.
func (h heap) down(i int) bool {
	first := i
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if right := child + 1; right < len(h) && leavesBefore(h[right], h[child]) {
			child = right
		}
		if !leavesBefore(h[child], h[i]) {
			break
		}
		h.swap(i, child)
		i = child
	}
	return i > first
}

// walk visits entries in the heap's order, without changing it, until f returns
// false. To visit k of n takes k·log k steps.
func (h heap) walk(f func(*entry) bool) {
	if len(h) == 0 {
		return
	}
	next := []int{0} // a heap of places whose parents were visited
	for len(next) > 0 {
		at := next[0]
		last := len(next) - 1
		next[0] = next[last]
		next = next[:last]
		h.sink(next)
		if !f(h[at]) {
			return
		}
		for child := 2*at + 1; child <= 2*at+2 && child < len(h); child++ {
			next = append(next, child)
			h.rise(next)
		}
	}
}

// rise and sink restore the order of a heap of places after its last, or its
// first, has changed.
func (h heap) rise(next []int) {
	for i := len(next) - 1; i > 0; {
		parent := (i - 1) / 2
		if !leavesBefore(h[next[i]], h[next[parent]]) {
			return
		}
		next[i], next[parent] = next[parent], next[i]
		i = parent
	}
}

func (h heap) sink(next []int) {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(next) {
			return
		}
		if right := child + 1; right < len(next) && leavesBefore(h[next[right]], h[next[child]]) {
			child = right
		}
		if !leavesBefore(h[next[child]], h[next[i]]) {
			return
		}
		next[i], next[child] = next[child], next[i]
		i = child
	}
}
