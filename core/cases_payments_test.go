package core_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// judgePayments judges every payment of a story's blocks alone, as the pool
// does, and compares with the verdict on the block: what a block is refused for
// by its bytes, when it is not the coinbase's or the whole block's matter, is
// what some payment of it is refused for, and else none is.
func judgePayments(t *testing.T, s *coretest.Story) {
	t.Helper()
	for i := range s.Steps {
		st := &s.Steps[i]
		b, err := core.ParseBlock(st.Bytes)
		if err != nil || st.Culprit != b.ID() {
			continue
		}
		var codes []core.Code
		for j := 1; j < len(b.Txs); j++ {
			if code := core.CodeOf(s.Rules.CheckTx(&b.Txs[j])); code != "" {
				codes = append(codes, code)
			}
		}
		switch {
		case st.Verdict == coretest.Accepted, strings.HasPrefix(string(st.Code), "connect-"):
			if len(codes) > 0 {
				t.Errorf("%s: %q, but payments of it fail alone: %v", st.Name, st.Code, codes)
			}
		case slices.Contains(paymentCodes, st.Code) && !slices.Contains(codes, st.Code):
			t.Errorf("%s: %q, but of its payments alone: %v", st.Name, st.Code, codes)
		}
	}
}

// paymentCodes are those that neither a coinbase nor a whole block can fail
// with. An extra coinbase is no payment.
var paymentCodes = []core.Code{
	core.ErrTxNoOutputs, core.ErrTxData, core.ErrTxOwnerOrder, core.ErrTxDoubleIn, core.ErrTxKeyTwice, core.ErrTxKey, core.ErrTxSignature,
}
