package wallet_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/wallet"
	"github.com/tyler-smith/go-bip39"
	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"
)

// officialMnemonics are published vectors. The English ones and the first four
// Korean phrases are from trezor/python-mnemonic (vectors.json), the seeds of the
// last two phrases from talonlab/python-hdwallet (tests/data/json/seeds.json).
var officialMnemonics = []struct {
	language   wallet.Language
	entropy    string // "" where none was published
	words      string
	passphrase string
	seed       string // "" where none was published
}{
	{wallet.English, "00000000000000000000000000000000", "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", "TREZOR",
		"c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"},
	{wallet.English, "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f", "legal winner thank year wave sausage worth useful legal winner thank yellow", "TREZOR",
		"2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607"},
	{wallet.English, "80808080808080808080808080808080", "letter advice cage absurd amount doctor acoustic avoid letter advice cage above", "TREZOR",
		"d71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8"},
	{wallet.English, "ffffffffffffffffffffffffffffffff", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong", "TREZOR",
		"ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069"},
	{wallet.English, strings.Repeat("00", 32), strings.Repeat("abandon ", 23) + "art", "TREZOR",
		"bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8"},
	{wallet.English, strings.Repeat("80", 32), "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless", "TREZOR",
		"c0c519bd0e91a2ed54357d9d1ebef6f5af218a153624cf4f2da911a0ed8f7a09e2ef61af0aca007096df430022f7a2b6fb91661a9589097069720d015e4e982f"},
	{wallet.Korean, "00000000000000000000000000000000", "가격 가격 가격 가격 가격 가격 가격 가격 가격 가격 가격 가능", "TREZOR",
		"a253d07f616223e337b6fa257632a2cc37e1ba36ff0bc7cf5a943366fa1b9ef02d6aa0333da51c17902951634b8aa81b6692a194b07f4f8c542335d73c96aad3"},
	{wallet.Korean, "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f", "실장 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히", "", ""},
	{wallet.Korean, strings.Repeat("ff", 32), "힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 힘껏 허용", "", ""},
	{wallet.Korean, "9e885d952ad362caeb4efe34a8e91bd2", "원고 물질 생일 부산 마요네즈 생활 일찍 큰절 동화책 반성 반드시 의식", "", ""},
	{wallet.Korean, "", "자가용 희생 장관 청년 참외 베이징 웃음 제대로 경쟁 기원 목숨 섭씨", "",
		"97cd57f641b7d16b84cabcb3e0a1081d5c51587196891b446b2a32822eebec977f0b6adb769e56e89cc0f6360749f6777ec369d5fa9e21699d1c202e2e1d7a6b"},
	{wallet.Korean, "", "자가용 희생 장관 청년 참외 베이징 웃음 제대로 경쟁 기원 목숨 섭씨", "ゆしゅつ",
		"8bd4b0b640704c4c7aeec65f1f9db010da1b560ecaa4d19ff29385c894dcc6badb8d7de3250c96e51b16d6c28675d443eb7ebb32f7b2f4be1ce8f57091d20c97"},
}

func TestOfficialMnemonics(t *testing.T) {
	for i, v := range officialMnemonics {
		t.Run(fmt.Sprintf("%s %d", v.language, i), func(t *testing.T) {
			m := mustParse(t, v.words)
			if m.Language() != v.language {
				t.Errorf("language %s", m.Language())
			}
			if v.entropy != "" {
				made, err := wallet.NewMnemonic(unhex(t, v.entropy), v.language)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := strings.Join(made.Reveal(), " "), v.words; got != want {
					t.Errorf("words of %s are %s", v.entropy, got)
				}
			}
			if v.seed == "" {
				return
			}
			if got := seedOf(t, m, v.passphrase); got != v.seed {
				t.Errorf("seed %s", got)
			}
		})
	}
}

