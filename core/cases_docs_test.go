package core_test

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/coretest/cases"
)

const (
	specDir   = "../docs/spec"
	rulesPage = "../docs/rules.md"
)

// specTable is a numbered list of rules in the specification.
type specTable struct {
	name, page, heading string
}

// specTables are what cases cite by name and number, in the order of judging.
var specTables = []specTable{
	{"judge", "validation.md", "From bytes to a verdict"},
	{"header", "validation.md", "A header alone"},
	{"work", "work.md", "A header as the child of its parent"},
	{"block", "block.md", "What the bytes alone decide"},
	{"tx", "transaction.md", "What a payment's bytes alone decide"},
	{"signature", "transaction.md", "Signatures"},
	{"coinbase", "transaction.md", "Coinbase"},
	{"state", "state.md", "Connecting a block"},
}

// specSections are what cases cite by name alone.
var specSections = []specTable{
	{"target", "work.md", "Compact target"},
	{"difficulty", "work.md", "Difficulty"},
	{"best", "work.md", "The best chain"},
	{"merkle", "block.md", "Merkle root"},
	{"tx encoding", "transaction.md", "Encoding"},
	{"txid", "transaction.md", "Encoding"},
	{"signing", "transaction.md", "Encoding"},
	{"subsidy", "network.md", "Parameters"},
}

// withoutCase are the rules and codes that no story of blocks can show.
var withoutCase = map[string]string{
	"work 1":  "a node looks the parent up by this field, so that another one is judge 4 (H53); core's TestHeaderOfAnotherParent",
	"tx 0":    "in a block it is block 5; core's TestPaymentsByThemselves",
	"state 1": "it was judge 6 before",

	"header-parent":        "work 1",
	"tx-no-inputs":         "tx 0",
	"tx-malformed":         "in a block it is block-malformed; core's FuzzTransaction and the vectors",
	"tx-data":              "such bytes are none of a payment (B59); core's TestPaymentsByThemselves",
	"connect-input-sum":    "no chain has so many grains; core's TestSumsAboveTheMaximum",
	"operator-invalidated": "one operator's word, no rule; chain's tests of invalidating",
}

// matrixIDs are the numbers in use of a matrix that was put together from the
// tests of Bitcoin Core, btcd and signature libraries. Those above are our own.
var matrixIDs = map[string][]int{
	"H": {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 26, 27, 28, 30},
	"B": {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 18, 20, 22},
	"C": {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16},
	"T": {1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 24, 25, 26},
	"S": {1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19},
	"O": {1, 3, 4, 5, 6, 7, 9, 10, 12},
}

// groups are the letters of ids, in their order.
var groups = []struct{ letter, name string }{
	{"H", "headers"}, {"B", "blocks"}, {"C", "coinbases"}, {"T", "transactions"}, {"S", "signatures"}, {"O", "orders and reorganisations"},
}

