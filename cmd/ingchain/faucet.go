package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

const (
	// maxFaucetBlocks bounds what one faucet mines.
	maxFaucetBlocks = 10_000
	// faucetBatch bounds the blocks of one step, so that an interrupt is heeded.
	faucetBatch = 200
)

func (a *app) faucetCmd() *cobra.Command {
	return &cobra.Command{
		Use: "faucet [ADDRESS] [AMOUNT]", Short: "Mine until an address has an amount, on a network for trying out", GroupID: groupWallet,
		Long: `Mine blocks until an address has an amount of ING that it can spend. It works on
dev networks and demos alone, whose coins are worth nothing. The address is the
wallet's if none is given, and the amount what one block pays.`,
		Example: `  ingchain faucet
  ingchain faucet ing1q… 100`,
		Args: args(cobra.MaximumNArgs(2)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			params := c.Params()
			if !forTrying(params) {
				return withHint(fmt.Errorf("%w: no faucet on network %q, which is no dev network and no demo", api.ErrNotAllowed, params.Name),
					"'ingchain mine start' mines")
			}
			address, amount, err := a.faucetOperands(operands, params)
			if err != nil {
				return err
			}
			info, mined, err := fillAddress(cmd.Context(), c, address, amount)
			if err != nil {
				return err
			}
			result := struct {
				api.AddressInfo
				Mined int `json:"mined"` // blocks
			}{info, mined}
			return a.print(result, func(w io.Writer) {
				fmt.Fprintf(w, "%s has %s to spend; %s mined\n", address, ing(info.Confirmed), counted(mined, "block was", "blocks were"))
			})
		},
	}
}

// forTrying reports whether a network's coins are for trying out.
func forTrying(p *core.Params) bool { return p.Retarget.Fixed || strings.HasPrefix(p.Name, demoPrefix) }

// faucetOperands returns the address, by default that of the payout file, and the
// amount, by default what one block pays.
func (a *app) faucetOperands(operands []string, p *core.Params) (string, core.Amount, error) {
	amount := p.Subsidy
	var address string
	if len(operands) == 2 {
		var err error
		if amount, err = core.ParseAmount(operands[1]); err != nil {
			return "", 0, err
		}
	}
	if len(operands) > 0 {
		address = operands[0]
	} else {
		data, err := os.ReadFile(filepath.Join(a.dataDir, payoutFile))
		if errors.Is(err, fs.ErrNotExist) {
			return "", 0, withHint(usagef("no address, and no wallet here"), "'ingchain wallet new%s' makes one, or name an address", a.dataDirArg())
		}
		if err != nil {
			return "", 0, err
		}
		address = strings.TrimSpace(string(data))
	}
	_, err := core.ParseAddress(address, p.AddressPrefix)
	return address, amount, err
}

// fillAddress mines until the address can spend the amount.
func fillAddress(ctx context.Context, c *api.Client, address string, amount core.Amount) (info api.AddressInfo, mined int, err error) {
	for {
		if info, err = c.Address(ctx, address); err != nil {
			return info, mined, err
		}
		if info.Confirmed >= info.PendingOut && info.Confirmed-info.PendingOut >= amount {
			return info, mined, nil
		}
		n := faucetNeeds(c.Params(), info, amount)
		if mined+n > maxFaucetBlocks {
			return info, mined, fmt.Errorf("%s would take more than %s blocks; ask for less", ing(amount), grouped(maxFaucetBlocks))
		}
		blocks, err := c.MineOnce(ctx, min(n, faucetBatch), address)
		mined += len(blocks)
		if err != nil {
			return info, mined, err
		}
	}
}

// faucetNeeds returns how many blocks to mine before looking again: those that pay
// what is missing, or those that let it mature.
func faucetNeeds(p *core.Params, info api.AddressInfo, amount core.Amount) int {
	have := info.Confirmed + info.Immature
	have -= min(have, info.PendingOut)
	if have >= amount {
		return 1
	}
	subsidy := p.SubsidyAt(info.Tip.Height + 1)
	if subsidy == 0 {
		return maxFaucetBlocks + 1
	}
	return int(min((amount-have+subsidy-1)/subsidy, maxFaucetBlocks+1))
}
