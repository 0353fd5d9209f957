package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// request is a raw request with what one case changes.
type request struct {
	method, path string
	host         string
	header       map[string]string
	body         string
}

// do sends q with a valid token unless the case says otherwise.
func do(t *testing.T, url string, q request) (*http.Response, Problem) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), q.method, url+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	if q.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	if q.host != "" {
		req.Host = q.host
	}
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	var p Problem
	if res.StatusCode >= 400 {
		if err := json.Unmarshal(data, &p); err != nil || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d with %q, not a problem document", q.method, q.path, res.StatusCode, data)
		}
	}
	return res, p
}

// The rows A03 to A16 of the plan against abuse that apply to single requests.
func TestRefusals(t *testing.T) {
	b := &fakeBackend{}
	url := serve(t, b)
	deep := `{"addr":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`
	const connect = "/v1/peers/connect"
	for name, c := range map[string]struct {
		request
		status int
		code   string
	}{
		"foreign host":         {request{method: "GET", path: "/v1/status", host: "evil.example:8557"}, 403, codeForeignHost},
		"host of our name":     {request{method: "GET", path: "/v1/status", host: "localhost.evil.example"}, 403, codeForeignHost},
		"foreign address":      {request{method: "GET", path: "/v1/status", host: "192.168.1.7"}, 403, codeForeignHost},
		"foreign origin":       {request{method: "POST", path: connect, header: map[string]string{"Origin": "http://evil.example"}, body: `{}`}, 403, codeCrossOrigin},
		"null origin":          {request{method: "POST", path: connect, header: map[string]string{"Origin": "null"}, body: `{}`}, 403, codeCrossOrigin},
		"cross-site":           {request{method: "POST", path: connect, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, body: `{}`}, 403, codeCrossOrigin},
		"no token":             {request{method: "GET", path: "/v1/status", header: map[string]string{"Authorization": ""}}, 401, codeUnauthorized},
		"wrong token":          {request{method: "GET", path: "/v1/status", header: map[string]string{"Authorization": "Bearer x" + testToken[1:]}}, 401, codeUnauthorized},
		"other scheme":         {request{method: "GET", path: "/v1/status", header: map[string]string{"Authorization": "Basic " + testToken}}, 401, codeUnauthorized},
		"no token, no path":    {request{method: "GET", path: "/v2", header: map[string]string{"Authorization": ""}}, 401, codeUnauthorized},
		"text body":            {request{method: "POST", path: connect, header: map[string]string{"Content-Type": "text/plain"}, body: `{"addr":"a"}`}, 415, codeMediaType},
		"form body":            {request{method: "POST", path: connect, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: `{"addr":"a"}`}, 415, codeMediaType},
		"JSON to import":       {request{method: "POST", path: "/v1/chain/import", body: "{}"}, 415, codeMediaType},
		"deep JSON":            {request{method: "POST", path: connect, body: deep}, 400, "bad-request"},
		"key twice":            {request{method: "POST", path: connect, body: `{"addr":"a","addr":"b"}`}, 400, "bad-request"},
		"unknown key":          {request{method: "POST", path: connect, body: `{"address":"a"}`}, 400, "bad-request"},
		"huge number":          {request{method: "POST", path: "/v1/mining/once", body: `{"n":1e999}`}, 400, "bad-request"},
		"bad UTF-8":            {request{method: "POST", path: connect, body: "{\"addr\":\"\xff\"}"}, 400, "bad-request"},
		"two values":           {request{method: "POST", path: connect, body: `{"addr":"a"}{}`}, 400, "bad-request"},
		"list":                 {request{method: "POST", path: connect, body: `[]`}, 400, "bad-request"},
		"no body":              {request{method: "POST", path: connect}, 400, "bad-request"},
		"half a body":          {request{method: "POST", path: connect, body: `{"addr":`}, 400, "bad-request"},
		"bad id":               {request{method: "POST", path: "/v1/chain/invalidate", body: `{"id":"zz"}`}, 400, "bad-request"},
		"GET of an order":      {request{method: "GET", path: connect}, 405, codeMethod},
		"DELETE":               {request{method: "DELETE", path: "/v1/status"}, 405, codeMethod},
		"no such path":         {request{method: "GET", path: "/v1/nothing"}, 404, "not-found"},
		"limit beyond a page":  {request{method: "GET", path: "/v1/chain/blocks?limit=501"}, 400, "bad-request"},
		"negative limit":       {request{method: "GET", path: "/v1/chain/blocks?limit=-1"}, 400, "bad-request"},
		"limit beyond numbers": {request{method: "GET", path: "/v1/chain/blocks?limit=99999999999999999999"}, 400, "bad-request"},
		"from beyond heights":  {request{method: "GET", path: "/v1/chain/blocks?from=4294967296"}, 400, "bad-request"},
		"height beyond":        {request{method: "GET", path: "/v1/chain/blocks/4294967296"}, 400, "bad-request"},
		"unknown block":        {request{method: "GET", path: "/v1/chain/blocks/77"}, 404, "not-found"},
		"traversal":            {request{method: "GET", path: "/v1/chain/blocks/..%2f..%2fetc"}, 400, "bad-request"},
	} {
		res, p := do(t, url, c.request)
		if res.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s: got %d %q (%s), want %d %q", name, res.StatusCode, p.Code, p.Detail, c.status, c.code)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: answers with CORS headers", name)
		}
	}
	if got := b.changes(); len(got) != 0 {
		t.Errorf("refused requests had effects: %v", got)
	}
}

