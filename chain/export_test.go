package chain

// Held tells how much the manager holds in memory: heights that differ from the
// store's index, and header records.
func (m *Manager) Held() (over, records int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.tree.mu.Lock()
	defer m.tree.mu.Unlock()
	return len(m.over), len(m.tree.cached)
}

// LimitTree bounds the header records held in memory, of which there are not as
// many yet.
func (m *Manager) LimitTree(n int) {
	m.tree.mu.Lock()
	defer m.tree.mu.Unlock()
	m.tree.limit = n
}

// FillWaiting makes the manager believe that as many blocks as allowed wait for
// a parent's body.
func (m *Manager) FillWaiting() {
	m.change.Lock()
	defer m.change.Unlock()
	m.nWaiting = maxWaiting
}

// MaxVerdicts is the bound on remembered verdicts of each kind.
const MaxVerdicts = maxVerdicts

// HeaderVerdicts tells how many verdicts on headers are held in memory.
func (m *Manager) HeaderVerdicts() int {
	m.verdicts.mu.Lock()
	defer m.verdicts.mu.Unlock()
	return len(m.verdicts.headers)
}
