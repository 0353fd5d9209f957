//go:build linux && multihost

package scenario

import (
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

// meshNodes is the size of the LAN in TestMeshAndTip and TestPartition.
const meshNodes = 5

// Five hosts on one LAN that are told nothing of each other form a full mesh
// and agree on the heaviest tip while two of them mine.
func TestMeshAndTip(t *testing.T) {
	for _, test := range []struct {
		name            string
		link            lab.Link
		mesh, p99, most time.Duration // limits
	}{
		{"clean", lab.Link{}, 5 * time.Second, time.Second, time.Second},
		{"latency", lab.Link{Latency: 20 * time.Millisecond}, 5 * time.Second, time.Second, time.Second},
		{"loss", lab.Link{Loss: 0.05}, 15 * time.Second, time.Second, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab.Require(t)
			var figures []meshFigures
			repeat(t, func(t *testing.T) {
				f := meshAndTip(t, test.link)
				figures = append(figures, f)
				if f.mesh > test.mesh {
					t.Errorf("full mesh %v after the last start, want at most %v", f.mesh, test.mesh)
				}
				if f.p99 > test.p99 || f.most > test.most {
					t.Errorf("blocks were on all nodes after %v (p99) and %v (worst), want at most %v and %v",
						f.p99, f.most, test.p99, test.most)
				}
			})
			t.Log("  run  mesh      blocks  p50       p99       worst")
			for i, f := range figures {
				t.Logf("%5d  %-8v  %6d  %-8v  %-8v  %-8v", i+1, round(f.mesh), f.blocks, round(f.p50), round(f.p99), round(f.most))
			}
		})
	}
}

type meshFigures struct {
	mesh           time.Duration // from the last start
	blocks         int           // measured
	p50, p99, most time.Duration // from heaviest anywhere to applied everywhere
}

func meshAndTip(t *testing.T, link lab.Link) meshFigures {
	net := lab.New(t)
	net.LAN.SetLink(link)
	nodes := startMesh(t, net, miningNetwork(t, lab.BuildBinary(t), time.Second), 0, 1)
	figures := meshFigures{mesh: lab.Until(t, time.Minute, "full mesh", func() error { return lab.Mesh(nodes) })}

	streams := follow(t, nodes)
	from := uint32(0)
	for _, n := range nodes { // blocks from before the last stream are not measured
		status, err := n.Status()
		if err != nil {
			t.Fatal(err)
		}
		from = max(from, status.Tip.Height+1)
	}
	during(t, *mineFor, nodes...)
	nodes[0].MustJSON(nil, "mine", "stop")
	nodes[1].MustJSON(nil, "mine", "stop")
	tip := converged(t, 10*time.Second, nodes...)

	all := make([][]event, len(nodes))
	var chain map[uint32]string
	for i, s := range streams {
		awaitApply(t, s, tip.ID)
		all[i] = events(t, s)
		chain = replay(t, nodes[i].Name, all[i])
	}
	var took []time.Duration
	for _, s := range propagation(chain, from, all) {
		took = append(took, s.took)
		if s.took > time.Second {
			t.Logf("block %v took %v", s.block, s.took)
		}
	}
	if len(took) < 3 {
		t.Fatalf("only %d blocks in %v, nothing to measure", len(took), *mineFor)
	}
	figures.blocks = len(took)
	figures.p50, figures.p99, figures.most = lab.Quantile(took, 0.5), lab.Quantile(took, 0.99), lab.Quantile(took, 1)
	return figures
}

// startMesh starts five nodes on hosts of their own, none waiting for another;
// those whose numbers are given mine with one thread.
func startMesh(t *testing.T, net *lab.Net, network string, miners ...int) []*lab.Node {
	t.Helper()
	binary := lab.BuildBinary(t)
	mines := make(map[int]bool)
	for _, i := range miners {
		mines[i] = true
	}
	nodes := make([]*lab.Node, meshNodes)
	for i, h := range hosts(net, meshNodes) {
		cfg := lab.NodeConfig{Binary: binary, Network: network}
		if mines[i] {
			cfg.Args = []string{"--mine", "--mine-threads", "1"}
		}
		nodes[i] = h.NewNode(cfg)
	}
	for _, n := range nodes {
		n.Start()
	}
	return nodes
}

// follow opens the nodes' events, from now on, and waits until each has
// shown one. Somebody must be mining.
func follow(t *testing.T, nodes []*lab.Node) []*lab.Stream {
	t.Helper()
	streams := make([]*lab.Stream, len(nodes))
	for i, n := range nodes {
		streams[i] = n.Stream("events")
	}
	for i, s := range streams {
		if _, err := s.Wait(time.Minute, 0, func(lab.Line) bool { return true }); err != nil {
			t.Fatalf("events of %s: %v", nodes[i].Name, err)
		}
	}
	return streams
}

// awaitApply waits until a stream has shown that a block was applied.
func awaitApply(t *testing.T, s *lab.Stream, id string) {
	t.Helper()
	if _, err := s.Wait(5*time.Second, 0, mentions(id)); err != nil {
		t.Fatalf("block %.12s in events: %v", id, err)
	}
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