func TestHostsAllowed(t *testing.T) {
	url := serve(t, &fakeBackend{})
	for _, host := range []string{"localhost", "LOCALHOST:1", "localhost.:8557", "127.0.0.1", "127.9.9.9:80", "[::1]:8557", "[::1]"} {
		if res, p := do(t, url, request{method: "GET", path: "/v1/status", host: host}); res.StatusCode != 200 {
			t.Errorf("host %s: got %d %s", host, res.StatusCode, p.Detail)
		}
	}
}

// No GET changes anything: every one is called, with a variety of queries.
func TestGetHasNoEffects(t *testing.T) {
	b := &fakeBackend{}
	url := serve(t, b)
	n := 0
	for _, rt := range routes {
		if rt.method != http.MethodGet {
			continue
		}
		n++
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			path := strings.NewReplacer("{ref}", "1", "{id}", id(4).String(), "{a}", "ingdev1").Replace(rt.path) + "?full=true&raw=true&limit=1&n=1&id=" + id(1).String()
			ctx, cancel := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, method, url+path, nil)
			req.Header.Set("Authorization", "Bearer "+testToken)
			tr := &http.Transport{DisableKeepAlives: true}
			res, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s %s: %s", method, path, res.Status)
			}
			// One byte: the handler has begun its work. Streams never end.
			_, _ = io.ReadFull(res.Body, make([]byte, 1))
			cancel()
			res.Body.Close()
			tr.CloseIdleConnections()
		}
	}
	if got := b.changes(); len(got) != 0 || n < 10 {
		t.Errorf("%d GET routes changed state: %v", n, got)
	}
}

// Wrong tokens wait, and too many at once are refused; right ones go on.
func TestWrongTokensWait(t *testing.T) {
	url := serve(t, &fakeBackend{})
	c := dial(t, url)
	const n = 10 * maxWrongTokens
	codes, start := make(chan int, n), time.Now()
	for range n {
		go func() {
			res, _ := do(t, url, request{method: "GET", path: "/v1/status", header: map[string]string{"Authorization": "Bearer no"}})
			if res.StatusCode == http.StatusUnauthorized && time.Since(start) < wrongTokenDelay {
				t.Errorf("a wrong token was refused after %v", time.Since(start))
			}
			codes <- res.StatusCode
		}()
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	count := map[int]int{}
	for range n {
		count[<-codes]++
	}
	if count[401] < maxWrongTokens || count[429] == 0 || count[401]+count[429] != n {
		t.Errorf("got %v, want some 401 and some 429", count)
	}
}

func TestBeyondLoopbackNeedsToken(t *testing.T) {
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := NewServer(&fakeBackend{}, Config{}).Serve(t.Context(), ln); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("got %v, want %v", err, ErrNotAllowed)
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
	ln, err = net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := serveOn(t, ln, NewServer(&fakeBackend{}, Config{Token: testToken}))
	defer stop()
	if res, _ := do(t, URL(ln), request{method: "GET", path: "/v1/status", host: "192.168.1.7:8557"}); res.StatusCode != 200 {
		t.Errorf("an address of the LAN was refused: %d", res.StatusCode)
	}
	if res, _ := do(t, URL(ln), request{method: "GET", path: "/v1/status", host: "evil.example"}); res.StatusCode != 403 {
		t.Errorf("a foreign name was not refused: %d", res.StatusCode)
	}
}

func TestListen(t *testing.T) {
	first, err := Listen(t.Context(), ":0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if !isLoopback(first.Addr()) {
		t.Errorf("without a host it listens on %v", first.Addr())
	}
	if ln, err := Listen(t.Context(), first.Addr().String(), false); err == nil {
		ln.Close()
		t.Error("took a port that is taken")
	}
	second, err := Listen(t.Context(), first.Addr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if _, err := Listen(t.Context(), "nonsense", true); !errors.Is(err, ErrBadRequest) {
		t.Errorf("got %v, want %v", err, ErrBadRequest)
	}
}

// rawConn sends bytes and returns the status line that comes back, or "".
func rawConn(t *testing.T, url, send string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, send) // the server may refuse half-way
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestHugeHeader(t *testing.T) {
	url := serve(t, &fakeBackend{})
	got := rawConn(t, url, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 16<<10)+"\r\n\r\n")
	if !strings.Contains(got, " 431 ") {
		t.Errorf("got %q, want 431", got)
	}
}

// A body that is announced too large is refused before any of it is read.
func TestOversizeBeforeRead(t *testing.T) {
	url := serve(t, &fakeBackend{})
	for path, size := range map[string]int64{"/v1/peers/connect": maxBodyBytes + 1, "/v1/chain/import": maxImportBytes + 1} {
		media := "application/json"
		if strings.HasSuffix(path, "import") {
			media = "application/octet-stream"
		}
		got := rawConn(t, url, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
			path, testToken, media, size))
		if !strings.Contains(got, " 413 ") {
			t.Errorf("%s: got %q, want 413", path, got)
		}
	}
}

