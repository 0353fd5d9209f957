// Package tiny is mutated by the tests of internal/mutation.
package tiny

import "errors"

const limit = 3

type point struct{ X, Y int }

var errLimit = errors.New("above the limit")

// Check is tested at its bounds.
func Check(n int) error {
	if n < 0 || n > limit {
		return errLimit
	}
	return nil
}

// Sum is tested with one list.
func Sum(list []int) (sum int) {
	for _, n := range list {
		if n == 9 {
			break
		}
		sum += n
	}
	return sum
}

// Name is not tested at all.
func Name(n int) string {
	switch n {
	case 1, 2:
		return "few"
	default:
		return "many"
	}
}

func at(x int) *point { return &point{X: x, Y: 2 * x} }

func endless(n int) int {
	for n > 0 {
		n--
	}
	return n
}
