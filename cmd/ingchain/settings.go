package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// settingsFile is the name of the settings file in a data directory.
	settingsFile = "ingchain.toml"
	// maxSettingsFile bounds the file, in bytes.
	maxSettingsFile = 64 << 10
	envPrefix       = "INGCHAIN_"
)

// settings are the flags that the environment and the settings file may give
// too. A verb takes those that it has.
var settings = []string{
	"api", "index", "listen", "log-format", "log-level", "mdns", "mempool-size", "min-fee-rate", "mine", "mine-threads", "mine-to",
	"network", "peer",
}

// applyDataDir takes the data directory from the environment; it cannot stand in
// the file that lies inside.
func applyDataDir(cmd *cobra.Command) error { return fromEnv(cmd.Flags().Lookup("data-dir")) }

// applySettings completes the flags that were not given from the environment,
// else from the settings file, if there is one. An empty path is no file.
func applySettings(cmd *cobra.Command, path string) error {
	file, err := readSettings(path)
	if err != nil {
		return err
	}
	for _, name := range settings {
		f := cmd.Flags().Lookup(name)
		if err := fromEnv(f); err != nil {
			return err
		}
		if v, ok := file[settingKey(name)]; ok {
			if err := setFlag(f, v); err != nil {
				return usagef("%s: %s: %w", path, settingKey(name), err)
			}
		}
	}
	return nil
}

// settingKey is a flag's key in the settings file.
func settingKey(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

func fromEnv(f *pflag.Flag) error {
	if f == nil {
		return nil
	}
	name := envPrefix + strings.ToUpper(settingKey(f.Name))
	s := os.Getenv(name)
	if s == "" {
		return nil
	}
	var v any = s
	if _, many := f.Value.(pflag.SliceValue); many {
		v = strings.Split(s, ",")
	}
	if err := setFlag(f, v); err != nil {
		return usagef("%s: %w", name, err)
	}
	return nil
}

// setFlag gives a flag a value unless it has one already.
func setFlag(f *pflag.Flag, v any) error {
	if f == nil || f.Changed {
		return nil
	}
	var err error
	switch v := v.(type) {
	case []string:
		err = setMany(f, v)
	case []any:
		var many []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return fmt.Errorf("want a list of strings, got %v in it", e)
			}
			many = append(many, s)
		}
		err = setMany(f, many)
	case string, bool, int64:
		if _, isString := v.(string); f.Value.Type() == "string" && !isString {
			return fmt.Errorf("want a string, got %v", v)
		}
		err = f.Value.Set(fmt.Sprint(v))
	default:
		return fmt.Errorf("want a %s, got %v", f.Value.Type(), v)
	}
	if err != nil {
		return err
	}
	f.Changed = true
	return nil
}

func setMany(f *pflag.Flag, v []string) error {
	many, ok := f.Value.(pflag.SliceValue)
	if !ok {
		return fmt.Errorf("want one %s, got a list", f.Value.Type())
	}
	return many.Replace(v)
}

// readSettings reads the settings file and refuses keys that mean nothing: a
// typing error must not pass for a setting.
func readSettings(path string) (map[string]any, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSettingsFile+1))
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if len(data) > maxSettingsFile {
		return nil, usagef("%s has more than %d bytes", path, maxSettingsFile)
	}
	var values map[string]any
	if err := toml.Unmarshal(data, &values); err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	var known []string
	for _, name := range settings {
		known = append(known, settingKey(name))
	}
	for key := range values {
		if !slices.Contains(known, key) {
			return nil, withHint(usagef("%s: unknown key %q", path, key), "known keys are %s", strings.Join(known, ", "))
		}
	}
	return values, nil
}
