package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/miner"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/discovery"
	"github.com/ingchain/ingchain/protocol"
)

// connectTimeout is how long Connect waits for a peer to answer hello.
const connectTimeout = 10 * time.Second

// refusalWait is how long after a failed dial a refusal may still come to light.
const refusalWait = 300 * time.Millisecond

func parseListen(addrs []string) ([]ma.Multiaddr, error) {
	var list []ma.Multiaddr
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("%w: listen address %q: %w (an example: /ip4/0.0.0.0/tcp/8555)", api.ErrBadRequest, s, err)
		}
		list = append(list, a)
	}
	return list, nil
}

// Status implements [api.Backend].
func (n *Node) Status(ctx context.Context) (api.Status, error) {
	tip, head := n.chain.Tip(), n.chain.BestHeader()
	sync, mining := n.proto.Status(), n.miner.Status()
	index := n.index.status()
	addrs, err := n.ListenAddrs(ctx)
	return api.Status{
		Version: n.cfg.Version, Network: n.rules.Params().Name, Genesis: n.rules.GenesisID(),
		PeerID: n.host.ID().String(), Addrs: addrs,
		Tip: tipInfo(tip), Headers: ref(head),
		Peers: sync.Peers, Syncing: sync.Syncing,
		Mining: mining.Mining, HashRate: mining.HashRate,
		Mempool: n.poolInfo(), Index: index,
		DataDir: n.cfg.DataDir, API: n.endpoint.URL,
		Uptime: time.Since(n.started).Seconds(), Warnings: slices.Concat(indexWarnings(index), journalWarnings(n.chain.JournalErr()), n.proto.Warnings()),
	}, err
}

// ID implements [api.Backend].
func (n *Node) ID(ctx context.Context) (api.ID, error) {
	addrs, err := n.ListenAddrs(ctx)
	return api.ID{PeerID: n.host.ID().String(), Addrs: addrs, Agent: n.agent()}, err
}

// ListenAddrs implements [api.Backend]: every address can be dialled.
func (n *Node) ListenAddrs(context.Context) ([]string, error) {
	addrs := []string{}
	for _, a := range n.host.DialableAddrs() {
		addrs = append(addrs, a.String())
	}
	return addrs, nil
}

// Peers implements [api.Backend]: those that speak with us, then those that
// discovery knows.
func (n *Node) Peers(context.Context) ([]api.Peer, error) {
	known := map[peer.ID]discovery.PeerInfo{}
	for _, p := range n.dialer.Peers() {
		known[p.Peer] = p
	}
	list := []api.Peer{}
	for _, s := range n.proto.Peers() {
		info := known[s.ID]
		delete(known, s.ID)
		list = append(list, describePeer(s, info))
	}
	for _, info := range known {
		list = append(list, describeKnown(info))
	}
	slices.SortFunc(list, func(a, b api.Peer) int {
		if a.Joined != b.Joined {
			return map[bool]int{true: -1, false: 1}[a.Joined]
		}
		return strings.Compare(a.PeerID, b.PeerID)
	})
	return list, nil
}

// describePeer describes a peer that speaks with us, or did.
func describePeer(s protocol.PeerState, info discovery.PeerInfo) api.Peer {
	p := api.Peer{
		PeerID: s.ID.String(), Direction: s.Direction, Agent: s.Agent, Source: string(info.Kind),
		Tip: api.Ref{Height: s.Tip.Height, ID: s.Tip.ID}, Joined: s.Joined, Reason: s.Reason, Code: s.Code,
		LatencyMS: float64(s.Latency.Microseconds()) / 1000, ClockSkewMS: s.Skew.Milliseconds(),
	}
	switch {
	case s.Addr != "":
		p.Addr = s.Addr + "/p2p/" + p.PeerID
	case len(info.Addrs) > 0:
		p.Addr = info.Addrs[0].String() + "/p2p/" + p.PeerID
	}
	if !s.Connected && (info.Blocked || p.Reason == "") {
		if p.Reason = reason(info); p.Reason != s.Reason {
			p.Code = ""
		}
	}
	if p.Source == "" {
		p.Source = string(discovery.KindInbound)
	}
	if !s.Genesis.IsZero() {
		p.Genesis = s.Genesis.String()
	}
	return p
}

// describeKnown describes a peer that is known and not connected.
func describeKnown(info discovery.PeerInfo) api.Peer {
	p := api.Peer{PeerID: info.Peer.String(), Source: string(info.Kind), Genesis: info.Genesis, Reason: reason(info)}
	if len(info.Addrs) > 0 {
		p.Addr = info.Addrs[0].String() + "/p2p/" + p.PeerID
	}
	return p
}

