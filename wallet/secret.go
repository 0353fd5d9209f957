package wallet

import (
	"fmt"
	"io"
)

// hidden is what a secret is written as.
const hidden = "[secret]"

// redacted is embedded by secrets, so that no way of writing them shows them:
// fmt with any verb, log/slog (which asks for MarshalText, or fmt), and
// encoding/json. Where fmt may not call these methods, inside of somebody's
// unexported field, a [box] keeps the bytes from it.
type redacted struct{}

// box holds a secret behind two pointers: fmt follows one of its own accord, and
// then shows an address. Copies of a box share what is in it.
type box[T any] struct{ p **T }

func boxed[T any](v *T) box[T] { return box[T]{&v} }

// get returns what is in the box, or nil if it is the zero box.
func (b box[T]) get() *T {
	if b.p == nil {
		return nil
	}
	return *b.p
}

// Format implements fmt.Formatter, for every verb and flag.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String implements fmt.Stringer.
func (redacted) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (redacted) GoString() string { return hidden }

// MarshalText implements encoding.TextMarshaler.
func (redacted) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON implements json.Marshaler.
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Passphrase is what a person types to open a keystore, or adds to the words of
// a seed. The zero value is an empty one.
type Passphrase struct {
	redacted
	text box[string]
}

// NewPassphrase wraps a passphrase, exactly as given.
func NewPassphrase(s string) Passphrase { return Passphrase{text: boxed(&s)} }

// Reveal returns the passphrase. What it returns must go neither to a log, an
// error nor an argument list.
func (p Passphrase) Reveal() string {
	if text := p.text.get(); text != nil {
		return *text
	}
	return ""
}

// IsEmpty reports whether there is nothing in it.
func (p Passphrase) IsEmpty() bool { return p.Reveal() == "" }
