package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/internal/fuzzing"
)

// memoryFactor is how many bytes of memory a body may take per byte of it, the
// answer included.
const memoryFactor = 512

// handle gives a request to a server of a fake node. Streams end at once: the
// request's context is done. It fails if the answer is neither what was asked for
// nor a problem of the client's, in the form of one.
func handle(t *testing.T, f *fakeBackend, method, path, query, media string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := (&http.Request{
		Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost", Header: http.Header{"Content-Type": {media}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	w := httptest.NewRecorder()
	NewServer(f, Config{}).ServeHTTP(w, r)
	if w.Code == http.StatusOK || w.Code >= 300 && w.Code < 400 { // the mux cleans paths by sending elsewhere
		return w
	}
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" || p.Title == "" ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s %q?%q: %d with %q is no problem document: %v", method, path, query, w.Code, w.Body, err)
	}
	if w.Code >= 500 || !slices.ContainsFunc(kinds, func(k struct {
		kind   error
		status int
		code   string
	}) bool {
		return k.code == p.Code
	}) && p.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%s %q?%q %q: %+v", method, path, query, body, p)
	}
	return w
}

// posts are the routes with a JSON body, and what reads it.
var posts = map[string]func() any{
	"/v1/peers/connect":    func() any { return new(connectRequest) },
	"/v1/peers/disconnect": func() any { return new(disconnectRequest) },
	"/v1/chain/invalidate": func() any { return new(blockRequest) },
	"/v1/chain/reconsider": func() any { return new(blockRequest) },
	"/v1/mining/once":      func() any { return new(mineOnceRequest) },
	"/v1/mining/start":     func() any { return new(mineStartRequest) },
	"/v1/mining/stop":      func() any { return new(struct{}) },
	"/v1/chain/verify":     func() any { return new(struct{}) },
	"/v1/txs":              func() any { return new(submitRequest) },
	"/v1/txs/batch":        func() any { return new(batchRequest) },
	"/v1/addresses/query":  func() any { return new(WalletQuery) },
}

// FuzzPost sends bodies to every route that takes JSON. One that is obeyed is one
// object with the route's keys as they are written, each at most once; one that
// is refused has changed nothing.
func FuzzPost(f *testing.F) {
	var paths []string
	for path := range posts {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, rt := range routes {
		if rt.method == http.MethodPost && rt.path != "/v1/chain/import" && posts[rt.path] == nil {
			f.Fatalf("route %s is not fuzzed", rt.path)
		}
	}
	for i, body := range []string{
		`{"addr":"/ip4/10.0.0.1/tcp/1"}`, `{}`, `{"id":"` + id(1).String() + `"}`, `{"n":1e999}`, `{"n":2,"address":"ing1"}`,
		`{"address":"a","ADDRESS":"b"}`, `{"threads":1}`, `{"addreſs":"b"}`, `{"peer_id":"x","peer_id":"y"}`, `{"n":1,"n":2}`, `{"peer_id":null}{}`,
		`{"tx":"00ff"}`, `{"tx":"0"}`, `{"tx":"` + strings.Repeat("00", 1<<19) + `"}`, `{"txs":["00","ff"]}`, `{"txs":[]}`, `{"txs":["00",1]}`,
		`{"txs":[` + strings.Repeat(`"00",`, MaxSubmit) + `"00"]}`, `{"addresses":["ingdev1"],"since":3}`, `{"addresses":[],"since":-1}`,
		`[]`, `"x"`, "{\"addr\":\"\xff\"}", strings.Repeat(`{"a":`, 10_000), `{"id":"` + strings.ToUpper(id(1).String()) + `"}`,
	} {
		for n := range paths {
			if n == i%len(paths) || len(body) < 40 {
				f.Add(byte(n), "application/json", []byte(body))
			}
		}
	}
	f.Add(byte(0), "text/plain", []byte("{}"))
	f.Fuzz(func(t *testing.T, n byte, media string, body []byte) {
		path := paths[int(n)%len(paths)]
		var w *httptest.ResponseRecorder
		var backend *fakeBackend
		fuzzing.Proportional(t, len(body)+len(media)+64, memoryFactor, func() {
			backend = &fakeBackend{}
			w = handle(t, backend, http.MethodPost, path, "", media, body)
		})
		done := backend.changes()
		if w.Code != http.StatusOK {
			if len(done) != 0 {
				t.Fatalf("%s %q: refused with %d, but did %q", path, body, w.Code, done)
			}
			return
		}
		question := path == "/v1/chain/verify" || path == "/v1/addresses/query"
		if len(done) > 1 || (len(done) == 0) != question {
			t.Fatalf("%s %q: did %q", path, body, done)
		}
		got, known := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		if err := json.Unmarshal(body, &got); err != nil || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
			t.Fatalf("%s obeys %q: %v", path, body, err)
		}
		if n := keysOf(body); n != len(got) {
			t.Fatalf("%s obeys %q, where %d keys are %d", path, body, n, len(got))
		}
		q := posts[path]()
		if err := json.Unmarshal(body, q); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &known); err != nil {
			t.Fatal(err)
		}
		for key := range got {
			if _, ok := known[key]; !ok {
				t.Fatalf("%s obeys %q with the key %q", path, body, key)
			}
		}
		// Read again by itself, without what might have been there twice.
		only, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		second := &fakeBackend{}
		if handle(t, second, http.MethodPost, path, "", "application/json", only); !slices.Equal(second.changes(), done) {
			t.Fatalf("%s %q: did %q, told as %q %q", path, body, done, only, second.changes())
		}
	})
}