// reason says why a known peer is not connected.
func reason(info discovery.PeerInfo) string {
	switch {
	case info.Blocked:
		return "disconnected by the operator"
	case info.Refused != "":
		return info.Refused
	case info.LastError != "":
		return "cannot be reached: " + info.LastError
	default:
		return "not connected yet"
	}
}

// Connect implements [api.Backend].
func (n *Node) Connect(ctx context.Context, addr string) (api.Peer, error) {
	infos, err := discovery.ParsePeers([]string{addr})
	if err != nil {
		return api.Peer{}, fmt.Errorf("%w: %w", api.ErrBadRequest, err)
	}
	id := infos[0].ID
	if id == n.host.ID() {
		return api.Peer{}, fmt.Errorf("%w: %s is this node", api.ErrBadRequest, id)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	n.proto.Forgive(id)
	if err := n.join(ctx, infos[0]); err != nil {
		var other *protocol.GenesisError
		if errors.As(err, &other) {
			return api.Peer{}, fmt.Errorf("%w: %s is on another network: its genesis is %s, ours %s", api.ErrNotAllowed, id, other.Theirs, other.Ours)
		}
		return api.Peer{}, fmt.Errorf("%w: connect to %s: %w", api.ErrTimeout, addr, err)
	}
	peers, err := n.Peers(ctx)
	for _, p := range peers {
		if p.PeerID == id.String() {
			return p, err
		}
	}
	return api.Peer{PeerID: id.String(), Addr: addr}, err
}

// join dials a peer and waits for its hello.
func (n *Node) join(ctx context.Context, info peer.AddrInfo) error {
	dialled := n.dialer.Connect(ctx, info)
	if dialled != nil {
		// A stranger may have told us so and hung up before the dial was done.
		short, cancel := context.WithTimeout(ctx, refusalWait)
		defer cancel()
		ctx = short
	}
	if err := n.proto.WaitJoined(ctx, info.ID); err != nil {
		var other *protocol.GenesisError
		if dialled != nil && !errors.As(err, &other) {
			return dialled
		}
		return fmt.Errorf("hello: %w", err)
	}
	return nil
}

// Disconnect implements [api.Backend].
func (n *Node) Disconnect(_ context.Context, peerID string) error {
	id, err := peer.Decode(peerID)
	if err != nil {
		return fmt.Errorf("%w: peer id %q: %w", api.ErrBadRequest, peerID, err)
	}
	known := slices.ContainsFunc(n.dialer.Peers(), func(p discovery.PeerInfo) bool { return p.Peer == id })
	if !known && !slices.ContainsFunc(n.proto.Peers(), func(p protocol.PeerState) bool { return p.ID == id }) {
		return fmt.Errorf("peer %s: %w", peerID, api.ErrNotFound)
	}
	return n.dialer.Block(id)
}

// Topics implements [api.Backend].
func (n *Node) Topics(context.Context) ([]api.Topic, error) {
	topics := []api.Topic{}
	for _, t := range n.proto.Topics() {
		d := api.Topic{Topic: t.Name, Peers: []string{}}
		for _, p := range t.Peers {
			d.Peers = append(d.Peers, p.String())
		}
		topics = append(topics, d)
	}
	return topics, nil
}

// Events implements [api.Backend].
func (n *Node) Events(ctx context.Context, since string) iter.Seq2[api.Event, error] {
	return n.events(ctx, since)
}

// SyncStatus implements [api.Backend].
func (n *Node) SyncStatus(context.Context) (api.SyncStatus, error) {
	s := n.proto.Status()
	return api.SyncStatus{
		Syncing: s.Syncing, Synced: s.Synced, Tip: ref(s.Tip), Target: api.Ref{Height: s.Target.Height, ID: s.Target.ID},
		Peers: s.Peers, Rate: s.Rate, ETA: s.ETA.Seconds(), Message: s.Message,
	}, nil
}

// MineOnce implements [api.Backend].
func (n *Node) MineOnce(ctx context.Context, count int, address string) ([]api.MinedBlock, error) {
	if count < 1 || count > miner.MaxOnce {
		return nil, fmt.Errorf("%w: cannot mine %d blocks at once: choose 1 to %d", api.ErrBadRequest, count, miner.MaxOnce)
	}
	to, err := n.mineTo(address)
	if err != nil {
		return nil, err
	}
	mined, err := n.miner.MineOnce(ctx, count, to)
	if len(mined) > 0 {
		// Whoever is told of a block must find it again after a crash.
		err = errors.Join(err, n.chain.Sync())
	}
	list := make([]api.MinedBlock, len(mined))
	for i, b := range mined {
		list[i] = api.Ref{Height: b.Header.Height, ID: b.ID()}
	}
	return list, err
}

// StartMining implements [api.Backend].
func (n *Node) StartMining(ctx context.Context, address string, threads int) (api.MiningStatus, error) {
	to, err := n.mineTo(address)
	if err != nil {
		return api.MiningStatus{}, err
	}
	if err := n.orders.give(func() error { return n.miner.Start(to, threads) }); err != nil {
		return api.MiningStatus{}, fmt.Errorf("%w: %w", api.ErrBadRequest, err)
	}
	return n.MiningStatus(ctx)
}

// StopMining implements [api.Backend].
func (n *Node) StopMining(ctx context.Context) (api.MiningStatus, error) {
	var rests <-chan struct{}
	stop := func() error { rests = n.miner.Stop(); return nil }
	if err := n.orders.give(stop); err != nil {
		return api.MiningStatus{}, err
	}
	// Whoever stops mining may go on from the tip that it left.
	select {
	case <-rests:
	case <-ctx.Done():
		return api.MiningStatus{}, context.Cause(ctx)
	}
	return n.MiningStatus(ctx)
}

// MiningStatus implements [api.Backend].
func (n *Node) MiningStatus(context.Context) (api.MiningStatus, error) {
	s := n.miner.Status()
	return api.MiningStatus{
		Mining: s.Mining, Threads: s.Threads, Address: s.Address.Encode(n.rules.Params().AddressPrefix),
		HashRate: s.HashRate, Found: s.Found,
	}, nil
}

// Invalidate implements [api.Backend].
func (n *Node) Invalidate(ctx context.Context, id core.Hash) (api.Ref, error) {
	if err := n.guard.Invalidate(ctx, id); err != nil {
		return api.Ref{}, changeError("invalidate "+id.String(), err)
	}
	return ref(n.chain.Tip()), nil
}

// Reconsider implements [api.Backend].
func (n *Node) Reconsider(ctx context.Context, id core.Hash) (api.Ref, error) {
	if err := n.guard.Reconsider(ctx, id); err != nil {
		return api.Ref{}, changeError("reconsider "+id.String(), err)
	}
	return ref(n.chain.Tip()), nil
}

// Import implements [api.Backend].
func (n *Node) Import(ctx context.Context, r io.Reader) (api.Ref, error) {
	tip, err := n.guard.Import(ctx, r, nil)
	return ref(tip), changeError("import", errors.Join(err, n.chain.Sync()))
}

// changeError words a failure to change the chain for the API.
func changeError(what string, err error) error {
	var kind error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, chain.ErrDisk), errors.Is(err, chain.ErrCorrupt):
		// An internal error, for which the node stops.
	case errors.Is(err, chain.ErrNotFound):
		kind = api.ErrNotFound
	case errors.Is(err, chain.ErrGenesis), errors.Is(err, chain.ErrBadExport):
		kind = api.ErrBadRequest
	case errors.Is(err, chain.ErrWrongNetwork):
		kind = api.ErrNotAllowed
	case errors.Is(err, chain.ErrClosed):
		kind = api.ErrShuttingDown
	case core.IsPunishable(err), core.IsDeferred(err):
		kind = api.ErrFailed // a verdict on a block
	}
	if kind == nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w: %s: %w", kind, what, err)
}

// Announcements implements [api.Backend]: nothing is missed from the call on, but
// what a reader is too slow for.
func (n *Node) Announcements(ctx context.Context) iter.Seq2[api.Announcement, error] {
	heard, cancel, err := n.proto.Announcements()
	if err == nil {
		context.AfterFunc(ctx, cancel)
	}
	return func(yield func(api.Announcement, error) bool) {
		if err != nil {
			yield(api.Announcement{}, err)
			return
		}
		defer cancel()
		for {
			select {
			case <-ctx.Done():
				return
			case a := <-heard:
				if !yield(describeAnnouncement(a), nil) {
					return
				}
			}
		}
	}
}

func describeAnnouncement(a protocol.Announcement) api.Announcement {
	out := api.Announcement{Topic: a.Topic, From: a.From.String(), Block: api.HeaderOf(&a.Header), Received: a.Received.UnixMilli(), Missed: a.Missed}
	out.Block.Txs = len(a.Leaves)
	if b, ok := a.Block(); ok { // a coinbase alone is a whole block
		out.Block.Size = b.Size()
	}
	return out
}
