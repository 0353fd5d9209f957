package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

func (a *app) networkCmd() *cobra.Command {
	cmd := group("network", "Make networks of one's own", groupNetwork, a.networkNewCmd())
	cmd.Annotations = map[string]string{annotationNoSettings: "yes"}
	return cmd
}

func (a *app) networkNewCmd() *cobra.Command {
	var like, name, file string
	cmd := &cobra.Command{
		Use: "new", Short: "Print a network file with a genesis of its own",
		Long: `Print the parameters of a new network: give the same file to every node that is
to belong to it, as in 'ingchain up --network FILE'. Nodes of different networks
see each other and do not join.`,
		Example: "  ingchain network new --like dev -o mine.json", Args: args(cobra.NoArgs),
		Annotations: map[string]string{annotationNoSettings: "yes"},
		RunE: func(*cobra.Command, []string) error {
			p, err := newNetwork(like, name, time.Now())
			if err != nil {
				return err
			}
			data, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				return err
			}
			data = append(data, '\n')
			if file == "" || file == stdFile {
				_, err := a.out.Write(data)
				return err
			}
			return a.writeNetwork(file, p, data)
		},
	}
	cmd.Flags().StringVar(&like, "like", core.NetworkLAN, "rules to begin with: lan or dev")
	cmd.Flags().StringVar(&name, "name", "", "name for people (default one from the salt)")
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write instead of standard output")
	return cmd
}

// writeNetwork writes a new file, never over one that is there: a lost genesis
// is a lost network.
func (a *app) writeNetwork(file string, p *core.Params, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; a network file is not written over", file)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	made := struct {
		Name    string    `json:"name"`
		Genesis core.Hash `json:"genesis"`
		File    string    `json:"file"`
	}{p.Name, p.Genesis().ID(), file}
	return a.print(made, func(w io.Writer) {
		fmt.Fprintf(w, "network %s, genesis %s, in %s\n", made.Name, made.Genesis.Short(), file)
	})
}

// newNetwork makes parameters like those of a built-in network, but with a
// genesis and an address prefix of their own.
func newNetwork(like, name string, now time.Time) (*core.Params, error) {
	p := core.BuiltIn(like)
	if p == nil {
		return nil, usagef("--like %q, want %s or %s", like, core.NetworkLAN, core.NetworkDev)
	}
	rand.Read(p.Salt[:]) // never fails
	p.Name = name
	if name == "" {
		p.Name = like + "-" + hex.EncodeToString(p.Salt[:3])
	}
	p.GenesisTime = uint64(now.UnixMilli())
	p.AddressPrefix = addressPrefix(p.Salt)
	return p, p.Validate()
}

// addressPrefix derives a prefix from the salt, so that an address of one network
// is seldom taken for one of another: 676 prefixes.
func addressPrefix(salt core.Hash) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return "ing" + string(letters[int(salt[0])%26]) + string(letters[int(salt[1])%26])
}

// loadNetwork finds the parameters that --network names. An empty name is the
// network that the data directory remembers, else the default.
func loadNetwork(name, dataDir string) (*core.Params, error) {
	if name == "" {
		p, err := node.NetworkOf(dataDir)
		if errors.Is(err, fs.ErrNotExist) {
			return core.LAN(), nil
		}
		return p, err
	}
	if p := core.BuiltIn(name); p != nil {
		return p, nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(usagef("network %q is neither lan nor dev nor a file", name),
			"'ingchain network new -o FILE' makes a network file")
	}
	if err != nil {
		return nil, fmt.Errorf("read network: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, core.MaxParamsFile+1))
	if err != nil {
		return nil, fmt.Errorf("read network: %w", err)
	}
	p, err := core.ParseParams(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// isBuiltInDev reports whether p is the development network that strangers share.
func isBuiltInDev(p *core.Params) bool { return p.Genesis().ID() == core.Dev().Genesis().ID() }
