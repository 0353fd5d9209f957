package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/index"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// submitPatience is how long a payment waits for a long change of the chain.
const submitPatience = 20 * time.Second

// SubmitTx implements [api.TxBackend]. A payment whose coins are missing is kept
// apart as a peer's would be, but not acknowledged.
func (n *Node) SubmitTx(ctx context.Context, raw []byte) (api.TxAccepted, error) {
	t, bad := n.parsePayment(raw)
	if bad != nil {
		return api.TxAccepted{}, bad
	}
	outs, err := n.keep(ctx, []*core.Transaction{t})
	if err != nil {
		return api.TxAccepted{}, err
	}
	out := &outs[0]
	witness := chainWitness{n: n}
	defer witness.close()
	if r := witness.refusal(ctx, out); r != nil {
		return api.TxAccepted{}, r
	}
	a := api.TxAccepted{
		TxID: out.Tx.ID(), Status: statusOf(out), Fee: out.Tx.Fee(), FeeRate: out.Tx.FeeRate(), Size: out.Tx.Size(),
		Replaced: []core.Hash{},
	}
	for i := range out.Removed {
		if out.Removed[i].Reason == mempool.Replaced {
			a.Replaced = append(a.Replaced, out.Removed[i].ID)
		}
	}
	return a, nil
}

// SubmitTxs implements [api.TxBackend].
func (n *Node) SubmitTxs(ctx context.Context, raws [][]byte) ([]api.TxOutcome, error) {
	if len(raws) == 0 || len(raws) > api.MaxSubmit {
		return nil, fmt.Errorf("%w: %d payments, want 1 to %d", api.ErrBadRequest, len(raws), api.MaxSubmit)
	}
	list := make([]api.TxOutcome, len(raws))
	txs := make([]*core.Transaction, 0, len(raws))
	places := make([]int, 0, len(raws)) // of txs in list
	for i, raw := range raws {
		t, bad := n.parsePayment(raw)
		if bad != nil {
			list[i] = refused(core.Hash{}, bad)
			continue
		}
		txs, places = append(txs, t), append(places, i)
	}
	if len(txs) == 0 {
		return list, nil
	}
	outs, err := n.keep(ctx, txs)
	if err != nil {
		return nil, err
	}
	witness := chainWitness{n: n}
	defer witness.close()
	for i := range outs {
		id := outs[i].Tx.ID()
		if r := witness.refusal(ctx, &outs[i]); r != nil {
			list[places[i]] = refused(id, r)
		} else {
			list[places[i]] = api.TxOutcome{TxID: id, Status: statusOf(&outs[i])}
		}
	}
	return list, nil
}

// parsePayment reads a payment, or says why it is none.
func (n *Node) parsePayment(raw []byte) (*core.Transaction, *api.Refusal) {
	if most := int(n.rules.Params().MaxTxBytes); len(raw) > most {
		return nil, &api.Refusal{Code: core.ErrTxSize, Detail: fmt.Sprintf("%d bytes, at most %d", len(raw), most)}
	}
	t, err := core.ParseTransaction(raw)
	if err != nil {
		return nil, refusalOf(err)
	}
	return t, nil
}

func statusOf(out *mempool.Outcome) string {
	if out.Status == mempool.Known {
		return api.StatusKnown
	}
	return api.StatusAccepted
}

// keep hands payments to the chain, which may be busy for a while.
func (n *Node) keep(ctx context.Context, txs []*core.Transaction) ([]mempool.Outcome, error) {
	within, cancel := context.WithTimeout(ctx, submitPatience)
	defer cancel()
	outs, err := n.guard.SubmitTxs(within, txs)
	return outs, submitError(ctx, err)
}

// submitError words a failure to take payments for the API.
func submitError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return fmt.Errorf("%w: its chain is being changed; hand the payment in again", api.ErrBusy)
	case errors.Is(err, chain.ErrClosed):
		return fmt.Errorf("%w: %w", api.ErrShuttingDown, err)
	case errors.Is(err, chain.ErrNotKept), errors.Is(err, chain.ErrDisk):
		return fmt.Errorf("%w: %w; free space or mend the disk of the node, and a minute later hand the payment in again, which never pays twice", api.ErrFailed, err)
	}
	return fmt.Errorf("hand in payments: %w", err)
}

// chainWitness tells what the chain knows of payments whose coins are missing. It
// opens the index when it is first asked.
type chainWitness struct {
	n      *Node
	view   *index.View // nil if there is none to be had
	err    error       // then why
	opened bool
}

// open opens the index, once, at the chain's tip.
func (w *chainWitness) open(ctx context.Context) {
	if w.opened {
		return
	}
	w.opened = true
	w.view, _, w.err = w.n.atOneTip(ctx, func(*index.View) error { return nil }, func(*mempool.Pool) {})
}

func (w *chainWitness) close() {
	if w.view != nil {
		w.view.Close()
	}
}

// refusal says why a payment is not in our keeping; nil if it is.
func (w *chainWitness) refusal(ctx context.Context, out *mempool.Outcome) *api.Refusal {
	if out.Err == nil {
		return nil
	}
	r := refusalOf(out.Err)
	r.Missing = out.Missing
	if len(out.Missing) == 0 {
		return r
	}
	// The pool forgets what blocks took long ago. The index knows, and also who
	// has spent a coin that is gone.
	if w.open(ctx); w.err != nil {
		r.Detail += "; a block may have it, which cannot be said: " + w.err.Error()
		return r
	}
	if _, err := w.view.Tx(out.Tx.ID()); err == nil {
		out.Status = mempool.Known
		return nil
	}
	if detail := spentAlready(w.view, out.Tx.Transaction()); detail != "" {
		r.Detail = detail
	}
	return r
}

// spentAlready names the first coin that t spends and another transaction of
// the chain has spent, and that one.
func spentAlready(v *index.View, t *core.Transaction) string {
	for from := 0; from < len(t.Inputs); from += index.MaxOutputs {
		part := t.Inputs[from:min(from+index.MaxOutputs, len(t.Inputs))]
		ops := make([]core.Outpoint, len(part))
		for i := range part {
			ops[i] = part[i].Outpoint
		}
		outs, err := v.Outputs(ops)
		if err != nil {
			return ""
		}
		for _, o := range outs {
			if o != nil && o.Spender != nil {
				return fmt.Sprintf("coin %s:%d was spent by %s in block %d", o.TxID, o.Index, o.Spender.TxID, o.Spender.Height)
			}
		}
	}
	return ""
}

func refused(id core.Hash, r *api.Refusal) api.TxOutcome {
	return api.TxOutcome{TxID: id, Status: api.StatusRefused, Code: r.Code, Detail: r.Detail, Missing: r.Missing}
}

// refusalOf words a verdict of the rules or the policy.
func refusalOf(err error) *api.Refusal {
	r := &api.Refusal{Code: core.CodeOf(err), Detail: err.Error(), Later: core.IsDeferred(err)}
	var rule *core.RuleError
	var body *core.BodyError
	var later *core.DeferError
	var policy *mempool.PolicyError
	switch {
	case errors.As(err, &rule):
		r.Detail = rule.Detail
	case errors.As(err, &body):
		r.Detail = body.Detail
	case errors.As(err, &later):
		r.Detail = later.Detail
	case errors.As(err, &policy):
		r.Detail = policy.Detail
	}
	return r
}
