package node

import "github.com/ingchain/ingchain/core"

// BindNetwork binds a data directory to a network before its node runs for the
// first time, as a wallet that is made first does. It fails with
// [ErrWrongNetwork] if the directory belongs to another.
func BindNetwork(dataDir string, rules *core.Rules) error {
	bound, err := checkNetwork(dataDir, rules)
	if err != nil || bound {
		return err
	}
	return bindNetwork(dataDir, rules)
}
