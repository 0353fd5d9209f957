package conformance

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/coretest/cases"
)

// maxUnreached bounds the steps of all cases that some way cannot reach, so that
// a new one is noticed. Raise it only for what that way leaves out by design.
const maxUnreached = 15

// ways are those on which blocks come to a node. Each tells it a story, and says
// where it differs.
var ways = []struct {
	name string
	tell func(*testing.T, *record, *script) error
}{
	{"chain", byChain}, {"headers", byHeader}, {"import", byImport},
	{"sync", bySync}, {"gossip", byGossip}, {"whole", byWhole},
}

// TestRules tells every case to a node by every way. go test -v lists the steps
// that a way does not reach.
func TestRules(t *testing.T) {
	all := &records{}
	t.Cleanup(func() { all.report(t) })
	for _, c := range cases.All() {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			sc := newScript(t, &c)
			for _, w := range ways {
				t.Run(w.name, func(t *testing.T) {
					if err := w.tell(t, &record{all: all, name: c.ID + "/" + w.name}, sc); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// records gather what was not reached, in all cases.
type records struct {
	mu        sync.Mutex
	unreached []string // guarded by mu
}

// record is one way of one case.
type record struct {
	all  *records
	name string
	// fileOnly says that blocks come in export files.
	fileOnly bool
}

// skip notes a verdict that cannot be reached by this way.
func (r *record) skip(st *coretest.Step, why string) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.unreached = append(r.all.unreached, fmt.Sprintf("%s: %s, %s: %s", r.name, st.Name, verdictText(st.Verdict, st.Code), why))
}

func (a *records) report(t *testing.T) {
	slices.Sort(a.unreached)
	for _, line := range a.unreached {
		t.Logf("not reached: %s", line)
	}
	if n := len(a.unreached); n > maxUnreached {
		t.Errorf("%d steps are not reached by some way, want at most %d: see the list above", n, maxUnreached)
	}
}
