package fuzzing

import (
	"fmt"
	"testing"
)

// recorder is a testing.TB that notes a failure instead of failing.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

var sink []byte

func TestProportional(t *testing.T) {
	for _, tt := range []struct {
		name    string
		alloc   int
		refused bool
	}{
		{"nothing", 0, false},
		{"as much as allowed", 10*1000 + slack/2, false},
		{"a large array", 1 << 20, true},
		{"a little too much", 10*1000 + 2*slack, true},
	} {
		r := &recorder{TB: t}
		Proportional(r, 1000, 10, func() { sink = make([]byte, tt.alloc) })
		if (r.failed != "") != tt.refused {
			t.Errorf("%s: refused %v: %q", tt.name, !tt.refused, r.failed)
		}
	}
	r := &recorder{TB: t}
	Proportional(r, 10, 10, func() {
		for range 100_000 {
			sink = make([]byte, 48)
		}
	})
	if r.failed == "" {
		t.Error("many small objects pass")
	}
}

func TestSource(t *testing.T) {
	s := New([]byte{7, 1, 2, 3})
	if a, b := s.Byte(), s.Intn(2); a != 7 || b != 1 {
		t.Errorf("drew %d, %d", a, b)
	}
	if got := s.Uint64(); got != 0x0302 || !s.Empty() {
		t.Errorf("a short integer is %#x, empty %v", got, s.Empty())
	}
	if s.Byte() != 0 || s.Rarely(1) != true || s.Rarely(2) || Of(s, "a", "b") != "a" || len(s.Rest()) != 0 {
		t.Error("an empty source draws something else than the first choice")
	}
}
