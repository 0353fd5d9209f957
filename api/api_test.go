package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ingchain/ingchain/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBackend is a node of three blocks. It records what changes state.
type fakeBackend struct {
	err error // what every call fails with, unless nil

	mu      sync.Mutex // guards calls
	calls   []string   // calls that change state, with their arguments
	release chan struct{}
	panics  bool
}

var _ Backend = (*fakeBackend)(nil)

func (f *fakeBackend) did(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeBackend) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func id(n byte) core.Hash { return core.Hash{0: n, 31: 0xff} }

func block(height uint32) Block {
	return Block{Height: height, ID: id(byte(height)), Bits: "207fffff", Txs: 1, Size: 200, Time: 1_795_132_800_000}
}

func detail(height uint32, raw bool) BlockDetail {
	d := BlockDetail{Block: block(height), Status: "active", Confirmations: 1, Transactions: []Tx{{
		TxID: id(9), Inputs: []TxInput{}, Outputs: []TxOutput{{Value: core.MaxAmount, Address: "ing1…"}},
	}}}
	if raw {
		d.Raw = "00ff"
	}
	return d
}

func (f *fakeBackend) Params() *core.Params { return core.Dev() }
func (f *fakeBackend) Head(context.Context) (BlockDetail, error) {
	if f.panics {
		panic("secret of the house")
	}
	return detail(2, false), f.err
}
func (f *fakeBackend) BlockByID(_ context.Context, h core.Hash, raw bool) (BlockDetail, error) {
	for i := range uint32(3) {
		if id(byte(i)) == h {
			return detail(i, raw), f.err
		}
	}
	return BlockDetail{}, fmt.Errorf("%w: block %s", ErrNotFound, h)
}
func (f *fakeBackend) BlockByHeight(_ context.Context, height uint32, raw bool) (BlockDetail, error) {
	if height > 2 {
		return BlockDetail{}, fmt.Errorf("%w: height %d", ErrNotFound, height)
	}
	return detail(height, raw), f.err
}

// tallTip makes a chain that takes several pages.
const tallTip = 2*maxPage + 10

func (f *fakeBackend) Blocks(_ context.Context, from *uint32, limit int) (blocks []Block, err error) {
	h := uint32(tallTip)
	if from != nil {
		h = min(h, *from)
	}
	for ; limit > 0; limit-- {
		blocks = append(blocks, block(h))
		if h == 0 {
			break
		}
		h--
	}
	return blocks, f.err
}
func (f *fakeBackend) Forks(context.Context) ([]Fork, error) {
	return []Fork{{Tip: TipInfo{Height: 2, ID: id(2)}, ForkHeight: 1, Length: 1, Status: "valid"}}, f.err
}
func (f *fakeBackend) StateHash(_ context.Context, full bool) (StateHash, error) {
	s := StateHash{Height: 2, ID: id(2), UTXOCount: 1, Hash: id(7)}
	if full {
		s.UTXOCount = 2
	}
	return s, f.err
}
func (f *fakeBackend) Verify(_ context.Context, progress func(done, total uint32)) (VerifyResult, error) {
	progress(1, 2)
	progress(2, 2)
	return VerifyResult{OK: false, Height: 2, Problems: []string{"a coin is altered"}}, f.err
}
func (f *fakeBackend) Export(_ context.Context, w io.Writer) (Ref, error) {
	if errors.Is(f.err, errEarly) {
		return Ref{}, f.err
	}
	if _, err := w.Write(bytes.Repeat([]byte("block"), 100_000)); err != nil {
		return Ref{}, err
	}
	return Ref{Height: 2, ID: id(2)}, f.err
}
func (f *fakeBackend) Status(context.Context) (Status, error) {
	return Status{Version: "v0", Network: "dev", PeerID: "12D3", Tip: TipInfo{Height: 2, ID: id(2)}}, f.err
}
func (f *fakeBackend) ID(context.Context) (ID, error) { return ID{PeerID: "12D3"}, f.err }
func (f *fakeBackend) Peers(context.Context) ([]Peer, error) {
	return []Peer{{PeerID: "12D3", Joined: true, LatencyMS: 1.5}}, f.err
}
func (f *fakeBackend) Connect(_ context.Context, addr string) (Peer, error) {
	f.did("connect %s", addr)
	return Peer{PeerID: "12D3", Joined: true}, f.err
}
func (f *fakeBackend) Disconnect(_ context.Context, peer string) error {
	f.did("disconnect %s", peer)
	return f.err
}
func (f *fakeBackend) ListenAddrs(context.Context) ([]string, error) { return nil, f.err }
func (f *fakeBackend) Topics(context.Context) ([]Topic, error) {
	return []Topic{{Topic: "/ingchain/blocks"}}, f.err
}
func (f *fakeBackend) Announcements(ctx context.Context) iter.Seq2[Announcement, error] {
	return func(yield func(Announcement, error) bool) {
		if yield(Announcement{Topic: "t", From: "12D3", Block: block(2), Received: 5}, nil) {
			<-ctx.Done()
		}
	}
}

