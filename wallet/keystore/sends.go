package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const (
	// ReserveFor is how long coins wait for their payment to be signed, in
	// milliseconds: ten minutes, for a person to decide.
	ReserveFor = 10 * 60 * 1000
	// SendExpiry is how long the coins of a payment that no block takes stay
	// with it, in milliseconds: two weeks, as long as pools keep it.
	SendExpiry = 14 * 24 * 3600 * 1000
	// KeepRaw is how long the bytes of a settled payment are kept, in
	// milliseconds: 30 days. Its id and txid stay.
	KeepRaw = 30 * 24 * 3600 * 1000
	// MaxSends bounds the payments remembered; the oldest settled ones go first.
	MaxSends = 10_000
)

// Errors of payments, for errors.Is.
var (
	// ErrReserved means coins that another payment has taken meanwhile: read the
	// state again and choose others.
	ErrReserved = errors.New("a coin is taken by another payment under way")
	// ErrIDUsed means an id that stands for a payment of other recipients,
	// amounts or data.
	ErrIDUsed = errors.New("this id is that of another payment: choose a new one")
	// ErrNotReserved means a payment that was not reserved, or whose reservation
	// has expired or was taken over.
	ErrNotReserved = errors.New("the payment's coins are no longer reserved: start it again")
	// ErrRecorded means a payment that has been signed and may be on its way.
	ErrRecorded = errors.New("the payment is signed and may be on its way: it can't be released")
	// ErrSendID means an id of another form.
	ErrSendID = errors.New("a payment's id has 1 to 64 letters, digits, dots, dashes or underscores")
)

var sendIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Send is a payment that was begun, by the id that makes retrying it safe.
type Send struct {
	ID   string
	TxID core.Hash
	// Raw are the signed bytes; nil before [Store.Record], and a month after the
	// payment has settled.
	Raw      []byte
	Inputs   []core.Outpoint
	Payments []core.Output // without change
	Data     []byte
	Created  uint64 // Unix ms
	// Settled tells that a block deep in the chain has it.
	Settled bool
}

// Recorded reports whether the payment is signed: a retry sends the same bytes.
func (s *Send) Recorded() bool { return s.Raw != nil || s.Settled }

// sendFile is a payment in wallet.json.
type sendFile struct {
	ID       string        `json:"id"`
	TxID     core.Hash     `json:"txid"`
	Created  uint64        `json:"created"`
	Settled  bool          `json:"settled,omitempty"`
	Inputs   []inputFile   `json:"inputs"`
	Payments []paymentFile `json:"payments"`
	Change   string        `json:"change,omitempty"`
	Data     hexBytes      `json:"data,omitempty"`
	Raw      hexBytes      `json:"raw,omitempty"`
	// Offers counts who was given the bytes to hand them to a node, from
	// [Store.Record] on.
	Offers uint32 `json:"offers,omitempty"`
}

type inputFile struct {
	TxID  core.Hash `json:"txid"`
	Index uint32    `json:"index"`
}

type paymentFile struct {
	Address string      `json:"address"`
	Value   core.Amount `json:"value"`
}

func (f *sendFile) parse(prefix string) (*Send, error) {
	s := &Send{ID: f.ID, TxID: f.TxID, Raw: f.Raw, Data: f.Data, Created: f.Created, Settled: f.Settled}
	for _, in := range f.Inputs {
		s.Inputs = append(s.Inputs, core.Outpoint{TxID: in.TxID, Index: in.Index})
	}
	for _, out := range f.Payments {
		a, err := core.ParseAddress(out.Address, prefix)
		if err != nil {
			return nil, fmt.Errorf("payment %q: %w", f.ID, err)
		}
		s.Payments = append(s.Payments, core.Output{Value: out.Value, Address: a})
	}
	return s, nil
}

// live reports whether the payment still holds its coins.
func (f *sendFile) live(now uint64) bool {
	switch {
	case f.Settled:
		return false
	case f.Raw == nil:
		return now < f.Created+ReserveFor
	}
	return now < f.Created+SendExpiry
}

// Send returns the payment of an id.
func (st *State) Send(id string) (*Send, bool) {
	s, ok := st.index.sends[id]
	return s, ok
}

// Sends returns all payments, the newest first.
func (st *State) Sends() []*Send {
	var all []*Send
	for i := range slices.Backward(st.file.Sends) {
		all = append(all, st.index.sends[st.file.Sends[i].ID])
	}
	return all
}

// Reserved returns the coins of payments under way, with the payments' ids.
func (st *State) Reserved(now uint64) map[core.Outpoint]string {
	reserved := map[core.Outpoint]string{}
	for i := range st.file.Sends {
		if f := &st.file.Sends[i]; f.live(now) {
			for _, in := range f.Inputs {
				reserved[core.Outpoint{TxID: in.TxID, Index: in.Index}] = f.ID
			}
		}
	}
	return reserved
}

