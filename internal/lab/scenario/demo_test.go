//go:build linux && multihost

package scenario

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

var demos = flag.Int("demos", 5, "demos of TestDemoFirstBlock")

// A demo's first block comes soon after its start, and Ctrl-C ends it cleanly.
func TestDemoFirstBlock(t *testing.T) {
	const (
		median = 3 * time.Second
		most   = 10 * time.Second // in 95 of 100
		exit   = 2 * time.Second
	)
	host := lab.Local(t)
	binary := lab.BuildBinary(t)
	found := regexp.MustCompile(`height [1-9]`)
	var took []time.Duration
	late := 0
	for range *demos {
		output := &lineSearch{match: found, seen: make(chan time.Time, 1)}
		cmd := host.Command(t.Context(), binary, "demo")
		cmd.Stdout, cmd.Stderr = output, output
		begun := time.Now()
		demo, err := host.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case at := <-output.seen:
			took = append(took, at.Sub(begun))
			if at.Sub(begun) > most {
				late++
			}
		case <-time.After(time.Minute):
			t.Fatal("no block within a minute")
		}
		if err := demo.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		stopping := time.Now()
		if err := demo.Err(); err != nil {
			t.Fatalf("Ctrl-C: %v", err)
		}
		if d := time.Since(stopping); d > exit {
			t.Errorf("ended %v after Ctrl-C, want at most %v", d, exit)
		}
	}
	t.Logf("first block in %d demos: median %v, p95 %v, worst %v", *demos,
		round(lab.Quantile(took, 0.5)), round(lab.Quantile(took, 0.95)), round(lab.Quantile(took, 1)))
	if m := lab.Quantile(took, 0.5); m > median {
		t.Errorf("median %v, want at most %v", m, median)
	}
	if late*20 > *demos {
		t.Errorf("%d of %d demos took more than %v", late, *demos, most)
	}
}

// lineSearch notes when the first match is written to it.
type lineSearch struct {
	match *regexp.Regexp
	seen  chan time.Time // 1 slot
	text  []byte
}

func (s *lineSearch) Write(b []byte) (int, error) {
	s.text = append(s.text, b...)
	if s.match.Match(s.text) {
		select {
		case s.seen <- time.Now():
		default:
		}
	}
	if i := bytes.LastIndexByte(s.text, '\n'); i >= 0 {
		s.text = s.text[i+1:]
	}
	return len(b), nil
}

// A machine without a network has loopback: the demo works there, too.
func TestDemoOnLoopbackAlone(t *testing.T) {
	net := lab.New(t)
	host := net.Host("alone")
	out, err := host.Command(t.Context(), lab.BuildBinary(t), "demo", "-n", "5", "--for", "10s", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Agreed bool `json:"agreed"`
		Nodes  []struct {
			PeerID string       `json:"peer_id"`
			Tip    lab.BlockRef `json:"tip"`
			State  string       `json:"state"`
			Peers  int          `json:"peers"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if !got.Agreed || len(got.Nodes) != 5 {
		t.Fatalf("%s", out)
	}
	for _, n := range got.Nodes {
		if n.Tip != got.Nodes[0].Tip || n.State != got.Nodes[0].State || n.Peers != 4 || n.Tip.Height == 0 {
			t.Errorf("node %s: tip %v, state %.12s, %d peers", n.PeerID, n.Tip, n.State, n.Peers)
		}
	}
}
