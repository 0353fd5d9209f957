package wallet

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

const (
	// MaxMessage bounds the text that is signed, in bytes.
	MaxMessage = 16 << 10

	messageTag   = "ingchain/message"
	messageBegin = "-----BEGIN INGCHAIN SIGNED MESSAGE-----"
	messageMid   = "-----BEGIN INGCHAIN SIGNATURE-----"
	messageEnd   = "-----END INGCHAIN SIGNED MESSAGE-----"
	dashEscape   = "- "
	// maxArmor bounds a signed message's text, in bytes: every line may be
	// escaped, and every line's end be two bytes.
	maxArmor = 4*MaxMessage + 1024
)

// Errors of messages, for errors.Is.
var (
	// ErrMessage means text that can't be signed, or no signed message.
	ErrMessage = errors.New("not a message")
	// ErrMessageSignature means that the owner of the address has not signed
	// this text.
	ErrMessageSignature = errors.New("the signature is not of this text by the owner of this address")
)

// Message is a text that the owner of an address has signed.
type Message struct {
	// Address is that of the network whose prefix it was signed with.
	Address core.Address
	Prefix  string
	// Text has lines that end in "\n", and no control characters else but tabs.
	Text string

	publicKey [core.PublicKeySize]byte
	signature [core.SignatureSize]byte
}

// messageDigest is what is signed: H(tag, length of address as one byte,
// address as text, text). The tag differs from a transaction's, so no message is
// ever a payment; the address says on which network.
func messageDigest(address, text string) core.Hash {
	h := sha256.New()
	h.Write([]byte{byte(len(messageTag))})
	h.Write([]byte(messageTag))
	h.Write([]byte{byte(len(address))})
	h.Write([]byte(address))
	h.Write([]byte(text))
	return core.Hash(h.Sum(nil))
}

// SignMessage signs a text as the owner of the key's address. Lines may end in
// "\r\n" as well, which is taken for "\n".
func SignMessage(key Key, prefix, text string) (*Message, error) {
	text, err := cleanText(text)
	if err != nil {
		return nil, err
	}
	m := &Message{Address: key.Address(), Prefix: prefix, Text: text, publicKey: key.PublicKey()}
	m.signature = key.sign(messageDigest(m.Address.Encode(prefix), text))
	return m, nil
}

// cleanText unites line ends, and refuses what a screen would not show.
func cleanText(text string) (string, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if text == "" || len(text) > MaxMessage || !utf8.ValidString(text) {
		return "", fmt.Errorf("%w: want 1 to %d bytes of UTF-8", ErrMessage, MaxMessage)
	}
	for _, r := range text {
		if !Printable(r) && r != '\n' && r != '\t' {
			return "", fmt.Errorf("%w: control character %U, want text that a screen shows", ErrMessage, r)
		}
	}
	return text, nil
}

// Printable reports whether a character is neither a control character nor one
// that shows those around it in another order (U+202A to U+202E, U+2066 to
// U+2069): with those, what a person sees need not be what is signed.
func Printable(r rune) bool {
	return !unicode.IsControl(r) && (r < 0x202a || r > 0x202e) && (r < 0x2066 || r > 0x2069)
}

// String writes the message as text that can be pasted and that [VerifyMessage]
// reads. A line that begins with a dash gets "- " before it.
func (m *Message) String() string {
	var b strings.Builder
	b.WriteString(messageBegin + "\n")
	for line := range strings.SplitSeq(m.Text, "\n") {
		if strings.HasPrefix(line, "-") {
			b.WriteString(dashEscape)
		}
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "%s\nAddress: %s\nPublic-Key: %s\nSignature: %s\n%s\n", messageMid, m.Address.Encode(m.Prefix),
		base64.StdEncoding.EncodeToString(m.publicKey[:]), base64.StdEncoding.EncodeToString(m.signature[:]), messageEnd)
	return b.String()
}

// Signature returns the signature without the text, in one word: base64 of the
// public key and the signature itself. [VerifySignature] reads it.
func (m *Message) Signature() string {
	return base64.StdEncoding.EncodeToString(append(m.publicKey[:], m.signature[:]...))
}