func TestMatrixIsComplete(t *testing.T) {
	have := make(map[string]int)
	for _, c := range cases.All() {
		have[c.ID]++
	}
	for _, s := range cases.SkippedCases {
		have[s.ID]++
		if s.Name == "" || s.Reason == "" {
			t.Errorf("%s is skipped without a name or a reason", s.ID)
		}
	}
	for letter, numbers := range matrixIDs {
		for _, n := range numbers {
			if id := fmt.Sprintf("%s%02d", letter, n); have[id] == 0 {
				t.Errorf("%s has no case and is not skipped", id)
			}
		}
	}
	for id, n := range have {
		if n > 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
}

// A rule without a case is a rule that may go unnoticed.
func TestEveryRuleAndCodeHasACase(t *testing.T) {
	told := tell(t)
	var names []string
	for _, r := range specRules(t) {
		names = append(names, r.cite)
		for _, code := range r.codes {
			if !slices.Contains(codes(t), code) {
				t.Errorf("%s names code %s, which core/errors.go has not", r.cite, code)
			}
		}
	}
	for cite, ids := range told.byRule {
		if !slices.Contains(names, cite) {
			t.Errorf("%v cite %q, which the specification does not have", ids, cite)
		}
	}
	known := slices.Clone(names)
	for _, name := range append(names, codes(t)...) {
		known = append(known, name)
		switch reason, covered := withoutCase[name], len(told.byRule[name])+len(told.byCode[name]) > 0; {
		case !covered && reason == "":
			t.Errorf("no case shows %s", name)
		case covered && reason != "":
			t.Errorf("%s is said to have no case, but %v %v show it", name, told.byRule[name], told.byCode[name])
		}
	}
	for name := range withoutCase {
		if !slices.Contains(known, name) {
			t.Errorf("%s is no rule and no code", name)
		}
	}
}

func TestRulesPage(t *testing.T) {
	want := rulesDocument(t)
	if *update {
		if err := os.WriteFile(rulesPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(rulesPage)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/rules.md is not what the cases make (%v): go test ./core -run TestRulesPage -update", err)
	}
}

// told is what telling all cases showed: the ids of those that cite a rule, and
// of those with a delivery that came to a code.
type told struct {
	byRule, byCode map[string][]string
}

// lastTold is what tell returned, for the other test of this file.
var lastTold *told

func tell(t *testing.T) *told {
	t.Helper()
	if lastTold != nil {
		return lastTold
	}
	out := &told{byRule: make(map[string][]string), byCode: make(map[string][]string)}
	for _, c := range cases.All() {
		for cite := range strings.SplitSeq(c.Rule, ", ") {
			out.byRule[cite] = append(out.byRule[cite], c.ID)
		}
		var p *core.Params
		if c.Params != nil {
			p = c.Params()
		}
		s := coretest.NewStory(t, p)
		c.Tell(s)
		for _, st := range s.Steps {
			if code := string(st.Code); code != "" && !slices.Contains(out.byCode[code], c.ID) {
				out.byCode[code] = append(out.byCode[code], c.ID)
			}
		}
	}
	lastTold = out
	return out
}

// codes lists the constants of type Code in core/errors.go.
func codes(t *testing.T) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" && len(spec.Values) == 1 {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, code)
		}
		return true
	})
	return out
}

// specRule is one rule of the specification.
type specRule struct {
	cite  string // as cases cite it
	says  string
	codes []string
	specTable
}

var (
	specRow  = regexp.MustCompile(`^\| (\d+) \| (.*?) \| ?(.*?) ?\|`)
	specItem = regexp.MustCompile(`^(\d+)\. (.*)$`)
	specCode = regexp.MustCompile("`((?:header|block|coinbase|tx|connect)-[a-z-]+)`")
	specLink = regexp.MustCompile(`\]\(([a-z]+\.md)`)
)

// specRules reads the rules out of the pages.
func specRules(t *testing.T) (rules []specRule) {
	t.Helper()
	for _, table := range specTables {
		n := len(rules)
		for line := range strings.Lines(section(t, table)) {
			line = strings.TrimRight(line, "\n")
			r := specRule{specTable: table}
			if m := specRow.FindStringSubmatch(line); m != nil {
				r.cite, r.says = table.name+" "+m[1], m[2]
				for _, c := range specCode.FindAllStringSubmatch(m[3], -1) {
					r.codes = append(r.codes, c[1])
				}
			} else if m := specItem.FindStringSubmatch(line); m != nil {
				r.cite, r.says = table.name+" "+m[1], m[2]
			} else {
				if len(rules) > n && strings.HasPrefix(line, "   ") { // the item goes on
					rules[len(rules)-1].says += " " + strings.TrimSpace(line)
				}
				continue
			}
			r.says = specLink.ReplaceAllString(r.says, "](spec/$1")
			rules = append(rules, r)
		}
		if len(rules) == n {
			t.Fatalf("%s has no rules under %q", table.page, table.heading)
		}
	}
	for _, s := range specSections {
		section(t, s)
		rules = append(rules, specRule{cite: s.name, says: "the section “" + s.heading + "”", specTable: s})
	}
	return rules
}

