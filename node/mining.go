package node

import (
	"context"
	"sync"
	"time"

	"github.com/ingchain/ingchain/chain/miner"
	"github.com/ingchain/ingchain/protocol"
)

const (
	// lonely is how long Config.Mine waits for peers before it mines alone.
	lonely = 5 * time.Second
	// minePoll is how often it looks whether the node has caught up.
	minePoll = 100 * time.Millisecond
)

func (n *Node) openMiner(context.Context) (err error) {
	n.miner = miner.New(n.guard, miner.Config{Logger: n.log, Trace: n.trace.hook()})
	if n.cfg.Mine || n.cfg.MineTo != "" {
		n.mineAddr, err = n.mineTo(n.cfg.MineTo)
	}
	return err
}

// patience says when a node may begin to mine: once it has caught up with its
// peers, or has had none for a while.
type patience struct {
	alone time.Time // since when there is no peer
}

func (p *patience) ended(now time.Time, s protocol.Status) bool {
	if s.Peers > 0 {
		p.alone = now
		return s.Synced
	}
	return now.Sub(p.alone) >= lonely
}

// orders tells whether somebody said over the API what the miner is to do, which
// then holds against Config.Mine.
type orders struct {
	mu    sync.Mutex // held while the miner is told
	given bool
}

// give carries out an operator's order.
func (o *orders) give(tell func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.given = true
	return tell()
}

// orElse does what was configured, unless there was an order.
func (o *orders) orElse(tell func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.given {
		return nil
	}
	return tell()
}

// mineWhenReady starts the miner once the node is ready, unless the operator
// said before what the miner is to do.
func (n *Node) mineWhenReady(ctx context.Context) error {
	tick := time.NewTicker(minePoll)
	defer tick.Stop()
	wait := patience{alone: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if wait.ended(time.Now(), n.proto.Status()) {
			return n.orders.orElse(func() error { return n.miner.Start(n.mineAddr, n.cfg.MineThreads) })
		}
	}
}
