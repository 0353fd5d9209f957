package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

const (
	maxSaved     = 256     // peers in the saved list
	maxSavedFile = 1 << 20 // bytes: 256 peers with 12 addresses take about 200 KiB
)

// savedPeer is a peer of the saved list, as its JSON file has it.
type savedPeer struct {
	ID       peer.ID   `json:"id"`
	Genesis  string    `json:"genesis"`
	LastSeen time.Time `json:"last_seen"`
	Addrs    []string  `json:"addrs"`
}

func (s savedPeer) addrs() []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range s.Addrs {
		if m, err := ma.NewMultiaddr(a); err == nil && len(out) < maxAddrs {
			out = append(out, m)
		}
	}
	return out
}

// savedList holds the peers that were joined. Invariant: at most maxSaved,
// each peer once.
type savedList []savedPeer

// put adds or replaces a peer. If that makes one too many, the one seen
// longest ago goes; put returns who went.
func (l *savedList) put(s savedPeer) (dropped []peer.ID) {
	if i := slices.IndexFunc(*l, func(o savedPeer) bool { return o.ID == s.ID }); i >= 0 {
		(*l)[i] = s
		return nil
	}
	*l = append(*l, s)
	for len(*l) > maxSaved {
		oldest := 0
		for i, o := range *l {
			if o.LastSeen.Before((*l)[oldest].LastSeen) {
				oldest = i
			}
		}
		dropped = append(dropped, (*l)[oldest].ID)
		*l = slices.Delete(*l, oldest, oldest+1)
	}
	return dropped
}

// loadSaved reads the list at path. A missing file is an empty list; so is a
// damaged one, which is kept beside as <path>.damaged, since a node must start
// without it.
func loadSaved(path string, log *slog.Logger) (savedList, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open saved peers: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxSavedFile+1))
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("read saved peers: %w", err)
	}
	list, err := parseSaved(raw)
	if err == nil {
		return list, nil
	}
	aside := path + ".damaged"
	if rerr := os.Rename(path, aside); rerr != nil {
		return nil, fmt.Errorf("saved peers are damaged (%w) and cannot be set aside: %w", err, rerr)
	}
	log.Warn("the saved list of peers is damaged: starting with an empty one", "err", err, "kept_as", aside)
	return nil, nil
}

func parseSaved(raw []byte) (savedList, error) {
	if len(raw) > maxSavedFile {
		return nil, fmt.Errorf("larger than %d bytes", maxSavedFile)
	}
	var file struct {
		Peers []savedPeer `json:"peers"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	var list savedList
	for _, s := range file.Peers {
		if s.ID.Validate() == nil {
			list.put(s)
		}
	}
	return list, nil
}

// keepSaved writes the list after each change, not more often than once in
// saveGap, and at the end.
func (d *Dialer) keepSaved(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			select {
			case <-d.pokeSave:
				d.writeSaved()
			default:
			}
			return
		case <-d.pokeSave:
			d.writeSaved()
		}
		select {
		case <-ctx.Done():
		case <-time.After(saveGap):
		}
	}
}

func (d *Dialer) writeSaved() {
	d.mu.Lock()
	list := slices.Clone(d.saved)
	d.mu.Unlock()
	slices.SortFunc(list, func(a, b savedPeer) int { return b.LastSeen.Compare(a.LastSeen) })
	raw, err := json.MarshalIndent(map[string]any{"peers": list}, "", "  ")
	if err == nil {
		err = atomicfile.Write(d.path, append(raw, '\n'))
	}
	if err != nil {
		d.log.Warn("cannot save the list of peers", "err", err)
	}
}