// VerifySignature verifies what [Message.Signature] wrote, of a text that the
// owner of an address is said to have signed. It fails as [VerifyMessage] does.
func VerifySignature(address, text, word, prefix string) (*Message, error) {
	a, err := core.ParseAddress(address, prefix)
	if err != nil {
		return nil, err
	}
	m := &Message{Address: a, Prefix: prefix}
	if m.Text, err = cleanText(text); err != nil {
		return nil, err
	}
	both, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(word))
	if err != nil || len(both) != len(m.publicKey)+len(m.signature) {
		return nil, fmt.Errorf("%w: the signature is not base64 of %d bytes", ErrMessage, len(m.publicKey)+len(m.signature))
	}
	copy(m.signature[:], both[copy(m.publicKey[:], both):])
	if err := m.verify(); err != nil {
		return nil, err
	}
	return m, nil
}

// verify reports whether the owner of the address signed the text.
func (m *Message) verify() error {
	item := signature.Item{PublicKey: &m.publicKey, Message: messageDigest(m.Address.Encode(m.Prefix), m.Text), Signature: &m.signature}
	if core.AddressOf(m.publicKey) != m.Address || !signature.Verify(item) {
		return ErrMessageSignature
	}
	return nil
}

// VerifyMessage reads a signed message of the network with the given prefix and
// verifies it. White space around it is free, and lines may end in "\r\n". It
// fails with [ErrMessage], [ErrMessageSignature] or an error of
// [core.ParseAddress].
func VerifyMessage(armor, prefix string) (*Message, error) {
	if len(armor) > maxArmor {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMessage, len(armor), maxArmor)
	}
	body, foot, err := cutArmor(strings.TrimSpace(strings.ReplaceAll(armor, "\r\n", "\n")))
	if err != nil {
		return nil, err
	}
	m := &Message{Prefix: prefix}
	if m.Text, err = unescape(body); err != nil {
		return nil, err
	}
	address, err := m.parseFoot(foot)
	if err != nil {
		return nil, err
	}
	if m.Address, err = core.ParseAddress(address, prefix); err != nil {
		return nil, err
	}
	if err := m.verify(); err != nil {
		return nil, err
	}
	return m, nil
}

// cutArmor returns the lines of the text and those of the signature.
func cutArmor(armor string) (body, foot []string, err error) {
	lines := strings.Split(armor, "\n")
	for i := range lines {
		if line := strings.TrimRight(lines[i], " \t"); line == messageBegin || line == messageMid || line == messageEnd {
			lines[i] = line
		}
	}
	const footLines = 5 // three fields between two marks
	mid := len(lines) - footLines
	if mid < 2 || lines[0] != messageBegin || lines[mid] != messageMid || lines[len(lines)-1] != messageEnd {
		return nil, nil, fmt.Errorf("%w: want the whole text from %q to %q", ErrMessage, messageBegin, messageEnd)
	}
	return lines[1:mid], lines[mid+1 : len(lines)-1], nil
}

func unescape(lines []string) (string, error) {
	for i, line := range lines {
		if rest, escaped := strings.CutPrefix(line, dashEscape); escaped {
			if !strings.HasPrefix(rest, "-") {
				return "", fmt.Errorf("%w: line %d is escaped without need", ErrMessage, i+1)
			}
			lines[i] = rest
		} else if strings.HasPrefix(line, "-") {
			return "", fmt.Errorf("%w: line %d begins with a dash that is not escaped", ErrMessage, i+1)
		}
	}
	return cleanText(strings.Join(lines, "\n"))
}

func (m *Message) parseFoot(lines []string) (address string, err error) {
	var values [3]string
	for i, name := range []string{"Address: ", "Public-Key: ", "Signature: "} {
		value, ok := strings.CutPrefix(lines[i], name)
		if !ok {
			return "", fmt.Errorf("%w: want a line %q behind the text", ErrMessage, strings.TrimSpace(name))
		}
		values[i] = strings.TrimSpace(value)
	}
	key, err1 := base64.StdEncoding.Strict().DecodeString(values[1])
	sig, err2 := base64.StdEncoding.Strict().DecodeString(values[2])
	if err1 != nil || err2 != nil || copy(m.publicKey[:], key) != len(key) || len(key) != len(m.publicKey) ||
		copy(m.signature[:], sig) != len(sig) || len(sig) != len(m.signature) {
		return "", fmt.Errorf("%w: public key or signature is not base64 of %d and %d bytes", ErrMessage, len(m.publicKey), len(m.signature))
	}
	return values[0], nil
}
