//go:build linux && multihost

package scenario

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

var tornKills = flag.Int("torn-kills", 60, "kills within which TestKill9Torn must see corruption")

const (
	// maxKillDelay is the longest wait between a phase's begin and the kill.
	maxKillDelay = 20 * time.Millisecond

	// killsPerPair is how many kills one pair of nodes takes before a fresh
	// one, so that chains stay short and verifying them quick.
	killsPerPair = 24

	// triesPerKill bounds the attempts that one kill inside a phase may take:
	// a phase can end before the kill arrives.
	triesPerKill = 40

	// behind is how many blocks a victim has to catch up with, enough for a
	// sync of several flushes.
	behind = 150
)

// phases are the names in the node's trace.
var phases = []string{"syncing", "flushing", "reorganising", "mining"}

// A node that is killed in the midst of its work opens again with a sound
// store and converges.
func TestKill9(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 0))
	var order []string
	for i := range *kills {
		order = append(order, phases[i%len(phases)])
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })

	tries, inside := make(map[string]int), make(map[string]int)
	for len(order) > 0 {
		part := order[:min(killsPerPair, len(order))]
		order = order[len(part):]
		pair := newKillPair(t, lab.BuildBinary(t), rng)
		for _, phase := range part {
			for try := 1; ; try++ {
				if try > triesPerKill {
					t.Fatalf("no kill in %d fell inside %s", triesPerKill, phase)
				}
				hit := pair.kill(t, phase)
				tries[phase]++
				if err := pair.reopen(); err != nil {
					t.Fatalf("after a kill in %s: %v", phase, err)
				}
				pair.converge(t)
				if hit {
					inside[phase]++
					break
				}
			}
		}
		pair.victim.Stop()
		pair.miner.Stop()
	}
	for _, phase := range phases {
		t.Logf("%-13s %3d kills, %3d of them inside the phase", phase, tries[phase], inside[phase])
	}
}

// The same test sees corruption when the store commits in two halves.
func TestKill9Torn(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 1))
	pair := newKillPair(t, lab.BuildBinary(t, "torncommit"), rng)
	for i := range *tornKills {
		pair.kill(t, "flushing")
		if err := pair.reopen(); err != nil {
			t.Logf("kill %d: %v", i+1, err)
			return
		}
		pair.victim.Stop()
	}
	t.Fatalf("no corruption seen in %d kills, although every commit is torn in two", *tornKills)
}

// killPair is a node that gets killed and one that makes blocks for it.
type killPair struct {
	victim, miner *lab.Node
	minerAddr     string
	minerID       string
	rng           *rand.Rand
	kills         int
}

func newKillPair(t *testing.T, binary string, rng *rand.Rand) *killPair {
	t.Helper()
	host := lab.Local(t)
	cfg := localConfig(binary, quietNetwork(t, binary, "kill"))
	cfg.Name = "miner"
	p := &killPair{miner: host.Node(cfg), rng: rng}
	status := p.miner.Ready()
	p.minerAddr, p.minerID = addrOn(t, status, "127.0.0.1"), status.PeerID
	cfg.Name = "victim"
	p.victim = host.NewNode(cfg)
	mine(t, p.miner, behind)
	return p
}

// localConfig is for nodes that share this machine's loopback.
func localConfig(binary, network string) lab.NodeConfig {
	return lab.NodeConfig{Binary: binary, Network: network, Args: []string{
		"--mdns=false", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "127.0.0.1:0",
	}}
}

// kill brings the victim, which must be equal to the miner and may run, into
// a phase and kills it. It reports whether it died inside the phase.
func (p *killPair) kill(t *testing.T, phase string) bool {
	t.Helper()
	if p.running() {
		p.victim.Stop()
	}
	trace, err := lab.NewTrace(t)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--peer", p.minerAddr, "--phase-trace", trace.Path()}
	switch phase {
	case "syncing", "flushing":
		mine(t, p.miner, behind)
		p.victim.Start(args...)
	case "reorganising":
		p.victim.Start(args...)
		p.victim.Ready()
		p.converge(t)
		p.victim.MustJSON(nil, "net", "disconnect", p.minerID)
		mine(t, p.victim, behind/10)
		mine(t, p.miner, behind)
		p.background(t, "net", "connect", p.minerAddr)
	case "mining":
		p.victim.Start(args...)
		p.victim.Ready()
		p.converge(t)
		p.background(t, "mine", "once", "-n", fmt.Sprint(behind))
	}
	if err := trace.AwaitBegin(phase, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if p.kills++; p.kills%2 == 0 { // the others die at once
		<-time.After(time.Duration(p.rng.Int64N(int64(maxKillDelay))))
	}
	p.victim.Kill9()
	return trace.Inside(phase)
}

// background starts a verb on the victim whose end nobody waits for.
func (p *killPair) background(t *testing.T, args ...string) {
	t.Helper()
	if _, err := p.victim.Host.Start(p.victim.Verb(t.Context(), args...)); err != nil {
		t.Fatal(err)
	}
}

func (p *killPair) running() bool {
	if p.victim.Proc() == nil {
		return false
	}
	select {
	case <-p.victim.Proc().Done():
		return false
	default:
		return true
	}
}

// reopen checks the dead victim's store and starts it again.
func (p *killPair) reopen() error {
	var result struct {
		OK       bool     `json:"ok"`
		Problems []string `json:"problems"`
	}
	if err := p.victim.JSON(&result, "chain", "verify"); err != nil {
		return err
	}
	if !result.OK {
		return fmt.Errorf("chain verify: %q", result.Problems)
	}
	p.victim.Start("--peer", p.minerAddr)
	if _, err := p.victim.WaitReady(30 * time.Second); err != nil {
		return errors.Join(errors.New("the store does not open again"), err)
	}
	return nil
}

func (p *killPair) converge(t *testing.T) {
	t.Helper()
	converged(t, 30*time.Second, p.victim, p.miner)
}
