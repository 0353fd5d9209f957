package wallet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"
)

const (
	maxNear      = 5  // words that an error suggests
	nearDistance = 2  // letters that a suggested word may differ in
	maxWordRunes = 32 // letters of a word worth looking for near ones
)

// Language is that of a list of words.
type Language uint8

// Languages, as BIP-39 lists them.
const (
	English Language = iota
	Korean
)

var languageNames = [...]string{English: "English", Korean: "Korean"}

// lists are the lists of BIP-39 in NFKD, taken once: the library's variables
// could be changed by anybody. Its functions are not used, since they share one
// list that anybody can set.
var lists = [...][]string{
	English: slices.Clone(wordlists.English),
	Korean:  slices.Clone(wordlists.Korean),
}

// String returns the name in English.
func (l Language) String() string {
	if !l.valid() {
		return fmt.Sprintf("language %d", uint8(l))
	}
	return languageNames[l]
}

// ParseLanguage reads "english" or "korean" in any case, or "en" or "ko".
func ParseLanguage(s string) (Language, error) {
	switch strings.ToLower(s) {
	case "english", "en":
		return English, nil
	case "korean", "ko":
		return Korean, nil
	}
	return 0, fmt.Errorf("no words of language %.20q, want english or korean", s)
}

func (l Language) valid() bool { return int(l) < len(lists) }

func (l Language) list() []string { return lists[l] }

// index returns the place of an NFKD word in the list, or -1.
func (l Language) index(word string) int { return slices.Index(l.list(), word) }

// languageOf returns the language that most of the words are of; a tie goes to
// the script of the first word.
func languageOf(words []string) Language {
	known := 0
	for _, w := range words {
		if English.index(w) >= 0 {
			known++
		}
		if Korean.index(w) >= 0 {
			known--
		}
	}
	switch {
	case known > 0:
		return English
	case known < 0:
		return Korean
	case words[0] != "" && words[0][0] >= 0x80:
		return Korean
	}
	return English
}

// near returns words of the list that a few letters tell from word, the nearest
// first. Letters of Korean are jamo, so that a vowel's slip is near.
func (l Language) near(word string) []string {
	letters := []rune(word)
	if len(letters) > maxWordRunes {
		return nil
	}
	type candidate struct {
		word     string
		distance int
	}
	var found []candidate
	for _, w := range l.list() {
		if d := editDistance(letters, []rune(w)); d <= nearDistance {
			found = append(found, candidate{norm.NFC.String(w), d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var near []string
	for _, c := range found[:min(len(found), maxNear)] {
		near = append(near, c.word)
	}
	return near
}

// editDistance is Levenshtein's: letters to add, drop or change.
func editDistance(a, b []rune) int {
	if d := len(a) - len(b); d > nearDistance || -d > nearDistance {
		return nearDistance + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
