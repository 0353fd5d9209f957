// Package floorplan holds the layers of the project to their order: imports go
// downward only. The table is the one in docs/architecture.md.
package floorplan

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ingchain/ingchain"

// floor says what one package may import. A path of our own is written without
// the module's; what ends in /... stands for a whole tree. The standard library
// is allowed but for what forbidStd names.
type floor struct {
	pkg       string
	may       []string
	forbidStd []string
	why       string
}

// pure is what a package without clock, disk, network and goroutines must not
// reach for.
var pure = []string{"context", "os", "io/fs", "net", "net/http", "time", "log", "log/slog", "sync", "path/filepath", "math/rand", "math/rand/v2"}

var libp2p = []string{
	"github.com/libp2p/go-libp2p/...", "github.com/libp2p/go-libp2p-pubsub/...", "github.com/multiformats/go-multiaddr/...", "github.com/multiformats/go-multistream",
}

var plan = []floor{
	{pkg: "core/canon", forbidStd: pure, why: "bytes and integers only"},
	{pkg: "core", may: []string{"core/canon", "core/signature", "github.com/btcsuite/btcd/btcutil/bech32", "github.com/holiman/uint256", "lukechampine.com/blake3/guts"},
		forbidStd: pure, why: "rules are pure values, so that a verdict depends on the bytes alone"},
	{pkg: "core/signature", may: []string{"github.com/oasisprotocol/curve25519-voi/..."}, forbidStd: pure,
		why: "the one place that knows the signature library"},
	{pkg: "core/signature/sigcache", may: []string{"core/signature"}, why: "remembers signatures; core says which are good"},
	{pkg: "core/coretest", may: []string{"core", "core/signature", "filippo.io/edwards25519"}, why: "a generator for tests of the rules"},
	{pkg: "core/coretest/cases", may: []string{"core", "core/coretest", "core/signature"}, why: "the stories that the rules are tested with"},
	{pkg: "internal/reference", may: []string{"filippo.io/edwards25519", "lukechampine.com/blake3"}, why: "judges by the specification, and shares no code with what it is compared with"},
	{pkg: "chain", may: []string{"core", "core/signature", "core/signature/sigcache", "chain/mempool", "chain/mempool/journal", "golang.org/x/sync/..."}, why: "the chain knows the rules and a Store, not who asks"},
	{pkg: "chain/mempool", may: []string{"core"}, forbidStd: pure, why: "policy is a value: time is passed in"},
	{pkg: "chain/mempool/journal", may: []string{"core", "internal/atomicfile"}, why: "a file of payments; knows no pool"},
	{pkg: "chain/internal/failstop", may: []string{"chain", "github.com/cockroachdb/pebble/v2/..."}, why: "what both stores on disk do when it fails"},
	{pkg: "chain/internal/fulldisk", may: []string{"github.com/cockroachdb/pebble/v2/..."}, why: "a disk for their tests"},
	{pkg: "chain/pebbledb", may: []string{"core", "chain", "chain/internal/failstop", "internal/atomicfile", "github.com/cockroachdb/pebble/v2/...", "github.com/gofrs/flock"}, why: "the Store on disk"},
	{pkg: "chain/miner", may: []string{"core", "chain", "github.com/holiman/uint256"}, why: "finds blocks; the chain judges them"},
	{pkg: "chain/index", may: []string{"core", "chain", "chain/internal/failstop", "github.com/cockroachdb/pebble/v2/..."}, why: "reads the chain's feed into tables of its own"},
	{pkg: "protocol/wire", may: []string{"core", "core/canon"}, why: "bytes only"},
	{pkg: "protocol/plan", may: []string{"core"}, forbidStd: []string{"context", "os", "net", "log", "log/slog", "sync"}, why: "decides without I/O"},
	{pkg: "protocol", may: append([]string{"core", "chain/mempool", "protocol/wire", "protocol/plan", "golang.org/x/sync/...", "golang.org/x/time/rate"}, libp2p...), why: "speaks to peers"},
	{pkg: "protocol/internal/fakechain", may: []string{"core", "chain/mempool"}, why: "a chain and a pool in memory for the protocol's tests"},
	{pkg: "host", may: append([]string{"internal/atomicfile", "github.com/prometheus/client_golang/prometheus", "golang.org/x/time/rate"}, libp2p...), why: "the libp2p host knows no chain"},
	{pkg: "discovery", may: append([]string{"internal/atomicfile", "github.com/libp2p/zeroconf/v2", "github.com/miekg/dns"}, libp2p...), why: "finds peers; a network is a string to it"},
	{pkg: "wallet", may: []string{"core", "core/signature", "github.com/tyler-smith/go-bip39/wordlists", "golang.org/x/text/unicode/norm"},
		forbidStd: append([]string{"crypto/rand"}, pure...), why: "keys and payments are pure values; the library's own functions share a list that anybody can set"},
	{pkg: "wallet/keystore", may: []string{"core", "wallet", "internal/atomicfile", "filippo.io/age", "github.com/gofrs/flock"}, why: "the wallet's files"},
	{pkg: "api", may: []string{"core", "wallet", "internal/atomicfile", "github.com/go-json-experiment/json/...", "golang.org/x/time/rate", "golang.org/x/net/netutil"}, why: "serves a Backend; does not know the node"},
	{pkg: "node", may: append([]string{"core", "chain", "chain/mempool", "chain/index", "chain/pebbledb", "chain/miner", "protocol", "discovery", "host", "api", "internal/atomicfile", "golang.org/x/sync/..."}, libp2p...), why: "the only place that knows everyone"},
	{pkg: "cmd/ingchain", may: []string{"core", "wallet", "wallet/keystore", "api", "node",
		"github.com/spf13/...", "github.com/lmittmann/tint", "github.com/pelletier/go-toml/v2", "github.com/knadh/koanf/...", "github.com/mattn/...",
		"github.com/adrg/xdg", "golang.org/x/term", "github.com/multiformats/go-multiaddr", "github.com/libp2p/go-libp2p/gologshim"}, why: "flags, signals and verbs over the API client"},
	{pkg: "internal/killtest", may: []string{"golang.org/x/sys/unix"}, why: "kills processes of tests, and fills disks"},
	{pkg: "internal/atomicfile", may: nil, why: "replaces small files safely"},
}

