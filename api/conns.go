package api

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds the open connections. A newcomer beyond it displaces the one
// that has waited longest without sending a request, so a flood of silent
// connections does not keep an honest client out.
const maxConns = 512

// connTable bounds the server's connections; it is fed by http.Server.ConnState.
type connTable struct {
	limit int
	// empty is poked when the last connection has closed, its handler included.
	empty chan struct{}

	mu      sync.Mutex // guards all below
	open    int
	waiting *list.List                 // of net.Conn: no request yet, the longest wait first
	place   map[net.Conn]*list.Element // in waiting; nil while a request is served
}

func newConnTable(limit int) *connTable {
	return &connTable{
		limit: limit, empty: make(chan struct{}, 1),
		waiting: list.New(), place: make(map[net.Conn]*list.Element),
	}
}

// track follows a connection's state and closes one where there are too many.
func (t *connTable) track(c net.Conn, state http.ConnState) {
	var victim net.Conn
	t.mu.Lock()
	switch state {
	case http.StateNew, http.StateIdle:
		if state == http.StateNew {
			t.open++
		}
		t.place[c] = t.waiting.PushBack(c)
		if t.open > t.limit {
			victim = t.waiting.Front().Value.(net.Conn)
			t.unwait(victim)
		}
	case http.StateActive:
		t.unwait(c)
	case http.StateClosed, http.StateHijacked:
		t.unwait(c)
		delete(t.place, c)
		if t.open--; t.open == 0 {
			select {
			case t.empty <- struct{}{}:
			default:
			}
		}
	}
	t.mu.Unlock()
	if victim != nil {
		victim.Close()
	}
}

// unwait takes c out of the waiting list; the caller holds mu.
func (t *connTable) unwait(c net.Conn) {
	if e := t.place[c]; e != nil {
		t.waiting.Remove(e)
		t.place[c] = nil
	}
}

// waitEmpty waits until every connection has closed, for at most limit.
func (t *connTable) waitEmpty(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		t.mu.Lock()
		open := t.open
		t.mu.Unlock()
		if open == 0 {
			return true
		}
		select {
		case <-t.empty:
		case <-timer.C:
			return false
		}
	}
}
