package api

import (
	"os"
	"strings"
	"testing"
)

// docs/api.md names every route and every code of a failure.
func TestPageHasEveryRouteAndCode(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range routes {
		if at := strings.Index(string(page), "`"+rt.method+" "+rt.path); at < 0 || !strings.ContainsAny(string(page)[at+len(rt.method+" "+rt.path)+1:][:1], "`?") {
			t.Errorf("docs/api.md does not name %s %s", rt.method, rt.path)
		}
	}
	for _, k := range kinds {
		if k.code != "refused" && !strings.Contains(string(page), "`"+k.code+"`") {
			t.Errorf("docs/api.md does not name %s", k.code)
		}
	}
}