// Seen returns what to give to [wallet.History]: what it returned last, and
// recorded payments that it has not seen yet, so that one that never reached a
// node shows up with its bytes.
func (st *State) Seen() []wallet.Seen {
	byID := map[core.Hash]wallet.Seen{}
	for i := range st.file.Sends {
		if f := &st.file.Sends[i]; f.Raw != nil && !f.Settled {
			byID[f.TxID] = wallet.Seen{TxID: f.TxID, Raw: f.Raw, Time: f.Created}
		}
	}
	for _, f := range st.file.Seen {
		byID[f.TxID] = wallet.Seen{TxID: f.TxID, Raw: f.Raw, Height: f.Height, Time: f.Time}
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b wallet.Seen) int { return bytes.Compare(a.TxID[:], b.TxID[:]) })
}

// SetSeen keeps what [wallet.History] returned. It writes only if something
// changed.
func (s *Store) SetSeen(seen []wallet.Seen) error {
	var files []seenFile
	room := maxSeenBytes
	for _, x := range seen {
		if room -= len(x.Raw); room < 0 {
			break // the oldest, by the order that History returns
		}
		files = append(files, seenFile{x.TxID, x.Raw, x.Height, x.Time})
	}
	return s.update(func(p *publicFile) error {
		if slices.EqualFunc(p.Seen, files, func(a, b seenFile) bool {
			return a.TxID == b.TxID && a.Height == b.Height && a.Time == b.Time
		}) {
			return errUnchanged
		}
		p.Seen = files
		return nil
	})
}

