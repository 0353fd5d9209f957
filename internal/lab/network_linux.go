package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Patch changes parameters of a network file: dotted JSON paths to values.
type Patch map[string]any

// NetworkFile writes a network file with its own genesis, made by the binary
// after the model like ("dev" or "lan") and then patched, and returns its
// path. A path that the file does not have ends the test: it would be a
// misspelt parameter that silently changes nothing.
func NetworkFile(tb testing.TB, binary, like, name string, patch Patch) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), verbTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "network", "new", "--like", like, "--name", name).Output()
	if err != nil {
		tb.Fatalf("lab: ingchain network new: %v", withStderr(err))
	}
	if len(patch) > 0 {
		if out, err = applyPatch(out, patch); err != nil {
			tb.Fatalf("lab: network file of %s: %v", name, err)
		}
	}
	path := filepath.Join(tb.TempDir(), name+".json")
	if err := os.WriteFile(path, out, 0o644); err != nil {
		tb.Fatalf("lab: %v", err)
	}
	return path
}

// applyPatch sets values in a JSON document; numbers it does not touch keep
// their digits.
func applyPatch(doc []byte, patch Patch) ([]byte, error) {
	decoder := json.NewDecoder(strings.NewReader(string(doc)))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	for path, value := range patch {
		keys := strings.Split(path, ".")
		at := root
		for _, key := range keys[:len(keys)-1] {
			next, ok := at[key].(map[string]any)
			if !ok {
				return nil, fmt.Errorf("no object %q on the way to %q in %s", key, path, doc)
			}
			at = next
		}
		last := keys[len(keys)-1]
		if _, ok := at[last]; !ok {
			return nil, fmt.Errorf("no parameter %q in %s", path, doc)
		}
		at[last] = value
	}
	return json.MarshalIndent(root, "", "  ")
}

// verbTimeout bounds one verb that answers at once when the node does.
const verbTimeout = 20 * time.Second
