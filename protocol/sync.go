package protocol

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/plan"
	"github.com/ingchain/ingchain/protocol/wire"
)

// idleTick is how long the plan is left alone at most, for changes that no event
// tells of, such as a verdict that the operator has lifted.
const idleTick = 5 * time.Second

// syncLoop carries events to the plan and its actions out. It never waits for a
// peer or the chain: what takes time runs beside it and comes back as an event.
// The plan bounds how much of that there is.
func (s *Service) syncLoop(ctx context.Context, g *group) {
	l := &loop{s: s, g: g, cancels: make(map[uint64]context.CancelFunc)}
	p := plan.New(s.rules, planChain{s.chain, s})
	timer := time.NewTimer(idleTick)
	defer timer.Stop()
	defer func() { s.setSyncing(false) }()
	var ev plan.Event = plan.Tick{}
	for {
		timer.Reset(idleTick)
		if done, ok := ev.(plan.BlocksArrived); ok {
			delete(l.cancels, done.Req)
		}
		for _, a := range p.Step(ev, s.cfg.Now()) {
			if wake, ok := a.(plan.WakeAt); ok {
				timer.Reset(min(idleTick, max(0, wake.Time.Sub(s.cfg.Now()))))
				continue
			}
			l.perform(ctx, a)
		}
		s.updateStatus(p.Status())
		select {
		case <-ctx.Done():
			return
		case ev = <-s.events:
		case <-timer.C:
			ev = plan.Tick{}
		}
	}
}

// loop is what the sync loop alone uses.
type loop struct {
	s       *Service
	g       *group
	cancels map[uint64]context.CancelFunc // requests of blocks in flight
}

func (l *loop) perform(ctx context.Context, a plan.Action) {
	s := l.s
	switch a := a.(type) {
	case plan.GetHeaders:
		l.g.start(func() { s.getHeaders(ctx, a) })
	case plan.GetBlocks:
		ctx, cancel := context.WithCancel(ctx)
		l.cancels[a.Req] = cancel
		l.g.start(func() {
			defer cancel()
			s.getBlocks(ctx, a)
		})
	case plan.Cancel:
		if cancel := l.cancels[a.Req]; cancel != nil {
			cancel()
			delete(l.cancels, a.Req)
		}
	case plan.AddHeaders:
		l.g.start(func() {
			_, err := s.chain.AddHeaders(a.Headers)
			s.reportChain("add headers", err)
			s.send(ctx, plan.HeadersAdded{Peer: a.Peer, Err: err})
		})
	case plan.AddBlocks:
		l.g.start(func() {
			n, err := s.chain.AddBlocks(ctx, a.Blocks)
			s.reportChain("add blocks", err)
			s.countBlocks(n)
			s.send(ctx, plan.BlocksAdded{N: n, Err: err})
		})
	case plan.Punish:
		p := peer.ID(a.Peer)
		l.g.start(func() { s.punish(p, a.Err) })
	case plan.SetAside:
		s.log.Debug("peer set aside", "peer", peer.ID(a.Peer), "until", a.Until, "reason", a.Reason)
		s.setReason(peer.ID(a.Peer), a.Reason, a.Code)
	}
}

// reportChain logs failures that are our own.
func (s *Service) reportChain(what string, err error) {
	if err == nil || core.IsPunishable(err) || core.IsDeferred(err) || errors.Is(err, context.Canceled) {
		return
	}
	s.log.Error(what, "error", err)
}

func (s *Service) getHeaders(ctx context.Context, a plan.GetHeaders) {
	p := peer.ID(a.Peer)
	hs, err := s.fetchHeaders(ctx, p, a.Locator, plan.HeadersPerRequest)
	if errors.Is(err, wire.ErrMalformed) {
		s.punish(p, err)
	}
	if err != nil {
		s.send(ctx, plan.HeadersFailed{Peer: a.Peer, Req: a.Req, Err: err})
		return
	}
	s.send(ctx, plan.HeadersArrived{Peer: a.Peer, Req: a.Req, Headers: hs})
}

func (s *Service) getBlocks(ctx context.Context, a plan.GetBlocks) {
	p := peer.ID(a.Peer)
	blocks, err := s.fetchBlocks(ctx, p, a.IDs)
	if errors.Is(err, wire.ErrMalformed) {
		s.punish(p, err)
	}
	ev := plan.BlocksArrived{Peer: a.Peer, Req: a.Req, Blocks: blocks, Err: err}
	if errors.Is(err, errNotFound) {
		ev.NotFound, ev.Err = true, nil
	}
	s.send(ctx, ev)
}

// planChain is the chain as the plan reads it.
type planChain struct {
	Chain
	s *Service
}

// Missing implements plan.Chain.
func (c planChain) Missing(max int) []core.HeaderState {
	return c.s.withoutRebuilds(c.Chain.Missing(max))
}

// maxWalk bounds how far MissingTo looks back, in blocks.
const maxWalk = 4096

// MissingTo implements plan.Chain by walking back to a block whose body is
// stored. That is for short branches; what Missing lists is not looked for again.
func (c planChain) MissingTo(tip core.Hash, max int) []core.HeaderState {
	end, ok := c.HeaderState(tip)
	if !ok {
		return nil
	}
	best, err := c.IDsInRange(c.BestHeader().ID, end.Height, 1)
	if err != nil || len(best) == 1 && best[0] == tip {
		return nil
	}
	var ids []core.Hash
	for id := tip; !c.HasBlock(id); {
		h, err := c.Header(id)
		if err != nil || len(ids) == maxWalk {
			return nil
		}
		ids = append(ids, id)
		id = h.Parent
	}
	slices.Reverse(ids)
	var missing []core.HeaderState
	for _, id := range ids[:min(max, len(ids))] {
		st, ok := c.HeaderState(id)
		if !ok {
			return nil
		}
		missing = append(missing, st)
	}
	return c.s.withoutRebuilds(missing)
}
