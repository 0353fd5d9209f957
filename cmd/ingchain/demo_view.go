package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// demoView shows a demo as it goes: a table redrawn in place on a terminal, else
// a line for every new tip.
type demoView struct {
	a     *app
	nodes []runner
	live  *live
	begun time.Time

	shown demoNode // what the last line told
}

var demoHead = []string{"NODE", "PEER", "HEIGHT", "TIP", "PEERS", "POOL", "HASH RATE"}

func newDemoView(a *app, nodes []runner) *demoView {
	v := &demoView{a: a, nodes: nodes, live: a.live, begun: time.Now()}
	return v
}

// started says where the first node is.
func (v *demoView) started(dir string) {
	url, _ := v.nodes[0].API()
	fmt.Fprintf(v.live, "%d nodes on this machine, API of the first at %s; Ctrl-C ends the demo\n", len(v.nodes), url)
	fmt.Fprintf(v.live, "try 'ingchain wallet new --data-dir %s', then faucet and wallet send\n", dir)
}

func (v *demoView) show(r demoResult) {
	if len(r.Nodes) == 0 {
		return
	}
	if v.live.terminal {
		var b bytes.Buffer
		table(&b, "", demoHead, demoRows(r))
		v.live.set(strings.Split(strings.TrimRight(b.String(), "\n"), "\n")...)
		return
	}
	first := r.Nodes[0]
	if first.Tip == v.shown.Tip && first.Peers == v.shown.Peers {
		return
	}
	v.shown = first
	fmt.Fprintf(v.live, "%5.1fs  height %d  %s  %d peers  agreed %v\n", time.Since(v.begun).Seconds(), first.Tip.Height,
		first.Tip.ID.Short(), first.Peers, r.Agreed)
}

func demoRows(r demoResult) [][]string {
	var rows [][]string
	for i, n := range r.Nodes {
		rate := "-"
		if n.hashRate > 0 {
			rate = hashRate(n.hashRate)
		}
		rows = append(rows, []string{
			fmt.Sprint(i + 1), shortPeer(n.PeerID), grouped(n.Tip.Height), n.Tip.ID.Short(), fmt.Sprint(n.Peers), fmt.Sprint(n.pool), rate,
		})
	}
	return rows
}
