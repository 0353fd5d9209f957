package signature

import (
	"compress/gzip"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"filippo.io/edwards25519"
	"github.com/hdevalence/ed25519consensus"
)

// triple is a signature of a message of any size. A transaction's message is
// always a digest of 32 bytes; the vectors of others are not.
type triple struct {
	key, message, sig []byte
}

// together is the verdict on several at once.
func together(ts []triple) *Refusal {
	return verifyAll(len(ts), func(i int) (key, message, sig []byte) { return ts[i].key, ts[i].message, ts[i].sig })
}

// hexString is bytes in JSON.
type hexString []byte

func (h *hexString) UnmarshalJSON(b []byte) (err error) {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*h, err = hex.DecodeString(s)
	return err
}

// load reads a compressed file of vectors.
func load(t *testing.T, name string, into any) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// order is that of the group: 2^252 + 2774…493.
var order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// bySpec judges by docs/spec/transaction.md's four points and with another
// library's arithmetic: no batch, and no code in common with this package.
func bySpec(v triple) (key, good bool) {
	if len(v.sig) != SignatureSize {
		return true, false
	}
	identity := edwards25519.NewIdentityPoint()
	a, err := new(edwards25519.Point).SetBytes(v.key)
	if err != nil || new(edwards25519.Point).MultByCofactor(a).Equal(identity) == 1 {
		return false, false
	}
	r, err := new(edwards25519.Point).SetBytes(v.sig[:32])
	if err != nil {
		return true, false
	}
	le := slices.Clone(v.sig[32:])
	slices.Reverse(le)
	if new(big.Int).SetBytes(le).Cmp(order) >= 0 {
		return true, false
	}
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(v.sig[32:])
	if err != nil {
		return true, false
	}
	hash := sha512.Sum512(slices.Concat(v.sig[:32], v.key, v.message))
	k, err := new(edwards25519.Scalar).SetUniformBytes(hash[:])
	if err != nil {
		return true, false
	}
	// [8]([S]B - R - [k]A) = 0
	diff := new(edwards25519.Point).ScalarBaseMult(s)
	diff.Subtract(diff, r)
	diff.Subtract(diff, new(edwards25519.Point).ScalarMult(k, a))
	return true, diff.MultByCofactor(diff).Equal(identity) == 1
}

// judge checks that a signature has one verdict, single and in batches: with
// itself, and among up to 100 good ones at a random place.
func judge(t *testing.T, name string, v triple, good []triple, rng *rand.Rand, want bool) {
	t.Helper()
	key, byS := bySpec(v)
	if byS != want {
		t.Errorf("%s: %v by the specification, want %v", name, byS, want)
	}
	if got := verify(v.key, v.message, v.sig); got != want {
		t.Errorf("%s: alone %v, want %v", name, got, want)
	}
	if got := validKey(v.key); got != key {
		t.Errorf("%s: key %v, want %v", name, got, key)
	}
	check := func(how string, ts []triple) {
		t.Helper()
		got := together(ts)
		if (got == nil) != want || (got != nil && got.Key == key) {
			t.Errorf("%s: %s %+v, want good %v, key %v", name, how, got, want, key)
		}
	}
	check("alone", []triple{v})
	check("a batch of itself", []triple{v, v, v, v})
	n := 2 + rng.IntN(99)
	among := append(slices.Clone(good[:n-1]), v)
	at := rng.IntN(n)
	among[at], among[n-1] = among[n-1], among[at]
	check(fmt.Sprintf("number %d of %d", at, n), among)
}

func goodOnes(n int) (ts []triple) {
	for _, it := range signed(n) {
		ts = append(ts, triple{it.PublicKey[:], slices.Clone(it.Message[:]), it.Signature[:]})
	}
	return ts
}

// The public edge cases: keys and R of small order, with a component of small
// order, and not canonical. Each satisfies the equation that multiplies by the
// cofactor, so ZIP-215 passes every one; the flag LowOrderA, which the vectors
// carry, says which of them we refuse.
func TestEdgeCaseVectors(t *testing.T) {
	var vs []struct {
		A, R, S hexString
		M       string
		Flags   []string
	}
	load(t, "ed25519vectors.json.gz", &vs)
	if len(vs) != 768 {
		t.Fatalf("%d vectors, want 768", len(vs))
	}
	rng, good := rand.New(rand.NewPCG(1, 2)), goodOnes(100)
	var passed []triple
	for i, v := range vs {
		name := fmt.Sprintf("vector %d %v", i, v.Flags)
		tr := triple{v.A, []byte(v.M), slices.Concat(v.R, v.S)}
		want := !slices.Contains(v.Flags, "LowOrderA")
		if !ed25519consensus.Verify(tr.key, tr.message, tr.sig) {
			t.Errorf("%s: ZIP-215 refuses it", name)
		}
		judge(t, name, tr, good, rng, want)
		if want {
			passed = append(passed, tr)
		}
		tr.message = append(tr.message, '!')
		if verify(tr.key, tr.message, tr.sig) {
			t.Errorf("%s: good for another message", name)
		}
	}
	if r := together(passed); r != nil || len(passed) != 300 {
		t.Errorf("%d vectors to pass, together %+v", len(passed), r)
	}
}

// Project Wycheproof's, which RFC 8032 decides; none of them is where ZIP-215
// differs from it.
func TestWycheproofVectors(t *testing.T) {
	var file struct {
		TestGroups []struct {
			Key   struct{ PK hexString }
			Tests []struct {
				TCID    int
				Comment string
				Msg     hexString
				Sig     hexString
				Result  string
			}
		}
	}
	load(t, "wycheproof_eddsa.json.gz", &file)
	rng, good := rand.New(rand.NewPCG(3, 4)), goodOnes(100)
	n := 0
	for _, g := range file.TestGroups {
		for _, tc := range g.Tests {
			n++
			v := triple{g.Key.PK, tc.Msg, tc.Sig}
			judge(t, fmt.Sprintf("test %d %s", tc.TCID, tc.Comment), v, good, rng, tc.Result == "valid")
		}
	}
	if n != 145 {
		t.Errorf("%d tests, want 145", n)
	}
}