// section returns what stands under a heading of a page.
func section(t *testing.T, at specTable) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(specDir, at.page))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## "+at.heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", at.page, at.heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

func rulesDocument(t *testing.T) []byte {
	told, all := tell(t), cases.All()
	var b bytes.Buffer
	b.WriteString(`# Rules and their cases

Made from the [specification](spec/README.md) and package ` + "`core/coretest/cases`" + ` by

    go test ./core -run TestRulesPage -update

A case is a story of blocks, delivered one by one to a node, with the verdict that each must get.
` + "`go test ./core -run TestRules/H01`" + ` tells one to core's functions; the tests of package ` + "`internal/conformance`" + `
tell them to whole nodes.

The numbers up to H30, B22, C16, T26, S19 and O12 are those of a matrix put together from the tests of Bitcoin Core,
btcd and signature libraries; what is missing below them, it does not use.

| Group | | Cases | Skipped |
| --- | --- | --- | --- |
`)
	for _, g := range groups {
		fmt.Fprintf(&b, "| %s | %s | %d | %d |\n", g.letter, g.name,
			count(all, func(c cases.Case) bool { return c.ID[:1] == g.letter }),
			count(cases.SkippedCases, func(s cases.Skipped) bool { return s.ID[:1] == g.letter }))
	}
	fmt.Fprintf(&b, "| | all | %d | %d |\n\n## Rules\n\n| Rule | Says | Codes | Cases |\n| --- | --- | --- | --- |\n", len(all), len(cases.SkippedCases))
	for _, r := range specRules(t) {
		codes := ""
		if len(r.codes) > 0 {
			codes = "`" + strings.Join(r.codes, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| [%s](spec/%s) | %s | %s | %s |\n", strings.ReplaceAll(r.cite, " ", " "), r.page, r.says, codes, casesOf(r.cite, told.byRule[r.cite]))
	}
	b.WriteString("\n## Codes\n\nCases in which a delivery comes to the code, whatever they are about.\n\n| Code | Cases |\n| --- | --- |\n")
	for _, code := range codes(t) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", code, casesOf(code, told.byCode[code]))
	}
	b.WriteString("\n## Skipped\n\n| Id | What | Why |\n| --- | --- | --- |\n")
	for _, s := range cases.SkippedCases {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.ID, s.Name, s.Reason)
	}
	b.WriteString("\n## Cases\n\n| Id | What is special | Rules |\n| --- | --- | --- |\n")
	slices.SortFunc(all, func(x, y cases.Case) int { return byID(x.ID, y.ID) })
	for _, c := range all {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.ID, c.Name, c.Rule)
	}
	return b.Bytes()
}

func count[T any](list []T, want func(T) bool) (n int) {
	for _, x := range list {
		if want(x) {
			n++
		}
	}
	return n
}

// casesOf lists ids, or says why there are none.
func casesOf(name string, ids []string) string {
	if len(ids) == 0 {
		return "none: " + withoutCase[name]
	}
	ids = slices.Clone(ids)
	slices.SortFunc(ids, byID)
	var out []string
	for i := 0; i < len(ids); {
		j := i
		for j+1 < len(ids) && ids[j+1][:1] == ids[i][:1] && number(ids[j+1]) == number(ids[j])+1 {
			j++
		}
		switch {
		case j-i >= 2:
			out = append(out, ids[i]+"–"+ids[j])
		default:
			out = append(out, ids[i:j+1]...)
		}
		i = j + 1
	}
	return strings.Join(out, ", ")
}

// byID compares ids by group and number.
func byID(x, y string) int {
	place := func(id string) int {
		return slices.IndexFunc(groups, func(g struct{ letter, name string }) bool { return g.letter == id[:1] })
	}
	return cmp.Or(cmp.Compare(place(x), place(y)), cmp.Compare(number(x), number(y)))
}

func number(id string) int {
	n, _ := strconv.Atoi(id[1:])
	return n
}
