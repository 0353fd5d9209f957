package protocol

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"
)

const (
	chatterRate  = 1   // log lines per second that peers can cause, by joining and leaving for example
	chatterBurst = 200 // such lines at once
)

// chatter logs what peers do, at a bounded rate: a stranger must not fill the
// disk.
type chatter struct {
	log     *slog.Logger
	limiter *rate.Limiter
	dropped atomic.Int64 // lines since the last one logged
}

func newChatter(log *slog.Logger) *chatter {
	return &chatter{log: log, limiter: rate.NewLimiter(chatterRate, chatterBurst)}
}

func (c *chatter) line(level slog.Level, msg string, args ...any) {
	if !c.limiter.Allow() {
		c.dropped.Add(1)
		return
	}
	if n := c.dropped.Swap(0); n > 0 {
		args = append(args, "lines_left_out", n)
	}
	c.log.Log(context.Background(), level, msg, args...)
}