// Who sends slowly is cut off, at every stage of a request.
func TestSlowClients(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(&fakeBackend{}, Config{Token: testToken})
	s.readHeader, s.readBody = 50*time.Millisecond, 50*time.Millisecond
	defer serveOn(t, ln, s)()
	head := "Host: localhost\r\nAuthorization: Bearer " + testToken + "\r\nContent-Length: 100\r\nContent-Type: "
	for name, c := range map[string]struct{ send, want string }{
		"header": {"GET /v1/status HTTP/1.1\r\nHost: ", ""},
		"body":   {"POST /v1/mining/stop HTTP/1.1\r\n" + head + "application/json\r\n\r\n{", "400"},
		"import": {"POST /v1/chain/import HTTP/1.1\r\n" + head + "application/octet-stream\r\n\r\nblock", "400"},
	} {
		start := time.Now()
		if got := rawConn(t, URL(ln), c.send); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: cut off after %v", name, took)
		}
	}
}

// A call may take longer than the time to send it.
func TestLongCall(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBackend{release: make(chan struct{})}
	s := NewServer(b, Config{Token: testToken})
	s.readHeader, s.readBody = 50*time.Millisecond, 50*time.Millisecond
	defer serveOn(t, ln, s)()
	timer := time.AfterFunc(200*time.Millisecond, func() { close(b.release) })
	defer timer.Stop()
	if _, err := dial(t, URL(ln)).MineOnce(t.Context(), 1, ""); err != nil {
		t.Error(err)
	}
}

// Silent connections, more than there is room for, do not keep a client out.
func TestSilentConnections(t *testing.T) {
	url := serve(t, &fakeBackend{})
	for range maxConns + 100 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /v1/status HTTP/1.1\r\nHost: "); err != nil {
			continue // displaced already
		}
	}
	start := time.Now()
	c := dial(t, url)
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("an honest client waited %v", took)
	}
}

// A handler's panic is a 500 that says nothing of it; the log does.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := serveOn(t, ln, NewServer(&fakeBackend{panics: true}, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}))
	res, p := do(t, URL(ln), request{method: "GET", path: "/v1/chain/head"})
	stop()
	if res.StatusCode != 500 || p.Code != codeInternal || strings.Contains(p.Detail, "secret") {
		t.Errorf("got %d %+v", res.StatusCode, p)
	}
	if !strings.Contains(log.String(), "secret of the house") {
		t.Errorf("the log does not tell of the panic: %s", log.String())
	}
}

func TestEndpointFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrUnreachable) {
		t.Errorf("no file: got %v, want %v", err, ErrUnreachable)
	}
	url := serve(t, &fakeBackend{})
	e := Endpoint{URL: url, Token: testToken, PID: os.Getpid()}
	if err := WriteEndpoint(dir, e); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, EndpointFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()

	other := e
	other.Token = "of the next node"
	if err := errors.Join(RemoveEndpoint(dir, other)); err != nil {
		t.Error(err)
	}
	if got, err := ReadEndpoint(dir); err != nil || got != e {
		t.Errorf("another node's file was removed: %v, %v", got, err)
	}
	if err := errors.Join(RemoveEndpoint(dir, e), RemoveEndpoint(dir, e)); err != nil {
		t.Error(err)
	}
	if _, err := ReadEndpoint(dir); !errors.Is(err, ErrUnreachable) {
		t.Errorf("after removal: got %v, want %v", err, ErrUnreachable)
	}

	// A node that died left an address where nothing, or another program, listens.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := URL(ln)
	ln.Close()
	stranger := &http.Server{Handler: http.NotFoundHandler()}
	ln, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = stranger.Serve(ln) }()
	defer stranger.Close()
	for _, u := range []string{dead, URL(ln)} {
		if err := WriteEndpoint(dir, Endpoint{URL: u, Token: testToken}); err != nil {
			t.Fatal(err)
		}
		if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: got %v, want %v", u, err, ErrUnreachable)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, EndpointFile), []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrUnreachable) {
		t.Errorf("torn file: got %v, want %v", err, ErrUnreachable)
	}
}
