package cases

import (
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

var headers = []Case{
	{
		ID: "H01", Name: "hash above the target", Rule: "work 7",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> bad
			//              \-> b2
			s.Chain.Chain("b", coretest.Genesis, 2)
			s.Next("bad", "b1", func(d *coretest.Draft) {
				d.KeepNonce = true
				target, _ := core.TargetFromBits(d.Header.Bits)
				d.Header.MerkleRoot = core.MerkleRoot([]core.Hash{core.MerkleLeaf(d.Txs[0].ID(), d.Txs[0].WitnessID())})
				for core.HashMeetsTarget(d.Header.ID(), &target) {
					d.Header.Nonce++
				}
			})
			s.Accepted("b1")
			s.Rejected("bad", core.ErrWork)
			s.Accepted("b2")
		},
	},
}
