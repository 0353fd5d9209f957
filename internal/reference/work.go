package reference

import "math/big"

var (
	two256    = new(big.Int).Lsh(big.NewInt(1), 256)
	minTarget = new(big.Int).Lsh(big.NewInt(1), 32) // work.md: 2^32 is a floor
)

// decodeTarget is the target that compact bits mean, and whether they are the
// accepted way to write it (work.md, Compact target).
func decodeTarget(bits uint32) (*big.Int, bool) {
	size, mantissa := bits>>24, bits&0x7f_ffff
	target := big.NewInt(int64(mantissa))
	if size >= 3 {
		target.Lsh(target, uint(8*(size-3)))
	} else {
		target.Rsh(target, uint(8*(3-size)))
	}
	signed := bits&0x80_0000 != 0
	if signed || target.Sign() == 0 || target.Cmp(two256) >= 0 || encodeTarget(target) != bits {
		return nil, false
	}
	return target, true
}

// encodeTarget writes a target that is not zero, rounded down.
func encodeTarget(target *big.Int) uint32 {
	b := target.Bytes()
	size := uint32(len(b))
	for len(b) < 3 { // shifted left
		b = append(b, 0)
	}
	mantissa := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	if mantissa&0x80_0000 != 0 {
		mantissa >>= 8
		size++
	}
	return size<<24 | mantissa
}

// workOf is ⌊2^256 / (target + 1)⌋.
func workOf(target *big.Int) *big.Int {
	return new(big.Int).Div(two256, new(big.Int).Add(target, big.NewInt(1)))
}

// workAfter is a chain's work with one more block, held at 2^256 − 1.
func workAfter(work *big.Int, bits uint32) *big.Int {
	target, _ := decodeTarget(bits)
	sum := new(big.Int).Add(work, workOf(target))
	if sum.Cmp(two256) >= 0 {
		sum.Sub(two256, big.NewInt(1))
	}
	return sum
}

// meets reports whether an id, read as a little-endian number, is not above a
// target.
func meets(id [32]byte, target *big.Int) bool {
	var bigEndian [32]byte
	for i := range id {
		bigEndian[31-i] = id[i]
	}
	return new(big.Int).SetBytes(bigEndian[:]).Cmp(target) <= 0
}

// nextBits is what a child of parent must carry (work.md, Difficulty).
func (n *Network) nextBits(parent *State) uint32 {
	height := uint64(parent.height) + 1
	if height <= uint64(2+n.off("retarget start")) || n.fixed {
		return parent.bits
	}
	target, _ := decodeTarget(parent.bits)

	window := min(uint64(n.rampStart)+height/uint64(6+n.off("ramp divisor")), uint64(n.window))
	if n.has("no ramp") {
		window = uint64(n.window)
	}
	bigN := new(big.Int).SetUint64(window)
	bigT := new(big.Int).SetUint64(n.interval)
	nt := new(big.Int).Mul(bigN, bigT)

	delta := new(big.Int).SetUint64(parent.time - parent.grandparentTime)
	if n.breaks("work delta cap", delta.Cmp(nt) > 0) {
		delta = nt
	}
	factor := new(big.Int).Sub(bigN, big.NewInt(1))
	factor.Mul(factor, bigT).Add(factor, delta)

	next := new(big.Int).Mul(target, factor)
	if n.has("retarget cut to 256 bits") {
		next.Mod(next, two256)
	}
	next.Div(next, nt)
	limit, _ := decodeTarget(n.limitBits)
	if n.breaks("work clamp limit", next.Cmp(limit) > 0) {
		next = limit
	}
	if n.breaks("work clamp floor", next.Cmp(minTarget) < 0) {
		next = minTarget
	}
	return encodeTarget(next)
}

// checkStranger judges a header by its own bits: well-formed, not easier than the
// network's limit, and met.
func (n *Network) checkStranger(h header) string {
	limit, _ := decodeTarget(n.limitBits)
	target, ok := decodeTarget(h.bits)
	if !ok || n.breaks("header 1", target.Cmp(limit) > 0) {
		return "header-bits"
	}
	if n.breaks("header 2", !meets(h.id(), target)) {
		return "header-work"
	}
	return ""
}

// checkChild is work.md's table "A header as the child of its parent".
func (n *Network) checkChild(parent *State, h header) string {
	if n.breaks("work 1", h.parent != parent.id) {
		return "header-parent"
	}
	if n.breaks("work 2", uint64(h.height) != uint64(parent.height)+1) { // a u32 cannot be 2^32
		return "header-height"
	}
	if n.breaks("work 3", h.version > n.versionAt(h.height)) {
		// Whoever cites newer rules must have worked for it: header 1 and 2.
		if code := n.checkStranger(h); !n.has("work 3 for nothing") && code != "" {
			return code
		}
		return "header-new-rules"
	}
	if n.breaks("work 4", h.version < n.versionAt(h.height)) {
		return "header-version"
	}
	if n.breaks("work 5", h.time <= parent.time+uint64(n.off("time"))) {
		return "header-time"
	}
	if n.breaks("work 6", h.bits != n.nextBits(parent)) {
		return "header-bits"
	}
	target, ok := decodeTarget(h.bits)
	if n.breaks("work 7", !ok || !meets(h.id(), target)) {
		return "header-work"
	}
	return ""
}

// checkClock is the future limit: exactly at it passes.
func (n *Network) checkClock(h header, now uint64) string {
	limit := new(big.Int).SetUint64(n.interval)
	limit.Mul(limit, new(big.Int).SetUint64(uint64(n.window)))
	limit.Add(limit, new(big.Int).SetUint64(now))
	limit.Add(limit, big.NewInt(n.off("future limit")))
	if n.breaks("work future", new(big.Int).SetUint64(h.time).Cmp(limit) > 0) {
		return "header-future"
	}
	return ""
}

// Better reports whether the chain that ends in a is better than the one that
// ends in b: more work, or equal work and the lower id (work.md, The best chain).
func (n *Network) Better(a, b *State) bool {
	if c := a.work.Cmp(b.work); c != 0 {
		return c > 0
	}
	for i := range a.id {
		if a.id[i] != b.id[i] {
			return (a.id[i] < b.id[i]) != n.has("higher id wins")
		}
	}
	return false
}
