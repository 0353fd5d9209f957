package conformance

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/coretest/cases"
)

// A story that claims something else than the rules is contradicted by every way.
func TestDifferencesAreSeen(t *testing.T) {
	truth := &cases.Case{Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> bad
		s.Chain.Chain("b", coretest.Genesis, 2)
		s.Next("bad", "b2", func(d *coretest.Draft) {
			d.KeepReward = true
			d.Txs[0].Outputs[0].Value++
		})
		s.Accepted("b1", "b2")
		s.Rejected("bad", core.ErrCoinbaseValue)
	}}
	lies := []struct {
		name string
		tell func(accepted, rejected *coretest.Step)
	}{
		{"another code", func(_, rejected *coretest.Step) { rejected.Code = core.ErrStateRoot }},
		{"no verdict", func(_, rejected *coretest.Step) {
			rejected.Verdict, rejected.Code = coretest.Accepted, ""
		}},
		{"deferred", func(_, rejected *coretest.Step) {
			rejected.Verdict, rejected.Code = coretest.Deferred, core.ErrNewRules
		}},
		{"another tip", func(accepted, _ *coretest.Step) { accepted.Tip = core.Hash{1} }},
		{"another state", func(accepted, _ *coretest.Step) { accepted.State = core.Hash{1} }},
	}
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			if err := w.tell(t, &record{all: &records{}}, newScript(t, truth)); err != nil {
				t.Fatalf("the story as it is: %v", err)
			}
			for _, l := range lies {
				sc := newScript(t, truth)
				l.tell(&sc.steps[1], &sc.steps[2])
				err := w.tell(t, &record{all: &records{}}, sc)
				if err == nil {
					t.Errorf("%s: nothing is noticed", l.name)
				}
				t.Logf("%s: %v", l.name, err)
			}
		})
	}
}