// Reserve takes a draft's coins for the payment of an id, for [ReserveFor]. If
// the id has been recorded already with the same payments and data, it returns that one:
// send its bytes again, whatever the draft says. It fails with [ErrIDUsed] if the
// id stands for other payments, and with [ErrReserved] if another payment has one
// of the coins. A reservation of the same id that was not recorded is taken over.
func (s *Store) Reserve(id string, d *wallet.Draft, now uint64) (send *Send, err error) {
	if !sendIDForm.MatchString(id) {
		return nil, ErrSendID
	}
	prefix := s.rules.Params().AddressPrefix
	fresh := newSendFile(id, d, now)
	err = s.update(func(p *publicFile) error {
		i := p.send(id)
		if i >= 0 && p.Sends[i].recorded() {
			if send, err = p.Sends[i].parse(prefix); err != nil {
				return err
			}
			if !slices.Equal(p.Sends[i].Payments, fresh.Payments) || !bytes.Equal(p.Sends[i].Data, fresh.Data) {
				return fmt.Errorf("%w (%q)", ErrIDUsed, id)
			}
			return errUnchanged
		}
		if i >= 0 {
			p.Sends = slices.Delete(p.Sends, i, i+1)
		}
		p.prune(now)
		if err := p.conflict(fresh, now); err != nil {
			return err
		}
		if len(p.Sends) >= MaxSends {
			return fmt.Errorf("%d payments are under way", MaxSends)
		}
		p.Sends = append(p.Sends, *fresh)
		send, err = fresh.parse(prefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	return send, nil
}

func newSendFile(id string, d *wallet.Draft, now uint64) *sendFile {
	f := &sendFile{ID: id, TxID: d.TxID(), Data: d.Data, Created: now, Inputs: []inputFile{}, Payments: []paymentFile{}}
	for i := range d.Inputs {
		f.Inputs = append(f.Inputs, inputFile{d.Inputs[i].TxID, d.Inputs[i].Index})
	}
	for i := range d.Outputs {
		out := &d.Outputs[i]
		if out.Change {
			f.Change = out.Address.Encode(d.Prefix)
		} else {
			f.Payments = append(f.Payments, paymentFile{out.Address.Encode(d.Prefix), out.Value})
		}
	}
	return f
}

func (f *sendFile) recorded() bool { return f.Raw != nil || f.Settled }

func (p *publicFile) send(id string) int {
	return slices.IndexFunc(p.Sends, func(f sendFile) bool { return f.ID == id })
}

// conflict says which live payment has a coin of another.
func (p *publicFile) conflict(fresh *sendFile, now uint64) error {
	wanted := map[inputFile]bool{}
	for _, in := range fresh.Inputs {
		wanted[in] = true
	}
	for i := range p.Sends {
		f := &p.Sends[i]
		if f.ID == fresh.ID || !f.live(now) {
			continue
		}
		for _, in := range f.Inputs {
			if wanted[in] {
				return fmt.Errorf("%w: %s:%d by %q", ErrReserved, in.TxID.Short(), in.Index, f.ID)
			}
		}
	}
	return nil
}

// prune drops reservations that have expired, the bytes of what has long
// settled, and, beyond the bound, the oldest settled payments.
func (p *publicFile) prune(now uint64) {
	p.Sends = slices.DeleteFunc(p.Sends, func(f sendFile) bool { return !f.recorded() && !f.live(now) })
	for i := range p.Sends {
		if f := &p.Sends[i]; f.Settled && now > f.Created+KeepRaw {
			f.Raw = nil
		}
	}
	for len(p.Sends) >= MaxSends {
		i := slices.IndexFunc(p.Sends, func(f sendFile) bool { return f.Settled })
		if i < 0 {
			return
		}
		p.Sends = slices.Delete(p.Sends, i, i+1)
	}
}

// Record keeps the signed transaction of a reserved payment. Once it has
// returned, the bytes may go to the node: a retry of the id gets the same ones.
// It fails with [ErrNotReserved] if the reservation is another's by now.
func (s *Store) Record(id string, tx *core.Transaction, now uint64) (send *Send, err error) {
	txid := tx.ID()
	raw := tx.AppendTo(nil)
	err = s.update(func(p *publicFile) error {
		i := p.send(id)
		if i < 0 || p.Sends[i].TxID != txid {
			return fmt.Errorf("%w (%q)", ErrNotReserved, id)
		}
		f := &p.Sends[i]
		if !f.recorded() {
			// Its time may have run out; whoever wanted its coins then has dropped it.
			f.Raw, f.Created = raw, now
		}
		f.offer()
		send, err = f.parse(s.rules.Params().AddressPrefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	return send, nil
}

// Offer returns a recorded payment whose bytes the caller is about to hand to a
// node again. It notes that, so that nobody else withdraws the payment meanwhile.
// It fails with [ErrNotReserved] if there is no such payment, or not any more.
func (s *Store) Offer(id string) (send *Send, err error) {
	err = s.update(func(p *publicFile) error {
		i := p.send(id)
		if i < 0 || !p.Sends[i].recorded() {
			return fmt.Errorf("%w (%q)", ErrNotReserved, id)
		}
		p.Sends[i].offer()
		send, err = p.Sends[i].parse(s.rules.Params().AddressPrefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	return send, nil
}

func (f *sendFile) offer() {
	if f.Offers < math.MaxUint32 {
		f.Offers++
	}
}

// Withdraw drops a recorded payment that a node has refused, and frees its coins.
// It does so only if the caller, who had the bytes from [Store.Record], is the
// only one who ever had them: whoever else was given them may have got them to a
// node that took them, or a former attempt may, whose answer nobody saw. Then it
// fails with [ErrRecorded], and the payment stays.
func (s *Store) Withdraw(id string) error {
	return s.update(func(p *publicFile) error {
		i := p.send(id)
		if i < 0 {
			return errUnchanged
		}
		f := p.Sends[i]
		if f.recorded() && (f.Offers != 1 || f.Settled) {
			return fmt.Errorf("%w (%q)", ErrRecorded, id)
		}
		p.Sends = slices.Delete(p.Sends, i, i+1)
		// A history read meanwhile would offer to send it again.
		p.Seen = slices.DeleteFunc(p.Seen, func(seen seenFile) bool { return seen.TxID == f.TxID && seen.Height == 0 })
		return nil
	})
}

// Release gives back the coins of a payment that was not recorded; one that is
// not there is no error.
func (s *Store) Release(id string) error {
	return s.update(func(p *publicFile) error {
		i := p.send(id)
		if i < 0 {
			return errUnchanged
		}
		if p.Sends[i].recorded() {
			return fmt.Errorf("%w (%q)", ErrRecorded, id)
		}
		p.Sends = slices.Delete(p.Sends, i, i+1)
		return nil
	})
}

// Forget drops a payment, recorded or not, and frees its coins. If its bytes are
// on their way they may still be mined; so what was recorded stays among what was
// seen, for the history to tell.
func (s *Store) Forget(id string) error {
	return s.update(func(p *publicFile) error {
		i := p.send(id)
		if i < 0 {
			return errUnchanged
		}
		f := &p.Sends[i]
		known := slices.ContainsFunc(p.Seen, func(x seenFile) bool { return x.TxID == f.TxID })
		if f.Raw != nil && !f.Settled && !known {
			p.Seen = append(p.Seen, seenFile{TxID: f.TxID, Raw: f.Raw, Time: f.Created})
		}
		p.Sends = slices.Delete(p.Sends, i, i+1)
		return nil
	})
}

// Settle notes payments that blocks deep in the chain have, by txid: at least
// [wallet.SettledDepth] confirmations. Their coins are gone for good, so they
// hold none.
func (s *Store) Settle(settled []core.Hash) error {
	deep := make(map[core.Hash]bool, len(settled))
	for _, id := range settled {
		deep[id] = true
	}
	return s.update(func(p *publicFile) error {
		changed := false
		for i := range p.Sends {
			f := &p.Sends[i]
			if f.Raw != nil && !f.Settled && deep[f.TxID] {
				f.Settled, changed = true, true
			}
		}
		if !changed {
			return errUnchanged
		}
		return nil
	})
}