// keysOf counts the keys of a JSON object, those that are there twice too.
func keysOf(object []byte) (n int) {
	dec := json.NewDecoder(bytes.NewReader(object))
	_, err := dec.Token()
	for ; err == nil && dec.More(); n++ {
		var value json.RawMessage
		if _, err = dec.Token(); err == nil {
			err = dec.Decode(&value)
		}
	}
	return n
}

// FuzzGet asks for anything. No question changes the node, none is a failure of
// its own, and no answer is longer than a page.
func FuzzGet(f *testing.F) {
	for _, rt := range routes {
		if rt.method == http.MethodGet {
			f.Add(rt.path, "")
		}
	}
	for _, q := range []string{"limit=5", "limit=500&from=3", "limit=501", "limit=-1", "from=4294967296", "limit=1&limit=2", "from=%zz", "from=&limit="} {
		f.Add("/v1/chain/blocks", q)
	}
	for _, q := range []string{"since=2", "since=genesis", "since=" + id(1).String(), "since=%00"} {
		f.Add("/v1/events", q)
	}
	f.Add("/v1/chain/blocks/2", "raw=true")
	f.Add("/v1/chain/blocks/"+id(1).String(), "raw=maybe")
	f.Add("/v1/chain/blocks/99999999999", "")
	f.Add("/v1/chain/statehash", "full=1")
	f.Add("//v1/../x", "")
	f.Add("/v1/txs/"+id(4).String(), "raw=true")
	f.Add("/v1/txs/04", "raw=true")
	f.Add("/v1/addresses/ingdev1%2f/utxos", "cursor=1-2-3&limit=1000")
	for _, q := range []string{"targets=1,3,6", "targets=0", "targets=1,", "targets=1009", "targets=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "targets=+1"} {
		f.Add("/v1/fees", q)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		backend := &fakeBackend{}
		w := handle(t, backend, http.MethodGet, path, query, "", nil)
		if done := backend.changes(); len(done) != 0 {
			t.Fatalf("%q?%q did %q", path, query, done)
		}
		if w.Code != http.StatusOK {
			return
		}
		if path == "/v1/chain/blocks" {
			var blocks []Block
			if err := json.Unmarshal(w.Body.Bytes(), &blocks); err != nil || len(blocks) > maxPage {
				t.Fatalf("%q: %d blocks, %v", query, len(blocks), err)
			}
			q, _ := url.ParseQuery(query)
			if n, err := strconv.Atoi(q.Get("limit")); err == nil && len(blocks) > n {
				t.Fatalf("%q: %d blocks", query, len(blocks))
			}
		}
		switch w.Header().Get("Content-Type") {
		case "application/json":
			if !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%q?%q: %q", path, query, w.Body)
			}
		case "application/x-ndjson":
			for line := range bytes.Lines(w.Body.Bytes()) {
				if !json.Valid(line) {
					t.Fatalf("%q?%q: line %q", path, query, line)
				}
			}
		case "application/octet-stream":
		default:
			t.Fatalf("%q?%q answers with %v", path, query, w.Header())
		}
	})
}

