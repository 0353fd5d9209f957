package mempool

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
)

// TestSpecification holds the tables of docs/spec/pool.md to the source: codes,
// reasons and limits, and none besides.
func TestSpecification(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec", "pool.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	told := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(pool-[a-z-]+)` \\| `(Err[A-Za-z]+)` \\|").FindAllStringSubmatch(page, -1) {
		told[m[2]] = m[1]
	}
	for _, m := range regexp.MustCompile("(?m)^\\| [^|]+ \\| ([0-9,]+) ?([^|]*)\\| `(Default[A-Za-z]+)` \\|").FindAllStringSubmatch(page, -1) {
		n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		unit, _, _ := strings.Cut(strings.TrimSpace(m[2]), " ")
		told[m[3]] = strconv.Itoa(n * map[string]int{"": 1, "grains": 1, "each": 1, "KiB": 1 << 10, "MiB": 1 << 20, "min": 60_000, "h": 3_600_000}[unit])
	}
	reasons := map[string]bool{}
	_, table, _ := strings.Cut(page, "| Reason |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		reasons[m[1]] = true
	}
	for name, value := range constants(t) {
		switch {
		case strings.HasPrefix(name, "Err"), strings.HasPrefix(name, "Default"):
			if told[name] != value {
				t.Errorf("%s is %s, pool.md says %q", name, value, told[name])
			}
			delete(told, name)
		case strings.HasPrefix(name, "Reason "):
			if !reasons[value] {
				t.Errorf("pool.md does not have the reason %s", value)
			}
			delete(reasons, value)
		}
	}
	for name := range told {
		t.Errorf("pool.md has %s, the package does not", name)
	}
	for name := range reasons {
		t.Errorf("pool.md has the reason %s, the package does not", name)
	}
}

// constants are the exported ones of the package, by their names; reasons are
// marked. Their values stand here, and their names are compared with the source.
func constants(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for name, code := range map[string]core.Code{
		"ErrFeeLow": ErrFeeLow, "ErrFull": ErrFull, "ErrTooManyAncestors": ErrTooManyAncestors, "ErrTooManyDescendants": ErrTooManyDescendants,
		"ErrTooManyCoins": ErrTooManyCoins, "ErrReplaceFee": ErrReplaceFee, "ErrReplaceMany": ErrReplaceMany,
		"ErrReplaceNewParent": ErrReplaceNewParent, "ErrReplaceOwnParent": ErrReplaceOwnParent,
	} {
		values[name] = string(code)
	}
	for name, n := range map[string]int{
		"DefaultMinFeeRate": int(DefaultMinFeeRate), "DefaultReplaceBump": int(DefaultReplaceBump), "DefaultMemory": DefaultMemory, "DefaultMaxBytes": DefaultMaxBytes, "DefaultMaxTxs": DefaultMaxTxs,
		"DefaultMaxAncestors": DefaultMaxAncestors, "DefaultMaxDescendants": DefaultMaxDescendants, "DefaultMaxRelativeBytes": DefaultMaxRelativeBytes,
		"DefaultMaxReplaced": DefaultMaxReplaced, "DefaultExpiry": DefaultExpiry, "DefaultFloorHalfLife": DefaultFloorHalfLife,
		"DefaultMaxOrphans": DefaultMaxOrphans, "DefaultMaxOrphanBytes": DefaultMaxOrphanBytes, "DefaultMaxPeerOrphans": DefaultMaxPeerOrphans,
		"DefaultMaxPeerOrphanBytes": DefaultMaxPeerOrphanBytes, "DefaultOrphanExpiry": DefaultOrphanExpiry, "DefaultMaxHistory": DefaultMaxHistory,
	} {
		values[name] = strconv.Itoa(n)
	}
	for name, r := range map[string]Reason{
		"Confirmed": Confirmed, "Conflict": Conflict, "CoinGone": CoinGone, "Immature": Immature, "Replaced": Replaced,
		"Evicted": Evicted, "Expired": Expired, "Unwanted": Unwanted, "ByOperator": ByOperator,
	} {
		values["Reason "+name] = string(r)
	}
	for name, is := range map[string]string{"errors.go": "", "policy.go": "", "history.go": "Reason "} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].IsExported() && v.Names[0].Name != "RateBytes" && v.Names[0].Name != "ErrPolicy" && values[is+v.Names[0].Name] == "" {
				t.Errorf("%s has %s, which this test does not know", name, v.Names[0].Name)
			}
			return true
		})
	}
	return values
}
