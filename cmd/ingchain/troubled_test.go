package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// What becomes of a payment handed to a troubled node.
const (
	healthy     int32 = iota
	answerLost        // it takes the payment, and its answer is lost
	neverThere        // the payment is lost on the way
	refusing          // its policy refuses the payment
	wantsCoins        // it misses the coins, and may keep the payment until they come
	shuttingOff       // it is ending
)

// troubled is what stands between a wallet and its node.
type troubled struct {
	trouble atomic.Int32
	lies    atomic.Pointer[[]*lie] // nil: it tells what the node does
	behind  atomic.Int32           // how often yet its index is late when asked for a payment
	proxy   *httputil.ReverseProxy
}

func (n *troubled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Whole, before it goes on: a reverse proxy may lose an answer that comes
	// before it has seen the end of the question.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasPrefix(r.URL.Path, "/v1/txs/") && n.behind.Add(-1) >= 0 {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(api.Problem{Title: "late", Status: http.StatusServiceUnavailable, Detail: "late", Code: api.CodeIndexBehind})
		return
	}
	trouble := n.trouble.Load()
	if r.URL.Path != "/v1/txs" || trouble == healthy {
		n.proxy.ServeHTTP(w, r)
		return
	}
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(api.Problem{Title: "refused", Status: status, Detail: "refused: " + code, Code: code})
	}
	switch trouble {
	case refusing:
		refuse(http.StatusUnprocessableEntity, "pool-fee-low")
	case wantsCoins:
		refuse(http.StatusConflict, "state-missing-coin")
	case shuttingOff:
		refuse(http.StatusServiceUnavailable, "shutting-down")
	case answerLost:
		n.proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case neverThere:
		panic(http.ErrAbortHandler)
	}
}

// bank is a wallet with 10 ING on a node of its own that may be troubled.
type bank struct {
	t     *testing.T
	dir   string // of the wallet, and of what stands before the node
	node  *troubled
	c     *api.Client // to the node itself
	store *keystore.Store
	to    string
	pw    string // file
}