// answers is a transport that answers everything alike.
type answers struct {
	status  int
	trailer string
	body    []byte
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status), Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader(a.body)), Trailer: http.Header{trailerTip: {a.trailer}, trailerProblem: {a.trailer}},
	}, nil
}

// FuzzClient lets anything answer a client. It returns what it was told, or an
// error: of the node's, with a code, or that what answers is no node. A stream
// yields at most an item a line.
func FuzzClient(f *testing.F) {
	f.Add(byte(0), 200, `{"version":"v1"}`, "")
	f.Add(byte(0), 404, `{"title":"Not Found","status":404,"code":"not-found"}`, "")
	f.Add(byte(0), 502, `<html>`, "")
	f.Add(byte(1), 200, `[{"height":1},null]`, "")
	f.Add(byte(2), 200, "{\"type\":\"apply\"}\n{\"error\":{\"code\":\"busy\",\"status\":503}}\n", "")
	f.Add(byte(3), 200, "{\"done\":1}\n{\"result\":{\"ok\":true}}", "")
	f.Add(byte(4), 200, "bytes", `{"height":1}`)
	f.Add(byte(5), 409, `{"code":"of a later release","status":409}`, "")
	f.Fuzz(func(t *testing.T, call byte, status int, body, trailer string) {
		c := &Client{endpoint: Endpoint{URL: "http://localhost:1"}, http: &http.Client{
			Transport:     answers{status, trailer, []byte(body)},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		var err error
		items := 0
		ctx := context.Background()
		switch call % 6 {
		case 0:
			_, err = c.Status(ctx)
		case 1:
			_, err = c.Blocks(ctx, nil, 3)
		case 2:
			for _, e := range c.Events(ctx, "") {
				if err = e; e == nil {
					items++
				}
			}
		case 3:
			_, err = c.Verify(ctx, func(uint32, uint32) { items++ })
		case 4:
			var out bytes.Buffer
			if _, err = c.Export(ctx, &out); status == http.StatusOK && out.String() != body {
				t.Fatalf("exported %q, got %q", body, out.String())
			}
		case 5:
			_, err = c.Connect(ctx, "x")
		}
		if items > strings.Count(body, "\n")+1 {
			t.Fatalf("%d items in %q", items, body)
		}
		var said *Error
		if errors.As(err, &said) && said.Code == "" && status != http.StatusOK {
			t.Fatalf("%d %q: %+v has no code", status, body, said)
		}
		if status != http.StatusOK && said == nil && !errors.Is(err, ErrUnreachable) {
			t.Fatalf("%d %q: %v", status, body, err)
		}
		if call%6 == 2 && err == nil {
			t.Fatalf("a stream of %q ends without a word", body)
		}
	})
}

// FuzzReadEndpoint: the file that names a node's API is read as written, or names
// no node.
func FuzzReadEndpoint(f *testing.F) {
	f.Add([]byte(`{"url":"http://127.0.0.1:8557","token":"abc","pid":3}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"url":7}`))
	f.Add(append([]byte(`{"url":"`), bytes.Repeat([]byte("x"), maxEndpointFile)...))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(dir, EndpointFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := ReadEndpoint(dir)
		if err != nil {
			if !errors.Is(err, ErrUnreachable) || e != (Endpoint{}) {
				t.Fatalf("%q: %+v, %v", raw, e, err)
			}
			return
		}
		if e.URL == "" {
			t.Fatalf("%q is an endpoint without a URL", raw)
		}
		if err := WriteEndpoint(dir, e); err != nil {
			t.Fatal(err)
		}
		back, err := ReadEndpoint(dir)
		if err == nil && back != e || err != nil && len(fmt.Sprint(e)) < maxEndpointFile/6 {
			t.Fatalf("%+v is read back as %+v: %v", e, back, err)
		}
	})
}