// anything lists packages that may import what they like: tests' own tools and
// programs that nobody imports.
var anything = []string{"internal/lab", "internal/lab/scenario", "internal/load", "internal/difficultysim", "internal/conformance", "internal/mutation", "internal/floorplan", "internal/doccheck", "internal/fuzzing", "internal/simulation", "examples/..."}

func TestImportsGoDownward(t *testing.T) {
	for pkg, imports := range imports(t) {
		f := floorOf(pkg)
		if f == nil {
			if !matches(pkg, anything) {
				t.Errorf("package %s has no row in the floor plan: add one here and in docs/architecture.md", pkg)
			}
			continue
		}
		for _, imp := range imports {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok {
				imp = own
			} else if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") { // standard library
				if slices.Contains(f.forbidStd, imp) {
					t.Errorf("%s imports %s: %s", pkg, imp, f.why)
				}
				continue
			}
			if !matches(imp, f.may) {
				t.Errorf("%s imports %s: %s", pkg, imp, f.why)
			}
		}
	}
}

func floorOf(pkg string) *floor {
	for i := range plan {
		if plan[i].pkg == pkg {
			return &plan[i]
		}
	}
	return nil
}

func matches(path string, patterns []string) bool {
	for _, p := range patterns {
		if tree, ok := strings.CutSuffix(p, "/..."); ok && (path == tree || strings.HasPrefix(path, tree+"/")) || path == p {
			return true
		}
	}
	return false
}

// imports maps each package of the module, by its path inside, to what its
// non-test files import.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	noteSources(t)
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		all[strings.TrimPrefix(fields[0], module+"/")] = fields[1:]
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// noteSources looks at every source file, so that go test takes no result from its
// cache that was found before one changed: what go list reads, it does not see.
func noteSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "..":
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatalf("look at the sources: %v", err)
	}
}

func TestTheTableItselfPointsDownward(t *testing.T) {
	for _, f := range plan {
		for _, m := range f.may {
			if f2 := floorOf(m); f2 != nil && slices.Contains(f2.may, f.pkg) {
				t.Errorf("%s and %s may import each other", f.pkg, m)
			}
		}
	}
}
