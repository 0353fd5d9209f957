package failstop

import "sync"

// Lifetime lets a store be closed while others use it: closing waits for them,
// and later uses are refused. Make it with [NewLifetime].
type Lifetime struct {
	mu sync.Mutex
	// users are those between Enter and Leave; once ended is set there are no new
	// ones, and idle is closed when the last has left.
	users int
	ended bool
	idle  chan struct{}
}

// NewLifetime makes a Lifetime without users.
func NewLifetime() *Lifetime { return &Lifetime{idle: make(chan struct{})} }

// Enter begins a use, which Leave ends; false means that there are no more.
func (l *Lifetime) Enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.users++
	return true
}

// Leave ends a use.
func (l *Lifetime) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users == 0 && l.ended {
		close(l.idle)
	}
}

// End refuses new uses; false means that it was called before. Idle is closed
// once the others have ended.
func (l *Lifetime) End() (idle <-chan struct{}, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first = !l.ended
	l.ended = true
	if first && l.users == 0 {
		close(l.idle)
	}
	return l.idle, first
}
