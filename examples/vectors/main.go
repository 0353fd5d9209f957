// Vectors checks an implementation of Ingchain's formats and rules that was
// written from docs/spec alone against the test vectors in docs/spec/vectors.
// It shares no code with the node: it is a judge of the specification (whatever
// it needs, the pages must say), and a short example of a second
// implementation. It is written to be read, not to be fast.
//
//	go run . ../../docs/spec/vectors
//
// It prints a line for each file and exits with 1 if an expectation fails.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// checkers has a function for each vector file; the format of each file is
// described in docs/spec/vectors/README.md.
var checkers = []struct {
	file  string
	check func(*tally, []byte)
}{
	{"header.json", checkHeaders},
	{"transaction.json", checkTransactions},
	{"signature.json", checkSignatures},
	{"address.json", checkAddresses},
	{"merkle.json", checkMerkle},
	{"block.json", checkBlocks},
	{"target.json", checkTargets},
	{"retarget.json", checkRetargets},
	{"coinset.json", checkCoinSets},
	{"history.json", checkHistory},
	{"network.json", checkNetworks},
	{"chain.json", checkChains},
	{"sync.json", checkSync},
	{"gossip.json", checkGossip},
	{"batch.json", checkBatches},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: vectors DIRECTORY (docs/spec/vectors of the repository)")
		os.Exit(2)
	}
	ok := true
	for _, c := range checkers {
		t := &tally{file: c.file}
		if raw, err := os.ReadFile(filepath.Join(os.Args[1], c.file)); err != nil {
			t.ok(false, "%v", err)
		} else {
			c.check(t, raw)
		}
		fmt.Printf("%-17s checked %4d, failed %d\n", t.file, t.checked, t.failed)
		ok = ok && t.failed == 0 && t.checked > 0
	}
	if !ok {
		os.Exit(1)
	}
}

// tally counts the expectations of one file.
type tally struct {
	file            string
	checked, failed int
}

func (t *tally) ok(good bool, format string, args ...any) {
	t.checked++
	if !good {
		t.failed++
		fmt.Printf("%s: %s\n", t.file, fmt.Sprintf(format, args...))
	}
}

// same compares what came out with what the file expects.
func same[T comparable](t *tally, name, what string, got, want T) {
	t.ok(got == want, "%s: %s is %v, want %v", name, what, got, want)
}

// load parses a vector file; a key that the program does not know is an error,
// so that no expectation goes unchecked.
func load(t *tally, raw []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.ok(false, "%v", err)
	}
}

// about is what every file begins with.
type about struct {
	Comment, Page string
}

// hexBytes is a byte string in lower-case hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func (h hexBytes) String() string { return hex.EncodeToString(h) }

// hash is 32 bytes, written in their order.
type hash [32]byte

func (h *hash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err == nil && len(b) != len(h) {
		err = fmt.Errorf("a hash of %d bytes", len(b))
	}
	copy(h[:], b)
	return err
}

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// malformed are bytes that must not parse. The reason is for people.
type malformed struct {
	Name, Reason string
	Bytes        hexBytes
}
