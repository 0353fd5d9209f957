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

// TreeCache is the bound on header records.
const TreeCache = treeCache

// FillWaiting makes the manager believe that as many blocks as allowed wait for
// a parent's body.
func (m *Manager) FillWaiting() {
	m.change.Lock()
	defer m.change.Unlock()
	m.nWaiting = maxWaiting
}
