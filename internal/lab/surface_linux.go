package lab

import (
	"encoding/json"
	"fmt"
	"sync"
)

// The types below hold what scenarios read from the verbs' JSON, no more.

// BlockRef names a block.
type BlockRef struct {
	Height uint32 `json:"height"`
	ID     string `json:"id"`
}

func (b BlockRef) String() string { return fmt.Sprintf("%d/%.12s", b.Height, b.ID) }

// Status is "ingchain status".
type Status struct {
	Network string   `json:"network"`
	Genesis string   `json:"genesis"`
	PeerID  string   `json:"peer_id"`
	Addrs   []string `json:"addrs"`
	Tip     struct {
		BlockRef
		Work string `json:"work"`
	} `json:"tip"`
	Headers BlockRef `json:"headers"`
	Peers   int      `json:"peers"`
	Syncing bool     `json:"syncing"`
	Mining  bool     `json:"mining"`
	API     string   `json:"api"`
}

// Peer is an element of "ingchain net peers".
type Peer struct {
	PeerID string   `json:"peer_id"`
	Addr   string   `json:"addr"`
	Source string   `json:"source"`
	Tip    BlockRef `json:"tip"`
	Joined bool     `json:"joined"`
	Reason string   `json:"reason"`
}

// Fork is an element of "ingchain chain forks".
type Fork struct {
	Tip        BlockRef `json:"tip"`
	ForkHeight uint32   `json:"fork_height"`
	Length     int      `json:"length"`
	Status     string   `json:"status"`
}

// StateHash is "ingchain chain statehash".
type StateHash struct {
	BlockRef
	UTXOCount uint64 `json:"utxo_count"`
	Hash      string `json:"hash"`
}

// Balance is "wallet balance", in grains.
type Balance struct {
	Confirmed  uint64 `json:"confirmed"`
	Immature   uint64 `json:"immature"`
	PendingIn  uint64 `json:"pending_in"`
	PendingOut uint64 `json:"pending_out"`
}

// Payment is "wallet send". Fee is in grains.
type Payment struct {
	ID     string `json:"id"`
	TxID   string `json:"txid"`
	Status string `json:"status"`
	Fee    uint64 `json:"fee"`
}

// HistoryRow is an element of "wallet history". Amounts are in grains.
type HistoryRow struct {
	TxID          string `json:"txid"`
	Status        string `json:"status"`
	Confirmations uint32 `json:"confirmations"`
	Block         string `json:"block"`
	Coinbase      bool   `json:"coinbase"`
	In            uint64 `json:"in"`
	Out           uint64 `json:"out"`
	Fee           uint64 `json:"fee"`
	Resend        bool   `json:"resend"` // it can be sent again
	ReplacedBy    string `json:"replaced_by"`
}

// Tx is "tx get".
type Tx struct {
	TxID   string    `json:"txid"`
	Status string    `json:"status"`
	Block  *BlockRef `json:"block"`
	Gone   *struct {
		Reason string `json:"reason"`
		By     string `json:"by"`
	} `json:"gone"`
}

// Agreement looks at the nodes' tips and state hashes, at the same time on
// all, and returns the common one, or an error that shows what differs.
func Agreement(nodes []*Node) (StateHash, error) {
	states := make([]StateHash, len(nodes))
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = n.JSON(&states[i], "chain", "statehash") })
	}
	wg.Wait()
	for i := range nodes {
		if errs[i] != nil {
			return StateHash{}, errs[i]
		}
	}
	for _, s := range states {
		if s != states[0] {
			text, err := json.Marshal(states)
			if err != nil {
				return StateHash{}, err
			}
			return StateHash{}, fmt.Errorf("states differ: %s", text)
		}
	}
	return states[0], nil
}

// Mesh returns nil when every node has every other as a peer.
func Mesh(nodes []*Node) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			s, err := n.Status()
			if err == nil && s.Peers != len(nodes)-1 {
				err = fmt.Errorf("node %s has %d of %d peers", n.Name, s.Peers, len(nodes)-1)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
