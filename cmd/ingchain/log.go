package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/lmittmann/tint"
)

// newLogger writes to w and takes libp2p's own log in, of which it shows only
// errors unless everything is wanted: libp2p warns of much that is normal on a
// LAN, such as a peer that went away.
func newLogger(w io.Writer, level slog.Level, format string, color bool) (*slog.Logger, error) {
	var h, lib slog.Handler
	libLevel := max(level, slog.LevelError)
	if level <= slog.LevelDebug {
		libLevel = slog.LevelInfo
	}
	switch format {
	case "json":
		h = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
		lib = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: libLevel})
	case "text":
		h = tint.NewTextHandler(w, &tint.Options{Level: level, NoColor: !color, TimeFormat: time.TimeOnly})
		lib = tint.NewTextHandler(w, &tint.Options{Level: libLevel, NoColor: !color, TimeFormat: time.TimeOnly})
	default:
		return nil, usagef("log format %q, want text or json", format)
	}
	gologshim.SetDefaultHandler(lib)
	return slog.New(h), nil
}
