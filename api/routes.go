package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/ingchain/ingchain/core"
)

// maxPage bounds the blocks in one answer.
const maxPage = 500

// route is one endpoint. GET routes change nothing.
type route struct {
	method, path string
	handle       func(s *Server, w http.ResponseWriter, r *http.Request)
}

// routes is the whole surface, with txRoutes.
var routes = append([]route{
	{"GET", "/v1/status", get(Backend.Status)},
	{"GET", "/v1/id", get(Backend.ID)},
	{"GET", "/v1/network", get(func(b Backend, _ context.Context) (*core.Params, error) { return b.Params(), nil })},

	{"GET", "/v1/peers", getList(Backend.Peers)},
	{"GET", "/v1/listen", getList(Backend.ListenAddrs)},
	{"POST", "/v1/peers/connect", post(func(b Backend, ctx context.Context, q connectRequest) (Peer, error) {
		return b.Connect(ctx, q.Addr)
	})},
	{"POST", "/v1/peers/disconnect", post(func(b Backend, ctx context.Context, q disconnectRequest) (struct{}, error) {
		return struct{}{}, b.Disconnect(ctx, q.PeerID)
	})},

	{"GET", "/v1/topics", getList(Backend.Topics)},
	{"GET", "/v1/topics/blocks", (*Server).announcements},
	{"GET", "/v1/events", (*Server).events},

	{"GET", "/v1/chain/head", get(Backend.Head)},
	{"GET", "/v1/chain/blocks", (*Server).blocks},
	{"GET", "/v1/chain/blocks/{ref}", (*Server).block},
	{"GET", "/v1/chain/forks", getList(Backend.Forks)},
	{"GET", "/v1/chain/statehash", (*Server).stateHash},
	{"GET", "/v1/chain/export", (*Server).export},
	{"POST", "/v1/chain/import", (*Server).importBlocks},
	{"POST", "/v1/chain/verify", (*Server).verify},
	{"POST", "/v1/chain/invalidate", post(func(b Backend, ctx context.Context, q blockRequest) (Ref, error) {
		return b.Invalidate(ctx, q.ID)
	})},
	{"POST", "/v1/chain/reconsider", post(func(b Backend, ctx context.Context, q blockRequest) (Ref, error) {
		return b.Reconsider(ctx, q.ID)
	})},

	{"GET", "/v1/sync", get(Backend.SyncStatus)},

	{"GET", "/v1/mining", get(Backend.MiningStatus)},
	{"POST", "/v1/mining/once", post(func(b Backend, ctx context.Context, q mineOnceRequest) ([]MinedBlock, error) {
		v, err := b.MineOnce(ctx, q.N, q.Address)
		return orEmpty(v), err
	})},
	{"POST", "/v1/mining/start", post(func(b Backend, ctx context.Context, q mineStartRequest) (MiningStatus, error) {
		return b.StartMining(ctx, q.Address, q.Threads)
	})},
	{"POST", "/v1/mining/stop", post(func(b Backend, ctx context.Context, _ struct{}) (MiningStatus, error) {
		return b.StopMining(ctx)
	})},
}, txRoutes...)

// Bodies of POST requests.
type (
	connectRequest struct {
		Addr string `json:"addr"`
	}
	disconnectRequest struct {
		PeerID string `json:"peer_id"`
	}
	blockRequest struct {
		ID core.Hash `json:"id"`
	}
	mineOnceRequest struct {
		N       int    `json:"n"`
		Address string `json:"address"`
	}
	mineStartRequest struct {
		Address string `json:"address"`
		Threads int    `json:"threads"`
	}
)

// mux routes requests, and words its refusals as problems.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { rt.handle(s, w, r) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		no := refusal{header: make(http.Header)}
		h.ServeHTTP(&no, r)
		if allow := no.header.Get("Allow"); no.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", allow)
			refuse(w, r, problem(no.status, codeMethod, "allowed here: "+allow))
			return
		}
		refuse(w, r, problem(http.StatusNotFound, "not-found", "no such path; the API begins at /v1/"))
	})
}

// refusal takes what the mux says to a request that it has no route for.
type refusal struct {
	header http.Header
	status int
}

func (n *refusal) Header() http.Header         { return n.header }
func (n *refusal) Write(b []byte) (int, error) { return len(b), nil }
func (n *refusal) WriteHeader(status int)      { n.status = status }

// get makes a handler of a call without arguments.
func get[T any](call func(Backend, context.Context) (T, error)) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		v, err := call(s.backend, r.Context())
		s.answer(w, r, v, err)
	}
}

// getList is get for lists, which are [] when empty.
func getList[T any](call func(Backend, context.Context) ([]T, error)) func(*Server, http.ResponseWriter, *http.Request) {
	return get(func(b Backend, ctx context.Context) ([]T, error) {
		v, err := call(b, ctx)
		return orEmpty(v), err
	})
}

// post makes a handler of a call with a JSON body.
func post[Q, T any](call func(Backend, context.Context, Q) (T, error)) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		var q Q
		if !s.body(w, r, maxBodyBytes, &q) {
			return
		}
		v, err := call(s.backend, r.Context(), q)
		s.answer(w, r, v, err)
	}
}

func (s *Server) blocks(w http.ResponseWriter, r *http.Request) {
	limit, err := queryUint(r, "limit", 10, maxPage)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var from *uint32
	if r.URL.Query().Has("from") {
		n, err := queryUint(r, "from", 0, 1<<32-1)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		height := uint32(n)
		from = &height
	}
	v, err := s.backend.Blocks(r.Context(), from, int(limit))
	s.answer(w, r, orEmpty(v), err)
}

// block finds a block by height or id.
func (s *Server) block(w http.ResponseWriter, r *http.Request) {
	raw, err := queryBool(r, "raw")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ref := r.PathValue("ref")
	if len(ref) == 2*core.HashSize {
		id, err := core.ParseHash(ref)
		if err != nil {
			s.fail(w, r, fmt.Errorf("%w: block id: %w", ErrBadRequest, err))
			return
		}
		v, err := s.backend.BlockByID(r.Context(), id, raw)
		s.answer(w, r, v, err)
		return
	}
	height, err := strconv.ParseUint(ref, 10, 32)
	if err != nil {
		s.fail(w, r, fmt.Errorf("%w: want a height or 64 hexadecimal digits, got %.80q", ErrBadRequest, ref))
		return
	}
	v, err := s.backend.BlockByHeight(r.Context(), uint32(height), raw)
	s.answer(w, r, v, err)
}

func (s *Server) stateHash(w http.ResponseWriter, r *http.Request) {
	full, err := queryBool(r, "full")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if full {
		if !s.heavy.take() {
			s.fail(w, r, errTooHeavy)
			return
		}
		defer s.heavy.give()
	}
	v, err := s.backend.StateHash(r.Context(), full)
	s.answer(w, r, v, err)
}

// queryUint reads a number of the query, at most limit.
func queryUint(r *http.Request, key string, otherwise, limit uint64) (uint64, error) {
	s := r.URL.Query().Get(key)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > limit {
		return 0, fmt.Errorf("%w: %s=%.40q, want a number up to %d", ErrBadRequest, key, s, limit)
	}
	return n, nil
}

func queryBool(r *http.Request, key string) (bool, error) {
	s := r.URL.Query().Get(key)
	if s == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(s)
	if err != nil {
		return false, fmt.Errorf("%w: %s=%.40q, want true or false", ErrBadRequest, key, s)
	}
	return v, nil
}