func newBank(t *testing.T) *bank {
	t.Helper()
	root := t.TempDir()
	nodeDir := filepath.Join(root, "node")
	_, c := upNode(t, nodeDir)
	u, err := url.Parse(c.Endpoint().URL)
	if err != nil {
		t.Fatal(err)
	}
	n := &troubled{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}}
	n.proxy.ModifyResponse = n.answer
	front := httptest.NewServer(n)
	t.Cleanup(front.Close)

	b := &bank{t: t, dir: filepath.Join(root, "wallet"), node: n, c: c, pw: filepath.Join(root, "pw"),
		to: core.Address{Hash: [20]byte{1}}.Encode(c.Params().AddressPrefix)}
	rules, err := core.NewRules(c.Params())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.pw, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := node.BindNetwork(b.dir, rules); err != nil {
		t.Fatal(err)
	}
	m, err := keystore.NewMnemonic(quickKeys, false, wallet.English)
	if err != nil {
		t.Fatal(err)
	}
	if b.store, err = keystore.Create(b.dir, rules, m, wallet.Passphrase{}, wallet.NewPassphrase("pw"), unixNow(), quickKeys); err != nil {
		t.Fatal(err)
	}
	own, err := b.store.NewAddress(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.MineOnce(t.Context(), 2, own.Address.Encode(c.Params().AddressPrefix)); err != nil {
		t.Fatal(err)
	}
	endpoint, err := json.Marshal(map[string]any{"url": front.URL, "token": c.Endpoint().Token, "pid": os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "api.json"), endpoint, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// send pays 1 ING while the node has a trouble.
func (b *bank) send(trouble int32, id string, code int) (sent, string) {
	b.t.Helper()
	b.node.trouble.Store(trouble)
	p := start(b.t, "wallet", "send", b.to, "1", "--id", id, "--yes", "--json", "--passphrase-file", b.pw, "--data-dir", b.dir)
	var out bytes.Buffer
	for l := range p.lines {
		out.WriteString(l)
	}
	p.ends(code)
	var s sent
	if code == 0 {
		if err := json.Unmarshal(out.Bytes(), &s); err != nil {
			b.t.Fatalf("%s: %v", out.Bytes(), err)
		}
	}
	return s, p.said()
}

// has tells the payment of an id, if it is remembered.
func (b *bank) has(id string) *keystore.Send {
	b.t.Helper()
	st, err := b.store.State()
	if err != nil {
		b.t.Fatal(err)
	}
	s, _ := st.Send(id)
	return s
}

// pool is how many payments the node has.
func (b *bank) pool() int {
	b.t.Helper()
	m, err := b.c.Mempool(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return m.Count
}

// Whatever becomes of the first attempt, the same id sends the same payment, once;
// and coins are free again only if nobody can have it mined.
func TestSendToATroubledNode(t *testing.T) {
	b := newBank(t)
	// The answer is lost, the payment is not.
	_, said := b.send(answerLost, "lost", exitUnreachable)
	if !strings.Contains(said, "repeat the command with --id lost") || b.pool() != 1 {
		t.Errorf("the pool has %d; it said %s", b.pool(), said)
	}
	kept := b.has("lost")
	// A node that refuses it now may not be the one that took it.
	b.send(refusing, "lost", 0) // known to the node behind, as it can tell
	if b.has("lost") == nil {
		t.Fatal("a payment was forgotten that is on its way")
	}
	again, _ := b.send(healthy, "lost", 0)
	if again.TxID != kept.TxID || again.Status != api.StatusKnown || b.pool() != 1 {
		t.Errorf("got %+v, pool %d", again, b.pool())
	}

	// It never arrived: the same bytes go later.
	b.send(neverThere, "late", exitUnreachable)
	kept = b.has("late")
	if b.pool() != 1 || kept == nil || !kept.Recorded() {
		t.Fatalf("pool %d, %+v", b.pool(), kept)
	}
	b.send(shuttingOff, "late", exitUnreachable)
	b.send(refusing, "late", exitFailed)
	b.send(wantsCoins, "late", exitFailed)
	if again, _ = b.send(healthy, "late", 0); again.TxID != kept.TxID || again.Status != api.StatusAccepted || b.pool() != 2 {
		t.Errorf("got %+v, pool %d", again, b.pool())
	}
	if _, err := b.c.MineOnce(t.Context(), 1, ""); err != nil {
		t.Fatal(err)
	}

	// Refused at once: nobody has it, so its coins are free.
	_, said = b.send(refusing, "refused", exitFailed)
	if b.has("refused") != nil || !strings.Contains(said, "its coins are free again") {
		t.Errorf("%+v; it said %s", b.has("refused"), said)
	}
	// Missing coins may come, so they are not.
	_, said = b.send(wantsCoins, "waits", exitFailed)
	if s := b.has("waits"); s == nil || !s.Recorded() || !strings.Contains(said, "it may still come through") {
		t.Errorf("%+v; it said %s", s, said)
	}
	much := start(t, "wallet", "send", b.to, "9", "--yes", "--passphrase-file", b.pw, "--data-dir", b.dir)
	much.ends(exitFailed)
	if !strings.Contains(much.said(), "they belong to waits; 'ingchain wallet forget ID'") {
		t.Errorf("it does not say who has the coins: %s", much.said())
	}
}

// An index that is late for a moment is no reason to stop waiting for a block.
func TestWaitingOutlastsALateIndex(t *testing.T) {
	b := newBank(t)
	b.node.behind.Store(1)
	p := start(t, "wallet", "send", b.to, "1", "--wait", "--yes", "--passphrase-file", b.pw, "--data-dir", b.dir)
	waitFor(t, func() bool { return b.pool() == 1 && b.node.behind.Load() <= 0 })
	if _, err := b.c.MineOnce(t.Context(), 1, ""); err != nil {
		t.Fatal(err)
	}
	p.ends(0)

	// How long it waits is still the user's to say.
	b.node.behind.Store(1000)
	start(t, "wallet", "send", b.to, "1", "--wait", "--timeout", "1ms", "--yes", "--passphrase-file", b.pw, "--data-dir", b.dir).ends(exitTimeout)
}