// TestMnemonicsAgreeWithTheLibrary compares random seeds with go-bip39's own
// functions, which share a list: it is set back at the end.
func TestMnemonicsAgreeWithTheLibrary(t *testing.T) {
	defer bip39.SetWordList(wordlists.English)
	for l, list := range map[wallet.Language][]string{wallet.English: wordlists.English, wallet.Korean: wordlists.Korean} {
		bip39.SetWordList(list)
		for i := range 20 {
			sum := sha256.Sum256([]byte{byte(l), byte(i)})
			entropy := sum[:16+16*(i%2)]
			want, err := bip39.NewMnemonic(entropy)
			if err != nil {
				t.Fatal(err)
			}
			m, err := wallet.NewMnemonic(entropy, l)
			if err != nil {
				t.Fatal(err)
			}
			if got := norm.NFKD.String(strings.Join(m.Reveal(), " ")); got != norm.NFKD.String(want) {
				t.Fatalf("%x: %s, the library says %s", entropy, got, want)
			}
			// The library does not normalise, so it gets the NFKD form.
			if got := seedOf(t, m, "pass"); got != hex.EncodeToString(bip39.NewSeed(norm.NFKD.String(want), "pass")) {
				t.Fatalf("%x: another seed than the library's", entropy)
			}
			if again := mustParse(t, want); seedOf(t, again, "") != seedOf(t, m, "") {
				t.Fatal("words do not give back the seed")
			}
		}
	}
}

func TestMnemonicTakesWhatPeopleType(t *testing.T) {
	english := "legal winner thank year wave sausage worth useful legal winner thank yellow"
	korean := "실장 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히"
	for name, c := range map[string]struct{ typed, plain string }{
		"upper case":            {strings.ToUpper(english), english},
		"lines and tabs":        {"\n " + strings.ReplaceAll(english, " ", " \t\r\n") + "\n", english},
		"full-width letters":    {strings.Replace(english, "legal", "ｌｅｇａｌ", 1), english},
		"ideographic spaces":    {strings.ReplaceAll(korean, " ", "\u3000"), korean},
		"no-break spaces":       {strings.ReplaceAll(korean, " ", "\u00a0"), korean},
		"Korean, decomposed":    {norm.NFD.String(korean), korean},
		"Korean, composed":      {norm.NFC.String(korean), korean},
		"Korean, compatibility": {norm.NFKD.String(korean), korean},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := seedOf(t, mustParse(t, c.typed), ""), seedOf(t, mustParse(t, c.plain), ""); got != want {
				t.Errorf("another seed")
			}
		})
	}
	m := mustParse(t, english)
	if seedOf(t, m, "\uac00") != seedOf(t, m, "\u1100\u1161") {
		t.Error("a passphrase in another Unicode form gives another seed")
	}
	if seedOf(t, m, "a") == seedOf(t, m, "A") {
		t.Error("a passphrase's case does not matter")
	}
}

func TestMnemonicErrors(t *testing.T) {
	good := strings.Fields("legal winner thank year wave sausage worth useful legal winner thank yellow")
	korean := strings.Fields("실장 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히")
	with := func(words []string, at int, w string) string {
		changed := append([]string(nil), words...)
		changed[at-1] = w
		return strings.Join(changed, " ")
	}
	for name, c := range map[string]struct {
		text     string
		want     error
		position int
		near     string
	}{
		"nothing":                      {"", wallet.ErrWordCount, 0, ""},
		"eleven words":                 {strings.Join(good[:11], " "), wallet.ErrWordCount, 0, ""},
		"fifteen words":                {strings.Join(append(good[:12:12], good[:3]...), " "), wallet.ErrWordCount, 0, ""},
		"a letter changed":             {with(good, 3, "thonk"), wallet.ErrWord, 3, "thank"},
		"a letter missing":             {with(good, 12, "yllow"), wallet.ErrWord, 12, "yellow"},
		"no such word":                 {with(good, 1, "xyzzyxyzzy"), wallet.ErrWord, 1, ""},
		"a very long word":             {with(good, 1, strings.Repeat("a", 3000)), wallet.ErrWord, 1, ""},
		"Korean, a vowel changed":      {with(korean, 2, "활둉"), wallet.ErrWord, 2, "활동"},
		"an English word among Korean": {with(korean, 1, "legal"), wallet.ErrWord, 1, ""},
		"two words swapped":            {with([]string{"winner", "legal"}, 1, "winner") + " " + strings.Join(good[2:], " "), wallet.ErrChecksum, 0, ""},
		"another word of the list":     {with(good, 12, "zoo"), wallet.ErrChecksum, 0, ""},
		"Korean, wrong checksum":       {with(korean, 12, "가격"), wallet.ErrChecksum, 0, ""},
		"not UTF-8":                    {with(good, 1, "\xff"), wallet.ErrMnemonicText, 0, ""},
		"too long":                     {strings.Repeat("zoo ", 2000), wallet.ErrMnemonicText, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wallet.ParseMnemonic(c.text)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.position == 0 {
				return
			}
			var word *wallet.WordError
			if !errors.As(err, &word) || word.Position != c.position {
				t.Fatalf("got %v, want position %d", err, c.position)
			}
			if c.near != "" && !slices.Contains(word.Near, c.near) {
				t.Errorf("suggests %v, not %s", word.Near, c.near)
			}
			if c.near == "" && len(word.Near) > 0 {
				t.Errorf("suggests %v", word.Near)
			}
			for i, w := range strings.Fields(c.text) {
				if i+1 != c.position && len(w) > 4 && !slices.Contains(word.Near, w) && strings.Contains(err.Error(), w) {
					t.Errorf("%q shows word %d", err, i+1)
				}
			}
		})
	}
}

