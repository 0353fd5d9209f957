package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Limits of the server. Whoever reaches the port can push at these, token or
// not.
const (
	// maxHeaderBytes with the 4 KiB that net/http adds makes 8 KiB of headers.
	maxHeaderBytes    = 4 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 60 * time.Second
	readBodyTimeout   = 30 * time.Second // a whole JSON body, or one read of an import
	writeTimeout      = 30 * time.Second // an answer, or one piece of a stream
	refusalLinger     = time.Second      // for the rest of a body that we refuse to read
	shutdownGrace     = time.Second      // for requests under way when the server stops
	closeGrace        = 500 * time.Millisecond

	maxBodyBytes   = 1 << 20  // a JSON body
	maxImportBytes = 64 << 30 // a chain to import
	maxStreams     = 64       // events, announcements, at once
	maxHeavy       = 2        // verify, export, import, full state hash, at once

	wrongTokenDelay = 250 * time.Millisecond // before a wrong token is refused
	maxWrongTokens  = 8                      // delayed at once; more are refused outright
)

// Config says how to serve a Backend. The zero value serves loopback without a
// token, which is for tests: any program on the machine may then give orders.
type Config struct {
	// Token is what clients must send as "Authorization: Bearer TOKEN". Without
	// one, Serve refuses listeners beyond loopback.
	Token string
	// Hosts are names by which clients may address the server, beside loopback
	// names and addresses, and all IP addresses if the listener is beyond
	// loopback. Others are refused, so that a web page cannot reach the server
	// through a DNS name of its own.
	Hosts []string
	// Logger receives what goes wrong; nil means none.
	Logger *slog.Logger
}

// NewToken makes a token of 32 random bytes, in hexadecimal.
func NewToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Server serves a Backend over HTTP. It is an [http.Handler]; [Server.Serve]
// adds the limits that only a listener can hold.
type Server struct {
	backend Backend
	cfg     Config
	log     *slog.Logger
	handler http.Handler

	streams slots
	heavy   slots
	wrong   slots
	bulk    slots
	// bulkQueue is of those that wait for bulk.
	bulkQueue slots

	// readHeader and readBody are the time limits for a client's sending; tests
	// shorten them.
	readHeader, readBody time.Duration

	// beyondLoopback is set by Serve before the first request.
	beyondLoopback bool
}

// NewServer returns a server of b.
func NewServer(b Backend, cfg Config) *Server {
	s := &Server{
		backend: b, cfg: cfg, log: cfg.Logger,
		readHeader: readHeaderTimeout, readBody: readBodyTimeout,
		streams: make(slots, maxStreams), heavy: make(slots, maxHeavy), wrong: make(slots, maxWrongTokens),
		bulk: make(slots, maxBulk), bulkQueue: make(slots, maxBulkWaiting),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.handler = s.guard(s.mux())
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Listen opens the TCP listener for an API at host:port. With giveWay a port
// that is taken gives way to a free one.
func Listen(ctx context.Context, addr string, giveWay bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return nil, fmt.Errorf("%w: API address %q, want HOST:PORT such as 127.0.0.1:8557", ErrBadRequest, addr)
	}
	if host == "" {
		// An empty host would listen on every interface.
		addr = net.JoinHostPort("127.0.0.1", port)
		host = "127.0.0.1"
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil && giveWay {
		ln, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the API: %w", err)
	}
	return ln, nil
}

// URL returns the base URL of a server on ln, as a client on this machine may
// use it.
func URL(ln net.Listener) string {
	a, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return "http://" + ln.Addr().String()
	}
	ip := a.IP
	if ip == nil || ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return "http://" + net.JoinHostPort(ip.String(), fmt.Sprint(a.Port))
}

// Serve answers requests on ln until ctx is done, then ends open streams, waits
// about a second for requests under way, and closes ln. It may be called once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if !isLoopback(ln.Addr()) {
		if s.cfg.Token == "" {
			ln.Close()
			return fmt.Errorf("%w: an API on %v, beyond this machine, needs a token", ErrNotAllowed, ln.Addr())
		}
		s.beyondLoopback = true
	}
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	conns := newConnTable(maxConns)
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.readHeader,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         conns.track,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the API: %w", err)
	case <-ctx.Done():
	}
	endRequests()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		srv.Close()
	}
	if err := <-failed; err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Warn("the API's listener failed while it was closed", "err", err)
	}
	if !conns.waitEmpty(closeGrace) {
		// A handler that ignores its context is a bug, which must not keep the
		// node from stopping.
		return errors.New("an API request did not end when the node stopped")
	}
	return nil
}

// slots is a counting semaphore. Nobody waits for it but in wait.
type slots chan struct{}

func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait takes a slot once there is one; false if ctx ends first.
func (s slots) wait(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	default:
	}
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slots) give() { <-s }

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// allowedHost judges the Host header of a request.
func (s *Server) allowedHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || s.beyondLoopback
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" {
		return true
	}
	for _, h := range s.cfg.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}
