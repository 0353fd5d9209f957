package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet/keystore"
)

const (
	// waitPoll is how often --wait asks the node.
	waitPoll = 200 * time.Millisecond
	// lateWait bounds how long --wait leaves a node alone whose index is late,
	// whatever the node says.
	lateWait = 5 * time.Second
)

// sent is what `wallet send` and `wallet sweep` print. Amounts are in grains.
type sent struct {
	ID   string    `json:"id"`
	TxID core.Hash `json:"txid"`
	// Status is "accepted", "known" if the node had it already, or "confirmed".
	Status  string      `json:"status"`
	Fee     core.Amount `json:"fee"`
	FeeRate core.Amount `json:"fee_rate"`
	Size    int         `json:"size"`
	Paid    core.Amount `json:"paid"`
	// Replaced are payments that left the node's pool for it.
	Replaced      []core.Hash `json:"replaced"`
	Confirmations uint32      `json:"confirmations"`
}

// deliver hands recorded bytes to the node and prints what came of it.
func (p *purse) deliver(ctx context.Context, c *api.Client, pl *plan, send *keystore.Send) error {
	result, err := p.submit(ctx, c, send)
	if err != nil {
		return err
	}
	if pl.wait {
		if result.Confirmations, err = p.await(ctx, c, send.TxID, pl.timeout); err != nil {
			return withHint(err, "the payment is with the node; 'ingchain tx get %s%s' shows what becomes of it", send.TxID, p.dataDirArg())
		}
		result.Status = api.StatusConfirmed
	}
	return p.printSent(result)
}

// submit hands a recorded payment to the node.
//
// A payment keeps its coins from being recorded on, for whoever has its bytes can
// have it mined. It gives them back in one case alone: the node, to which they
// were handed just now, refused them by a rule or its policy, so that it keeps
// and passes on nothing, and nobody was ever given them before, which
// [keystore.Store.Withdraw] knows. No answer, or one that is no verdict, may mean
// that the node has the payment; and one whose coins are missing it may keep
// until they come.
func (p *purse) submit(ctx context.Context, c *api.Client, send *keystore.Send) (sent, error) {
	result := sent{ID: send.ID, TxID: send.TxID, Replaced: []core.Hash{}}
	for _, out := range send.Payments {
		result.Paid += out.Value
	}
	got, err := c.SubmitTx(ctx, send.Raw)
	if err == nil {
		result.Status, result.Fee, result.FeeRate, result.Size = got.Status, got.Fee, got.FeeRate, got.Size
		result.Replaced = list(got.Replaced)
		return result, nil
	}
	if !errors.Is(err, api.ErrRefused) {
		return result, withHint(err, "the payment is signed and may be on its way: repeat the command with --id %s to send the same one again", send.ID)
	}
	var refusal *api.Error
	if errors.As(err, &refusal) && refusal.Status == http.StatusUnprocessableEntity {
		switch werr := p.store.Withdraw(send.ID); {
		case werr == nil:
			return result, withHint(err, "nothing was paid and its coins are free again")
		case !errors.Is(werr, keystore.ErrRecorded):
			return result, errors.Join(err, werr)
		}
	}
	// A block may have it for so long that the node does not know it as known.
	if tx, terr := c.Tx(ctx, send.TxID, false); terr == nil && (tx.Status == api.StatusConfirmed || tx.Status == api.StatusPending) {
		result.Status, result.Fee, result.FeeRate, result.Size, result.Confirmations = api.StatusKnown, tx.Fee, tx.FeeRate, tx.Size, tx.Confirmations
		return result, nil
	}
	return result, withHint(err, "it may still come through, so its coins stay with it; repeat the command with --id %s to try again", send.ID)
}

// await waits until a block has a transaction, and returns its confirmations.
func (a *app) await(ctx context.Context, c *api.Client, id core.Hash, timeout time.Duration) (uint32, error) {
	within := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	n, err := a.awaitBlock(within, c, id)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return 0, fmt.Errorf("%w: no block has it after %v", api.ErrTimeout, timeout)
	}
	return n, err
}

func (a *app) awaitBlock(ctx context.Context, c *api.Client, id core.Hash) (uint32, error) {
	bar := newProgress(a.live, func(line string) { fmt.Fprintln(a.live, line) })
	defer bar.done()
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		tx, err := c.Tx(ctx, id, false)
		var late *api.IndexError
		switch {
		case errors.As(err, &late) && late.RetryAfter > 0:
			// It has left the pool, most likely for a block that the index has not
			// reached; the node says so once it can.
		case err != nil:
			return 0, err
		case tx.Status == api.StatusConfirmed:
			return tx.Confirmations, nil
		case tx.Gone != nil:
			return 0, fmt.Errorf("%w: it left the pool: %s", api.ErrRefused, tx.Gone.Reason)
		}
		bar.show("waiting for a block")
		if late != nil {
			select { // beside the ticks, for a busy index
			case <-ctx.Done():
			case <-time.After(min(late.RetryAfter, lateWait)):
			}
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (p *purse) printSent(s sent) error {
	s.Replaced = list(s.Replaced)
	return p.print(s, func(w io.Writer) {
		rows := [][2]string{{"txid", s.TxID.String()}, {"id", s.ID}, {"status", s.Status}}
		if s.Confirmations > 0 {
			rows[2][1] = s.Status + ", " + counted(int(s.Confirmations), "confirmation", "confirmations")
		}
		if s.Fee > 0 {
			rows = append(rows, [2]string{"fee", ing(s.Fee)})
		}
		for _, r := range s.Replaced {
			rows = append(rows, [2]string{"replaced", r.String()})
		}
		pairs(w, rows)
	})
}
