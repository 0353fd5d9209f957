package wallet

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxMnemonicText bounds the text that [ParseMnemonic] reads, in bytes: 24
	// Korean words in their longest form take less than half of it.
	MaxMnemonicText = 4096
	// MaxPassphrase bounds a passphrase added to the words, in bytes.
	MaxPassphrase = 1024
	// SeedSize is the size of a seed, in bytes (BIP-39).
	SeedSize = 64

	seedRounds   = 2048 // rounds of PBKDF2 (BIP-39)
	bitsPerWord  = 11
	shortWords   = 12 // words of 16 bytes of entropy
	longWords    = 24 // words of 32 bytes of entropy
	shortEntropy = 16 // bytes
	longEntropy  = 32 // bytes
)

// Errors of [ParseMnemonic] and [NewMnemonic], for errors.Is. None of them
// holds a word that was given.
var (
	// ErrWordCount means another number of words than 12 or 24.
	ErrWordCount = errors.New("a seed has 12 or 24 words")
	// ErrWord means a word that is not in the list; see [WordError].
	ErrWord = errors.New("unknown word")
	// ErrChecksum means words of the list that don't belong together.
	ErrChecksum = errors.New("the words are all in the list, but their checksum is wrong: is one of them another word, or are two in the wrong order?")
	// ErrMnemonicText means text that is too long or not UTF-8.
	ErrMnemonicText = errors.New("not the words of a seed")
	// ErrPassphraseText means a passphrase that is too long or not UTF-8.
	ErrPassphraseText = errors.New("bad passphrase")
)

// WordError names the place of a word that is not in the list. It doesn't hold
// the word.
type WordError struct {
	// Position is the word's place, from 1.
	Position int
	// Language is the one that the other words are of.
	Language Language
	// Near are words of the list that differ in one or two letters, the nearest
	// first; at most five.
	Near []string
}

// Error implements error.
func (e *WordError) Error() string {
	s := fmt.Sprintf("word %d is not in the %s list", e.Position, e.Language)
	if len(e.Near) > 0 {
		s += ": did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s
}

// Unwrap lets errors.Is find [ErrWord].
func (e *WordError) Unwrap() error { return ErrWord }

// Mnemonic is a seed as words (BIP-39): 12 or 24 of one language's list. Its
// checksum is right. The zero value has no words.
type Mnemonic struct {
	redacted
	box box[mnemonic]
}

type mnemonic struct {
	language Language
	words    []int // indexes in the list
}

// NewMnemonic writes 16 or 32 random bytes as 12 or 24 words.
func NewMnemonic(entropy []byte, l Language) (Mnemonic, error) {
	if len(entropy) != shortEntropy && len(entropy) != longEntropy {
		return Mnemonic{}, fmt.Errorf("%w: %d bytes of entropy, want %d or %d", ErrWordCount, len(entropy), shortEntropy, longEntropy)
	}
	if !l.valid() {
		return Mnemonic{}, fmt.Errorf("%w: no words of language %d", ErrMnemonicText, l)
	}
	// A bit of checksum for each four bytes: the first bits of the hash.
	sum := sha256.Sum256(entropy)
	bits := append(append([]byte(nil), entropy...), sum[0])
	m := &mnemonic{language: l, words: make([]int, len(entropy)*3/4)}
	for i := range m.words {
		for b := i * bitsPerWord; b < (i+1)*bitsPerWord; b++ {
			m.words[i] = m.words[i]<<1 | int(bits[b/8]>>(7-b%8)&1)
		}
	}
	clear(bits)
	return Mnemonic{box: boxed(m)}, nil
}

// ParseMnemonic reads the words of a seed. It tells the language, and takes
// upper case, any white space between words (the ideographic one too) and any
// Unicode form. An error is [ErrWordCount], a [WordError], [ErrChecksum] or
// [ErrMnemonicText].
func ParseMnemonic(text string) (Mnemonic, error) {
	if len(text) > MaxMnemonicText || !utf8.ValidString(text) {
		return Mnemonic{}, fmt.Errorf("%w: want at most %d bytes of UTF-8", ErrMnemonicText, MaxMnemonicText)
	}
	words := strings.Fields(strings.ToLower(norm.NFKD.String(text)))
	if len(words) != shortWords && len(words) != longWords {
		return Mnemonic{}, fmt.Errorf("%w, not %d", ErrWordCount, len(words))
	}
	l := languageOf(words)
	m := &mnemonic{language: l, words: make([]int, len(words))}
	for i, w := range words {
		index := l.index(w)
		if index < 0 {
			return Mnemonic{}, &WordError{Position: i + 1, Language: l, Near: l.near(w)}
		}
		m.words[i] = index
	}
	entropy, sum := m.split()
	defer clear(entropy)
	want := sha256.Sum256(entropy)
	if checksumBits := len(entropy) / 4; sum != want[0]>>(8-checksumBits) {
		return Mnemonic{}, ErrChecksum
	}
	return Mnemonic{box: boxed(m)}, nil
}

// split returns the entropy and the bits of checksum behind it.
func (m *mnemonic) split() (entropy []byte, sum byte) {
	entropy = make([]byte, len(m.words)*4/3)
	for b := range len(m.words) * bitsPerWord {
		bit := byte(m.words[b/bitsPerWord]>>(bitsPerWord-1-b%bitsPerWord)) & 1
		if b < 8*len(entropy) {
			entropy[b/8] |= bit << (7 - b%8)
		} else {
			sum = sum<<1 | bit
		}
	}
	return entropy, sum
}

// IsZero reports whether there are no words.
func (m Mnemonic) IsZero() bool { return m.box.get() == nil }

// Language returns the language of the words; without words, English.
func (m Mnemonic) Language() Language {
	if m.IsZero() {
		return English
	}
	return m.box.get().language
}

// Reveal returns the words, composed (NFC) as a person types them. What it
// returns must go neither to a log, an error nor an argument list.
func (m Mnemonic) Reveal() []string {
	if m.IsZero() {
		return nil
	}
	data := m.box.get()
	words := make([]string, len(data.words))
	for i, index := range data.words {
		words[i] = norm.NFC.String(data.language.list()[index])
	}
	return words
}

// Seed returns what keys are made of: PBKDF2-HMAC-SHA512 of words and
// passphrase, both NFKD-normalised (BIP-39). Another passphrase gives another
// seed; none is wrong, so a mistyped one shows only as other addresses.
func (m Mnemonic) Seed(p Passphrase) (Seed, error) {
	pass := p.Reveal()
	if len(pass) > MaxPassphrase || !utf8.ValidString(pass) {
		return Seed{}, fmt.Errorf("%w: want at most %d bytes of UTF-8", ErrPassphraseText, MaxPassphrase)
	}
	if m.IsZero() {
		return Seed{}, fmt.Errorf("%w: no words", ErrMnemonicText)
	}
	sentence := norm.NFKD.String(strings.Join(m.Reveal(), " "))
	salt := []byte("mnemonic" + norm.NFKD.String(pass))
	raw, err := pbkdf2.Key(sha512.New, sentence, salt, seedRounds, SeedSize)
	if err != nil {
		return Seed{}, fmt.Errorf("make seed of words: %w", err)
	}
	defer clear(raw)
	return NewSeed(raw)
}

// Wipe overwrites the words in memory. Copies of m are empty afterwards, too.
func (m Mnemonic) Wipe() {
	if data := m.box.get(); data != nil {
		clear(data.words)
		data.words = nil
	}
}
