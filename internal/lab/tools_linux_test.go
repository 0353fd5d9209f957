package lab

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"
)

func TestPatch(t *testing.T) {
	doc := []byte(`{"big":18446744073709551615,"rule":{"window":60},"name":"x"}`)
	out, err := applyPatch(doc, Patch{"rule.window": 7, "name": "y"})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Big  uint64
		Rule struct{ Window int }
		Name string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Big != 1<<64-1 || got.Rule.Window != 7 || got.Name != "y" {
		t.Errorf("patched to %s", out)
	}
	for _, path := range []string{"nam", "rule.windo", "name.x", "none.window"} {
		if _, err := applyPatch(doc, Patch{path: 1}); err == nil {
			t.Errorf("path %q was accepted", path)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []int{5, 1, 4, 2, 3}
	for q, want := range map[float64]int{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := Quantile(values, q); got != want {
			t.Errorf("Quantile(%v) = %d, want %d", q, got, want)
		}
	}
	if got := Quantile([]int(nil), 0.5); got != 0 {
		t.Errorf("Quantile of nothing = %d", got)
	}
}

func TestPollReturnsTheLastError(t *testing.T) {
	want := errors.New("not yet")
	if err := poll(3*pollInterval, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("poll = %v", err)
	}
	calls := 0
	err := poll(time.Minute, func() error {
		if calls++; calls < 3 {
			return want
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("poll = %v after %d calls", err, calls)
	}
}

// A stream cuts lines wherever the process's writes were cut.
func TestStream(t *testing.T) {
	h := Local(t)
	s := h.StreamOf(h.Command(context.Background(), "/bin/sh", "-c", `printf '{"a":1}\n{"a"'; printf ':2}\n{"a":3}\n'; exec sleep 60`))
	isThree := func(l Line) bool { return string(l.Text) == `{"a":3}` }
	if _, err := s.Wait(10*time.Second, 0, isThree); err != nil {
		t.Fatal(err)
	}
	if lines := s.Lines(); len(lines) != 3 || string(lines[1].Text) != `{"a":2}` || lines[1].At.IsZero() {
		t.Errorf("lines %q", lines)
	}
	if _, err := s.Wait(time.Millisecond, 3, isThree); err == nil {
		t.Error("found a line before the first to look at")
	}
	s.Close()
	if _, err := s.Wait(time.Minute, 3, isThree); err == nil {
		t.Error("waited for a stream that has ended")
	}
}

func TestTrace(t *testing.T) {
	trace, err := NewTrace(t)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) { // as a node does: open, append, close
		f, err := os.OpenFile(trace.Path(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("begin syncing\nbegin flushing\nend flushing\n")
	if err := trace.AwaitBegin("flushing", 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := trace.AwaitBegin("mining", time.Millisecond); err == nil {
		t.Error("a phase began that nobody wrote")
	}
	if !trace.Inside("syncing") || trace.Inside("flushing") {
		t.Errorf("inside syncing %v, flushing %v; want true, false", trace.Inside("syncing"), trace.Inside("flushing"))
	}
}
