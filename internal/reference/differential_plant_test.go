package reference

import "testing"

// plantLimit is how many executions a planted bug may take to be found. Most take
// less than a hundred; with -v the test says how many each took.
const plantLimit = 20_000

// plants are bugs of the model's: a rule that is not checked, a number that is
// off by one, or what the name says. Left out are rules that others imply, so
// that nothing differs without them (tx 4, tx 9, a fee alone above 2^53 − 1), and
// what no block can reach (TestDifferentialRetarget has it).
var plants = []plant{
	{name: "encoding data"}, {name: "encoding canonical"}, {name: "leaf without witness"},
	{name: "header 1"}, {name: "header 2"},
	{name: "work 1"}, {name: "work 2"}, {name: "work 3"}, {name: "work 3 for nothing"}, {name: "work 4"},
	{name: "work 5"}, {name: "time", by: 1}, {name: "time", by: -1}, {name: "work 6"}, {name: "work 7"},
	{name: "work future"}, {name: "future limit", by: 1}, {name: "future limit", by: -1},
	{name: "retarget start", by: 1}, {name: "retarget start", by: -1}, {name: "ramp divisor", by: 1}, {name: "ramp divisor", by: -1},
	{name: "no ramp"}, {name: "work delta cap"}, {name: "work clamp limit"}, {name: "retarget cut to 256 bits"},
	{name: "higher id wins"},
	{name: "halving height", by: 1}, {name: "halving height", by: -1}, {name: "subsidy rounds up"},
	{name: "block 1"}, {name: "block 2"}, {name: "block 3"}, {name: "block size", by: 1}, {name: "block size", by: -1},
	{name: "block 5 first"}, {name: "block 5 extra"}, {name: "block 6"}, {name: "block coins", by: 1}, {name: "block coins", by: -1},
	{name: "block 8"}, {name: "block 9"}, {name: "block 12"}, {name: "only the first transaction's keys before signatures"},
	{name: "tx 1"}, {name: "tx 2"}, {name: "tx size", by: 1}, {name: "tx size", by: -1}, {name: "tx 3"},
	{name: "tx 5 zero"}, {name: "tx 5 value"}, {name: "tx 5 kind"}, {name: "tx 5 sum"}, {name: "tx 6"},
	{name: "tx 7"}, {name: "tx 8"}, {name: "tx 10"},
	{name: "signature 2"}, {name: "signature 4"}, {name: "without the cofactor"}, {name: "canonical keys only"}, {name: "canonical R only"},
	{name: "coinbase 1"}, {name: "coinbase 2"}, {name: "coinbase 3"}, {name: "coinbase 4"}, {name: "coinbase 6 more"}, {name: "coinbase 6 less"},
	{name: "state 2"}, {name: "state 4"}, {name: "maturity", by: 1}, {name: "maturity", by: -1}, {name: "state 5"}, {name: "state 6"},
	{name: "state 7 less"}, {name: "state 7 more"},
	{name: "spent coins stay"}, {name: "coin height", by: 1}, {name: "coinbase coins unmarked"},
}

// TestPlantedBugsAreFound shows that the comparison can fail: with any of these
// bugs in the model it does, and soon.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range plants {
		found := newTally()
		for number := uint64(0); found.differences == 0 && found.executions < plantLimit; number++ {
			if err := exploreWorld(seeded(*seedFlag, number), number, bug, found, plantLimit); err != nil {
				t.Fatal(err)
			}
		}
		if found.differences == 0 {
			t.Errorf("%+v is not found in %d executions", bug, found.executions)
			continue
		}
		t.Logf("%6d executions to find %q by %+d: %s", found.executions, bug.name, bug.by, found.smallest.what)
	}
}
