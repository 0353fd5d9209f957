package protocol

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPeersCannotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := newChatter(slog.New(slog.NewTextHandler(&out, nil)))
		for range 10 * chatterBurst {
			c.line(slog.LevelInfo, "peer joined")
		}
		if n := strings.Count(out.String(), "\n"); n != chatterBurst {
			t.Errorf("%d lines, want %d", n, chatterBurst)
		}
		time.Sleep(time.Second)
		out.Reset()
		c.line(slog.LevelInfo, "peer left", "peer", "x")
		if s := out.String(); !strings.Contains(s, "peer=x") || !strings.Contains(s, "lines_left_out=1800") {
			t.Errorf("logged %q", s)
		}
	})
}
