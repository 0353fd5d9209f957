package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
)

// stdFile as a file name means standard input or output.
const stdFile = "-"

func (a *app) chainExportCmd() *cobra.Command {
	return &cobra.Command{
		Use: "export FILE", Short: "Write the best chain's blocks to a file",
		Example: "  ingchain chain export blocks.ing", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			c, err := a.chain(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			if operands[0] == stdFile {
				if a.json {
					return usagef("--json would mix with the blocks on standard output; name a file")
				}
				_, err := c.Export(cmd.Context(), a.out)
				return err
			}
			var tip api.Ref
			err = writeWhole(operands[0], func(w io.Writer) error {
				tip, err = c.Export(cmd.Context(), w)
				return err
			})
			if err != nil {
				return err
			}
			return a.print(tip, func(w io.Writer) {
				fmt.Fprintf(w, "exported up to height %s, %s\n", grouped(tip.Height), tip.ID)
			})
		},
	}
}

// writeWhole writes a file that appears under its name only once it is whole.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails harmlessly once renamed
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (a *app) chainImportCmd() *cobra.Command {
	return &cobra.Command{
		Use: "import FILE", Short: "Read blocks that export wrote into the running node",
		Example: "  ingchain chain import blocks.ing", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			in := a.in
			if operands[0] != stdFile {
				f, err := os.Open(operands[0])
				if errors.Is(err, os.ErrNotExist) {
					return fmt.Errorf("%w: %w", api.ErrNotFound, err)
				}
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			tip, err := c.Import(cmd.Context(), in)
			if err != nil {
				return err
			}
			return a.print(tip, func(w io.Writer) {
				fmt.Fprintf(w, "imported; tip is height %s, %s\n", grouped(tip.Height), tip.ID)
			})
		},
	}
}
