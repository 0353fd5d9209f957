package main

import "time"

// progressEvery is how far apart lines of progress are where nothing can be
// redrawn.
const progressEvery = 8 * time.Second

// progress shows how far something has come: redrawn on a terminal, else as a
// line now and then.
type progress struct {
	live *live
	log  func(line string)
	last time.Time // when a line was written
}

func newProgress(l *live, log func(string)) *progress {
	return &progress{live: l, log: log, last: time.Now()}
}

func (p *progress) show(line string) {
	if p.live.terminal {
		p.live.set(line)
		return
	}
	if now := time.Now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		p.log(line)
	}
}

// done removes what is drawn.
func (p *progress) done() { p.live.close() }
