package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

const (
	// maxChoices bounds how often coins are chosen anew because another payment
	// took one meanwhile.
	maxChoices = 50
	// feeTarget is in how many blocks a payment should be mined, unless one says
	// otherwise.
	feeTarget = 3
)

// pay makes a payment, in this order: reserve the coins, agree, sign, record the
// bytes on disk, hand them to the node. Whatever ends in between, the same id
// goes on from there: before the bytes are recorded nobody can have seen them, so
// coins are chosen anew; after it the same bytes are sent.
func (p *purse) pay(ctx context.Context, pl *plan) error {
	if err := pl.check(); err != nil {
		return err
	}
	st, err := p.store.State()
	if err != nil {
		return err
	}
	if begun, ok := st.Send(pl.id); ok && begun.Recorded() {
		return p.resume(ctx, pl, begun)
	}
	if pl.draftFile == "" {
		if st.WatchOnly() {
			return withHint(keystore.ErrWatchOnly, "--draft FILE writes the payment for whoever has the keys to sign")
		}
		if err := pl.canSend(p.app); err != nil {
			return err
		}
	}
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if pl.draftFile != "" {
		d, err := p.choose(ctx, c, pl, "")
		if err != nil {
			return err
		}
		return p.writeDraft(pl.draftFile, d)
	}
	send, err := p.sign(ctx, c, pl)
	if err != nil {
		return err
	}
	return p.deliver(ctx, c, pl, send)
}

// choose drafts the payment of coins that no other payment has reserved.
func (p *purse) choose(ctx context.Context, c *api.Client, pl *plan, id string) (*wallet.Draft, error) {
	v, err := p.look(ctx, c, sinceNever)
	if err != nil {
		return nil, err
	}
	now := unixNow()
	coins, err := p.walletCoins(v, now, id)
	if err != nil {
		return nil, err
	}
	if pl.given("account") {
		if err := hasAccount(v.st, pl.account); err != nil {
			return nil, err
		}
		coins = slices.DeleteFunc(coins, func(coin wallet.Coin) bool { return coin.Path == nil || coin.Path.Account != pl.account })
	}
	change, err := p.changeAddress(v, coins, pl.account, now)
	if err != nil {
		return nil, err
	}
	rate, err := feeRate(ctx, c, pl.sendOptions, v.minFeeRate)
	if err != nil {
		return nil, err
	}
	// What we paid back to ourselves is ours before a block says so.
	var others core.Amount
	if !pl.spendPending {
		coins = slices.DeleteFunc(coins, func(coin wallet.Coin) bool {
			waits := coin.Pending && (coin.Path == nil || coin.Path.Branch != wallet.Change)
			if waits && coin.ReservedBy == "" {
				others += coin.Value
			}
			return waits
		})
	}
	terms := wallet.Terms{Rules: p.rules, Height: v.tip.Height, FeeRate: rate, AllowAbsurdFee: pl.allowAbsurd, SpendPending: true}
	d, err := pl.draft(terms, coins, change)
	var short *wallet.InsufficientError
	if errors.As(err, &short) {
		short.Pending += others
	}
	err = explain(err, coins)
	if short != nil && pl.given("account") && short.Pending == 0 && short.Reserved == 0 {
		err = withHint(err, "without --account, the coins of all accounts pay")
	}
	return d, err
}

// changeAddress returns where change goes: to a fresh address of ours, or, if the
// wallet only watches, to the address of its most valuable coin.
func (p *purse) changeAddress(v *walletView, coins []wallet.Coin, account uint32, now uint64) (own wallet.OwnAddress, err error) {
	if !v.st.WatchOnly() {
		if err := hasAccount(v.st, account); err != nil {
			return own, err
		}
		return v.st.ChangeAddress(account, now)
	}
	var most core.Amount
	for i := range coins {
		if coins[i].Value > most {
			most, own.Address = coins[i].Value, coins[i].Address
		}
	}
	return own, nil
}

// hasAccount fails if the wallet has no such account; one that only watches has none.
func hasAccount(st *keystore.State, account uint32) error {
	if !slices.Contains(st.Accounts(), account) {
		return fmt.Errorf("%w: the wallet has no account %d", api.ErrNotFound, account)
	}
	return nil
}

// feeRate returns the rate asked for, or what the node thinks it takes.
func feeRate(ctx context.Context, c *api.Client, o *sendOptions, least core.Amount) (wallet.FeeRate, error) {
	if asked := o.feeRate; asked > 0 {
		if core.Amount(asked) < least {
			return 0, withHint(fmt.Errorf("a fee rate of %d grains per 1,000 bytes is below the least that the node takes, %d", asked, uint64(least)),
				"leave --fee-rate out to pay what the node thinks it takes")
		}
		return wallet.FeeRate(asked), nil
	}
	fees, err := c.Fees(ctx, []int{o.feeTarget})
	if err != nil {
		return 0, err
	}
	rate := max(least, fees.MinFeeRate)
	for _, e := range fees.Estimates {
		rate = max(rate, e.FeeRate)
	}
	if rate == 0 {
		return wallet.DefaultFeeRate, nil
	}
	return wallet.FeeRate(rate), nil
}

