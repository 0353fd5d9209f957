package protocol

import (
	"fmt"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/plan"
)

const (
	rateWindow = 20 * time.Second // over which blocks per second are averaged
	rateStep   = time.Second      // between samples of it

	// catchingUp is how many missing blocks make a sync; one is only news.
	catchingUp = 2
)

// syncState is what the sync loop shows to others. Service.mu guards it.
type syncState struct {
	plan    plan.Status
	syncing bool // as Trace was told
	blocks  int  // added by the sync loop in all
	samples []rateSample
}

type rateSample struct {
	at     time.Time
	blocks int
}

// Status says how far the node is behind what its peers have.
type Status struct {
	// Syncing is the opposite of Synced.
	Syncing bool
	// Synced is whether nothing heavier than our tip is known: every joined peer
	// that hasn't failed us was asked, or there is none.
	Synced bool
	// Peers is the number of joined peers.
	Peers int
	Tip   core.HeaderState
	// Target is the heaviest chain known, perhaps only claimed.
	Target plan.Claim
	// Rate is in blocks per second over about the last 20 s of syncing.
	Rate float64
	// ETA is when Target is reached at that rate; zero if unknown or done.
	ETA time.Duration
	// Message says all this to people.
	Message string
}

// Status returns how far the node has got.
func (s *Service) Status() Status {
	st := Status{Tip: s.chain.Tip(), Peers: s.joinedPeers()}
	best := s.chain.BestHeader()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Target = s.status.plan.Target
	if core.Heavier(best.Work, best.ID, st.Target.Work, st.Target.ID) {
		st.Target = plan.Claim{ID: best.ID, Height: best.Height, Work: best.Work}
	}
	if core.Heavier(st.Tip.Work, st.Tip.ID, st.Target.Work, st.Target.ID) {
		st.Target = plan.Claim{ID: st.Tip.ID, Height: st.Tip.Height, Work: st.Tip.Work}
	}
	st.Synced = st.Target.ID == st.Tip.ID
	st.Syncing = !st.Synced
	st.Rate = s.status.rate(time.Now())
	left := float64(st.Target.Height) - float64(st.Tip.Height)
	if st.Syncing && st.Rate > 0 && left > 0 {
		st.ETA = time.Duration(min(left/st.Rate, (30*24*time.Hour).Seconds()) * float64(time.Second))
	}
	st.Message = st.message()
	return st
}

func (st *Status) message() string {
	switch {
	case st.Synced && st.Peers == 0:
		return fmt.Sprintf("at height %d, no peers", st.Tip.Height)
	case st.Synced:
		return fmt.Sprintf("synced at height %d with %d peers", st.Tip.Height, st.Peers)
	case st.ETA > 0:
		return fmt.Sprintf("height %d of %d, %.0f blocks/s, %v left", st.Tip.Height, st.Target.Height, st.Rate, st.ETA.Round(time.Second))
	}
	return fmt.Sprintf("height %d of %d", st.Tip.Height, st.Target.Height)
}

// rate returns blocks per second between the first sample in the window and now.
func (y *syncState) rate(now time.Time) float64 {
	for _, x := range y.samples {
		if age := now.Sub(x.at); age <= rateWindow && age > 0 {
			return float64(y.blocks-x.blocks) / age.Seconds()
		}
	}
	return 0
}

func (s *Service) countBlocks(n int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	y := &s.status
	if k := len(y.samples); k == 0 || now.Sub(y.samples[k-1].at) >= rateStep {
		y.samples = append(y.samples, rateSample{now, y.blocks})
	}
	for now.Sub(y.samples[0].at) > rateWindow {
		y.samples = y.samples[1:]
	}
	y.blocks += n
}

func (s *Service) updateStatus(p plan.Status) {
	s.mu.Lock()
	s.status.plan = p
	syncing := s.status.syncing
	s.mu.Unlock()
	if syncing {
		s.setSyncing(p.Missing > 0)
	} else {
		s.setSyncing(p.Missing >= catchingUp)
	}
}

// setSyncing tells of the phase. Only the sync loop calls it.
func (s *Service) setSyncing(on bool) {
	s.mu.Lock()
	was := s.status.syncing
	s.status.syncing = on
	s.mu.Unlock()
	if was != on {
		s.cfg.Trace(PhaseSyncing, on)
	}
}
