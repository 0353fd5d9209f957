package signature

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
)

// signed returns n good signatures by n keys over n messages.
func signed(n int) []Item {
	items := make([]Item, n)
	for i := range items {
		seed := sha256.Sum256(binary.LittleEndian.AppendUint32([]byte("key"), uint32(i)))
		message := sha256.Sum256(seed[:])
		key, sig := PublicKey(&seed), Sign(&seed, message)
		items[i] = Item{PublicKey: &key, Message: message, Signature: &sig}
	}
	return items
}

// anyones is a signature that would be good for every message if keys of small
// order were let pass: key and R the identity, S = 0.
func anyones() Item {
	return Item{PublicKey: &[PublicKeySize]byte{1}, Signature: &[SignatureSize]byte{1}}
}

// noPoint is a key that no point of the curve has: y = 2.
func noPoint() Item {
	return Item{PublicKey: &[PublicKeySize]byte{2}, Signature: &[SignatureSize]byte{1}}
}

// altered is a good signature of another message.
func altered(it Item) Item {
	it.Message[0] ^= 1
	return it
}

func TestRefusals(t *testing.T) {
	many := signed(MaxBatch + minBatch)
	put := func(n int, at int, its ...Item) []Item {
		items := slices.Clone(many[:n])
		copy(items[at:], its)
		return items
	}
	for _, tc := range []struct {
		name  string
		items []Item
		want  *Refusal
	}{
		{"none", nil, nil},
		{"one", put(1, 0), nil},
		{"few", put(minBatch-1, 0), nil},
		{"a batch", put(minBatch, 0), nil},
		{"more than a batch", many, nil},
		{"one bad", put(1, 0, altered(many[0])), &Refusal{Index: 0}},
		{"the last of few", put(minBatch-1, minBatch-2, altered(many[0])), &Refusal{Index: minBatch - 2}},
		{"the first of two", put(3, 1, altered(many[1]), altered(many[2])), &Refusal{Index: 1}},
		{"one of a batch", put(minBatch, 0, altered(many[0])), &Refusal{Index: -1}},
		{"the last of a batch", put(50, 49, altered(many[49])), &Refusal{Index: -1}},
		{"behind a batch", put(len(many), MaxBatch+1, altered(many[MaxBatch+1])), &Refusal{Index: -1}},
		{"the last of a whole batch", put(len(many), MaxBatch-1, altered(many[MaxBatch-1])), &Refusal{Index: -1}},
		{"the first of few behind a batch", put(MaxBatch+2, MaxBatch, altered(many[MaxBatch])), &Refusal{Index: MaxBatch}},
		{"the last of few behind a batch", put(MaxBatch+2, MaxBatch+1, altered(many[MaxBatch+1])), &Refusal{Index: MaxBatch + 1}},
		{"identity as key", put(1, 0, anyones()), &Refusal{Key: true, Index: 0}},
		{"no point as key", put(2, 1, noPoint()), &Refusal{Key: true, Index: 1}},
		{"a key in a batch", put(10, 7, anyones()), &Refusal{Key: true, Index: 7}},
		{"a key before a signature", put(10, 4, noPoint(), altered(many[5])), &Refusal{Key: true, Index: 4}},
		{"a key behind a signature", put(3, 0, altered(many[0]), anyones()), &Refusal{Key: true, Index: 1}},
		{"a key behind a signature of a batch", put(20, 3, altered(many[3]), noPoint(), anyones()), &Refusal{Key: true, Index: 4}},
		{"a key in the batch behind", put(len(many), MaxBatch-1, altered(many[0]), many[1], anyones()), &Refusal{Key: true, Index: MaxBatch + 1}},
	} {
		got := VerifyAll(tc.items)
		if (got == nil) != (tc.want == nil) || (got != nil && *got != *tc.want) {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestSignThenVerify(t *testing.T) {
	it := signed(1)[0]
	if !Verify(it) || !ValidKey(it.PublicKey) || Verify(altered(it)) {
		t.Error("a good signature is refused, or an altered one passes")
	}
	for name, it := range map[string]Item{"identity": anyones(), "no point": noPoint()} {
		if Verify(it) || ValidKey(it.PublicKey) {
			t.Errorf("%s is a key", name)
		}
	}
}