func TestNewMnemonicRefusesOtherSizes(t *testing.T) {
	for _, n := range []int{0, 15, 17, 20, 24, 31, 33, 64} {
		if _, err := wallet.NewMnemonic(make([]byte, n), wallet.English); !errors.Is(err, wallet.ErrWordCount) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := wallet.NewMnemonic(make([]byte, 16), wallet.Language(9)); err == nil {
		t.Error("takes any language")
	}
	m := mustParse(t, strings.Repeat("zoo ", 11)+"wrong")
	if _, err := m.Seed(wallet.NewPassphrase(strings.Repeat("a", wallet.MaxPassphrase+1))); !errors.Is(err, wallet.ErrPassphraseText) {
		t.Errorf("a long passphrase: %v", err)
	}
	if _, err := m.Seed(wallet.NewPassphrase("\xff")); !errors.Is(err, wallet.ErrPassphraseText) {
		t.Errorf("a passphrase that is not UTF-8: %v", err)
	}
}

func TestLanguages(t *testing.T) {
	for text, want := range map[string]wallet.Language{"english": wallet.English, "EN": wallet.English, "Korean": wallet.Korean, "ko": wallet.Korean} {
		if got, err := wallet.ParseLanguage(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := wallet.ParseLanguage("klingon"); err == nil {
		t.Error("klingon")
	}
	// The language is that of most words, so that one typed wrongly is named.
	var word *wallet.WordError
	_, err := wallet.ParseMnemonic("legal 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히")
	if !errors.As(err, &word) || word.Language != wallet.Korean {
		t.Errorf("%v", err)
	}
	_, err = wallet.ParseMnemonic(strings.Repeat("한국 ", 12))
	if !errors.As(err, &word) || word.Language != wallet.Korean {
		t.Errorf("%v", err)
	}
}

// TestWordLists: 2,048 different words each in NFKD, as BIP-39 wants, and none
// in both lists, so that the language can be told.
func TestWordLists(t *testing.T) {
	all := map[string]bool{}
	for _, list := range [][]string{wordlists.English, wordlists.Korean} {
		if len(list) != 2048 {
			t.Fatalf("%d words", len(list))
		}
		for _, w := range list {
			if !norm.NFKD.IsNormalString(w) || w != strings.ToLower(w) || all[w] {
				t.Errorf("%q", w)
			}
			all[w] = true
		}
	}
}

func FuzzMnemonic(f *testing.F) {
	for _, v := range officialMnemonics {
		f.Add(v.words)
		f.Add(norm.NFD.String(v.words))
	}
	f.Add("legal winner thank year wave sausage worth useful legal winner thonk yellow")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := wallet.ParseMnemonic(text)
		if err != nil {
			if !errors.Is(err, wallet.ErrWordCount) && !errors.Is(err, wallet.ErrWord) && !errors.Is(err, wallet.ErrChecksum) && !errors.Is(err, wallet.ErrMnemonicText) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		again, err := wallet.ParseMnemonic(strings.Join(m.Reveal(), " "))
		if err != nil || strings.Join(again.Reveal(), " ") != strings.Join(m.Reveal(), " ") {
			t.Fatalf("words do not read back: %v", err)
		}
	})
}

func mustParse(t testing.TB, words string) wallet.Mnemonic {
	t.Helper()
	m, err := wallet.ParseMnemonic(words)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func seedOf(t testing.TB, m wallet.Mnemonic, passphrase string) string {
	t.Helper()
	s, err := m.Seed(wallet.NewPassphrase(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(s.Reveal())
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b)
}
