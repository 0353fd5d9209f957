package tiny

import "testing"

func TestTiny(t *testing.T) {
	if Check(0) != nil || Check(3) != nil || Check(-1) == nil || Check(4) == nil {
		t.Error("Check")
	}
	if Sum([]int{1, 2}) != 3 {
		t.Error("Sum")
	}
	if *at(3) != (point{3, 6}) {
		t.Error("at")
	}
	if endless(2) != 0 {
		t.Error("endless")
	}
}