// Events yields the blocks behind the cursor, fails if f.err is set, and follows.
func (f *fakeBackend) Events(ctx context.Context, since string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var next uint32
		switch since {
		case "", "genesis":
		case "0", "1", "2":
			next = uint32(since[0]-'0') + 1
		default:
			yield(Event{}, fmt.Errorf("%w: cursor %q", ErrNotFound, since))
			return
		}
		for ; next < 3; next++ {
			if !yield(Event{Type: "apply", Block: block(next), Cursor: fmt.Sprint(next)}, nil) {
				return
			}
		}
		if f.err != nil {
			yield(Event{}, f.err)
			return
		}
		<-ctx.Done()
	}
}
func (f *fakeBackend) SyncStatus(context.Context) (SyncStatus, error) {
	return SyncStatus{Synced: true, Rate: 2.5}, f.err
}
func (f *fakeBackend) MineOnce(ctx context.Context, n int, address string) ([]MinedBlock, error) {
	f.did("mine %d %s", n, address)
	if f.release != nil {
		select {
		case <-f.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return []MinedBlock{{Height: 3, ID: id(3)}}, f.err
}
func (f *fakeBackend) StartMining(_ context.Context, address string, threads int) (MiningStatus, error) {
	f.did("start %s %d", address, threads)
	return MiningStatus{Mining: true, Threads: threads, Address: address}, f.err
}
func (f *fakeBackend) StopMining(context.Context) (MiningStatus, error) {
	f.did("stop")
	return MiningStatus{}, f.err
}
func (f *fakeBackend) MiningStatus(context.Context) (MiningStatus, error) {
	return MiningStatus{Found: 4}, f.err
}
func (f *fakeBackend) Invalidate(_ context.Context, h core.Hash) (Ref, error) {
	f.did("invalidate %s", h.Short())
	return Ref{Height: 1, ID: id(1)}, f.err
}
func (f *fakeBackend) Reconsider(_ context.Context, h core.Hash) (Ref, error) {
	f.did("reconsider %s", h.Short())
	return Ref{Height: 2, ID: id(2)}, f.err
}
func (f *fakeBackend) Import(_ context.Context, r io.Reader) (Ref, error) {
	if errors.Is(f.err, errEarly) {
		return Ref{}, f.err
	}
	b, err := io.ReadAll(r)
	f.did("import %d bytes", len(b))
	return Ref{Height: 2, ID: id(2)}, errors.Join(err, f.err)
}

// errEarly makes the fake fail before it has written anything.
var errEarly = fmt.Errorf("%w: early", ErrFailed)

const testToken = "0123456789abcdef"

// serve runs a server of b until the test ends and returns its URL.
func serve(t *testing.T, b Backend) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := serveOn(t, ln, NewServer(b, Config{Token: testToken}))
	t.Cleanup(func() { stop() })
	return URL(ln)
}

// serveOn returns a function that stops the server and says how long that took.
func serveOn(t *testing.T, ln net.Listener, s *Server) func() time.Duration {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	var once sync.Once
	var took time.Duration
	return func() time.Duration {
		once.Do(func() {
			start := time.Now()
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
			took = time.Since(start)
		})
		return took
	}
}

func dial(t *testing.T, url string) *Client {
	t.Helper()
	c, err := NewClient(t.Context(), Endpoint{URL: url, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// each calls every method of a backend that answers with one value.
var each = map[string]func(context.Context, Backend) (any, error){
	"Head":       func(ctx context.Context, b Backend) (any, error) { return b.Head(ctx) },
	"BlockByID":  func(ctx context.Context, b Backend) (any, error) { return b.BlockByID(ctx, id(1), true) },
	"ByHeight":   func(ctx context.Context, b Backend) (any, error) { return b.BlockByHeight(ctx, 1, false) },
	"Blocks":     func(ctx context.Context, b Backend) (any, error) { h := uint32(7); return b.Blocks(ctx, &h, 3) },
	"Forks":      func(ctx context.Context, b Backend) (any, error) { return b.Forks(ctx) },
	"StateHash":  func(ctx context.Context, b Backend) (any, error) { return b.StateHash(ctx, false) },
	"StateFull":  func(ctx context.Context, b Backend) (any, error) { return b.StateHash(ctx, true) },
	"Status":     func(ctx context.Context, b Backend) (any, error) { return b.Status(ctx) },
	"ID":         func(ctx context.Context, b Backend) (any, error) { return b.ID(ctx) },
	"Peers":      func(ctx context.Context, b Backend) (any, error) { return b.Peers(ctx) },
	"Connect":    func(ctx context.Context, b Backend) (any, error) { return b.Connect(ctx, "/ip4/127.0.0.1") },
	"Disconnect": func(ctx context.Context, b Backend) (any, error) { return nil, b.Disconnect(ctx, "12D3") },
	"Listen":     func(ctx context.Context, b Backend) (any, error) { return b.ListenAddrs(ctx) },
	"Topics":     func(ctx context.Context, b Backend) (any, error) { return b.Topics(ctx) },
	"Sync":       func(ctx context.Context, b Backend) (any, error) { return b.SyncStatus(ctx) },
	"MineOnce":   func(ctx context.Context, b Backend) (any, error) { return b.MineOnce(ctx, 2, "ing1") },
	"Start":      func(ctx context.Context, b Backend) (any, error) { return b.StartMining(ctx, "ing1", 2) },
	"Stop":       func(ctx context.Context, b Backend) (any, error) { return b.StopMining(ctx) },
	"Mining":     func(ctx context.Context, b Backend) (any, error) { return b.MiningStatus(ctx) },
	"Invalidate": func(ctx context.Context, b Backend) (any, error) { return b.Invalidate(ctx, id(1)) },
	"Reconsider": func(ctx context.Context, b Backend) (any, error) { return b.Reconsider(ctx, id(1)) },
	"Import": func(ctx context.Context, b Backend) (any, error) {
		return b.Import(ctx, bytes.NewReader(make([]byte, 3<<20)))
	},
	"SubmitTx":   func(ctx context.Context, b Backend) (any, error) { return b.SubmitTx(ctx, []byte{1, 2}) },
	"SubmitTxs":  func(ctx context.Context, b Backend) (any, error) { return b.SubmitTxs(ctx, [][]byte{{1}, {2}}) },
	"Tx":         func(ctx context.Context, b Backend) (any, error) { return b.Tx(ctx, id(4), true) },
	"TxNoRaw":    func(ctx context.Context, b Backend) (any, error) { return b.Tx(ctx, id(4), false) },
	"Mempool":    func(ctx context.Context, b Backend) (any, error) { return b.Mempool(ctx) },
	"MempoolTxs": func(ctx context.Context, b Backend) (any, error) { return b.MempoolTxs(ctx, 7, 12) },
	"Fees":       func(ctx context.Context, b Backend) (any, error) { return b.Fees(ctx, []int{1, 6}) },
	"FeesAny":    func(ctx context.Context, b Backend) (any, error) { return b.Fees(ctx, nil) },
	"Address":    func(ctx context.Context, b Backend) (any, error) { return b.Address(ctx, "ing 1/?#%2e") },
	"Coins":      func(ctx context.Context, b Backend) (any, error) { return b.AddressCoins(ctx, "ing1/..", "3-0-1", 5) },
	"History":    func(ctx context.Context, b Backend) (any, error) { return b.AddressHistory(ctx, "ing1", "3-0-1", 6) },
	"Wallet": func(ctx context.Context, b Backend) (any, error) {
		return b.WalletView(ctx, WalletQuery{Addresses: []string{"a", "b"}, Since: 7})
	},
	"Export": func(ctx context.Context, b Backend) (any, error) {
		var w bytes.Buffer
		tip, err := b.Export(ctx, &w)
		return []any{tip, w.Len()}, err
	},
	"Verify": func(ctx context.Context, b Backend) (any, error) {
		var seen [][2]uint32
		r, err := b.Verify(ctx, func(done, total uint32) { seen = append(seen, [2]uint32{done, total}) })
		return []any{r, seen}, err
	},
}

// Every call through HTTP gives what the backend gives, and does what it does.
func TestRoundTrip(t *testing.T) {
	remote, local := &fakeBackend{}, &fakeBackend{}
	c := dial(t, serve(t, remote))
	if c.Params().Genesis().ID() != core.Dev().Genesis().ID() {
		t.Error("the client has other parameters than the node")
	}
	nilIsEmpty := cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())
	for name, call := range each {
		got, err := call(t.Context(), c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want, _ := call(t.Context(), local)
		if diff := cmp.Diff(want, got, nilIsEmpty, cmp.Comparer(func(a, b core.Work) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s: (-backend +client)\n%s", name, diff)
		}
		if diff := cmp.Diff(local.changes(), remote.changes()); diff != "" {
			t.Errorf("%s: effects (-direct +through HTTP)\n%s", name, diff)
		}
	}
}

// Every kind of error crosses HTTP with its message; an unknown one keeps its
// message to the node.
func TestErrorsCross(t *testing.T) {
	for _, kind := range []error{ErrBadRequest, ErrNotFound, ErrNotAllowed, ErrTimeout, ErrShuttingDown, ErrFailed, ErrBusy} {
		b := &fakeBackend{err: fmt.Errorf("%w: because", kind)}
		c := dial(t, serve(t, b))
		for name, call := range each {
			_, err := call(t.Context(), c)
			if !errors.Is(err, kind) || err.Error() != b.err.Error() {
				t.Errorf("%s: got %v, want %v", name, err, b.err)
			}
		}
	}
	c := dial(t, serve(t, &fakeBackend{err: errors.New("/home/me/secret is corrupt")}))
	for name, call := range each {
		_, err := call(t.Context(), c)
		var e *Error
		if !errors.As(err, &e) || e.Code != codeInternal || errors.Unwrap(e) != nil {
			t.Errorf("%s: got %v, want an internal error", name, err)
		} else if bytes.Contains([]byte(err.Error()), []byte("secret")) {
			t.Errorf("%s: %v tells what only the log may know", name, err)
		}
	}
}

// An export that fails before its first byte answers with the failure itself, and
// an import that fails before its last byte does not wait for that.
func TestTransferFailsEarly(t *testing.T) {
	c := dial(t, serve(t, &fakeBackend{err: errEarly}))
	if _, err := c.Export(t.Context(), io.Discard); !errors.Is(err, ErrFailed) {
		t.Errorf("export: got %v, want %v", err, ErrFailed)
	}
	if _, err := c.Import(t.Context(), bytes.NewReader(make([]byte, 64<<20))); !errors.Is(err, ErrFailed) {
		t.Errorf("import: got %v, want %v", err, ErrFailed)
	}
}

func TestListBlocksPages(t *testing.T) {
	c := dial(t, serve(t, &fakeBackend{}))
	for _, n := range []int{1, maxPage, maxPage + 1, tallTip + 1, tallTip + 50} {
		blocks, err := ListBlocks(t.Context(), c, nil, n)
		if err != nil {
			t.Fatal(err)
		}
		if want := min(n, tallTip+1); len(blocks) != want {
			t.Errorf("asked for %d, got %d blocks, want %d", n, len(blocks), want)
		}
		for i, b := range blocks {
			if b.Height != uint32(tallTip-i) {
				t.Fatalf("block %d has height %d", i, b.Height)
			}
		}
	}
}