// sign chooses and reserves coins, asks, and signs. It returns the payment once
// its bytes are on disk. A payment that does not come so far gives its coins back.
func (p *purse) sign(ctx context.Context, c *api.Client, pl *plan) (send *keystore.Send, err error) {
	id := pl.id
	if id == "" {
		id = newSendID()
	}
	d, send, err := p.reserve(ctx, c, pl, id)
	if err != nil || send.Recorded() {
		return send, err
	}
	defer func() {
		if err != nil {
			p.release(id, d.TxID())
		}
	}()
	p.live.close()
	printSummary(p.err, d.Summary())
	if !pl.yes {
		yes, err := p.confirm(ctx, "Send?")
		if err != nil {
			return nil, err
		}
		if !yes {
			return nil, errors.New("not sent")
		}
	}
	u := pl.opened
	if u == nil {
		if u, err = p.unlock(ctx, p.store, &pl.passphrase); err != nil {
			return nil, err
		}
		defer u.Close()
	}
	st, err := p.store.State()
	if err != nil {
		return nil, err
	}
	if _, err := d.Sign(keyOf(st, u)); err != nil {
		return nil, err
	}
	tx, err := d.Transaction(p.rules)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // the last moment to change one's mind
	}
	if pl.id == "" {
		fmt.Fprintf(p.err, "payment %s; --id %s with the same command sends it again and never pays twice\n", id, id)
	}
	if send, err = p.store.Record(id, tx, unixNow()); errors.Is(err, keystore.ErrNotReserved) {
		// A second run of the same id may have been quicker.
		if st, serr := p.store.State(); serr == nil {
			if other, ok := st.Send(id); ok && other.Recorded() {
				return p.offer(pl, id)
			}
		}
	}
	return send, err
}

// release gives the coins of a payment back that was not recorded, so nobody has
// its bytes. What a second run of the same id has reserved or recorded stays.
func (p *purse) release(id string, txid core.Hash) {
	st, err := p.store.State()
	if err == nil {
		if now, ok := st.Send(id); !ok || now.Recorded() || now.TxID != txid {
			return
		}
		err = p.store.Release(id)
	}
	if err != nil && !errors.Is(err, keystore.ErrRecorded) {
		fmt.Fprintf(p.err, "warning: the payment's coins stay reserved for ten minutes: %v\n", err)
	}
}

// reserve chooses coins until it gets all of them: two payments that are made at
// once may choose the same, and the second to reserve them chooses again.
func (p *purse) reserve(ctx context.Context, c *api.Client, pl *plan, id string) (*wallet.Draft, *keystore.Send, error) {
	for try := 1; ; try++ {
		d, err := p.choose(ctx, c, pl, id)
		if err != nil {
			return nil, nil, err
		}
		send, err := p.store.Reserve(id, d, unixNow())
		if err == nil && send.Recorded() { // by a second run of the same id, just now
			send, err = p.offer(pl, id)
		}
		if err == nil || !errors.Is(err, keystore.ErrReserved) || try == maxChoices {
			return d, send, err
		}
	}
}

// offer takes the recorded bytes of the id to hand them to the node, if they are
// this payment still: another run may have withdrawn it and begun another.
func (p *purse) offer(pl *plan, id string) (*keystore.Send, error) {
	send, err := p.store.Offer(id)
	if err == nil && !pl.is(send) {
		return nil, fmt.Errorf("%w (%q)", keystore.ErrIDUsed, id)
	}
	return send, err
}

// resume sends a payment again whose bytes are recorded.
func (p *purse) resume(ctx context.Context, pl *plan, begun *keystore.Send) error {
	if !pl.is(begun) {
		return fmt.Errorf("%w (%q)", keystore.ErrIDUsed, begun.ID)
	}
	if pl.draftFile != "" {
		return fmt.Errorf("%w (%q)", keystore.ErrRecorded, begun.ID)
	}
	if begun.Raw == nil { // long in a block, and its bytes forgotten
		return p.printSent(sent{ID: begun.ID, TxID: begun.TxID, Status: api.StatusConfirmed})
	}
	c, err := p.connect(ctx)
	if err != nil {
		return withHint(err, "the payment is signed and kept: repeat the command once a node runs here, 'ingchain up%s'", p.dataDirArg())
	}
	defer c.Close()
	send, err := p.offer(pl, begun.ID)
	if err != nil {
		return err
	}
	return p.deliver(ctx, c, pl, send)
}

// writeDraft writes an unsigned payment.
func (p *purse) writeDraft(file string, d *wallet.Draft) error {
	printSummary(p.err, d.Summary())
	fmt.Fprintln(p.err, "This is a draft: no coins are kept for it. 'ingchain tx sign' signs it, 'ingchain tx send' sends it.")
	if file == stdFile {
		return p.writeNew(file, append(d.Encode(), '\n'))
	}
	if err := newFile(file, append(d.Encode(), '\n')); err != nil {
		return err
	}
	drafted := struct {
		File string `json:"file"`
		wallet.Summary
	}{file, d.Summary()}
	return p.print(drafted, func(w io.Writer) { fmt.Fprintf(w, "wrote %s\n", file) })
}
