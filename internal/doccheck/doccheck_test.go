package doccheck

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// placeholder is a line, or a cell of a table, that is one word in capitals:
	// where a figure was to be put.
	placeholder = regexp.MustCompile(`^[A-Z]{5,}$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestPages(t *testing.T) {
	pages, links := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		pages++
		text := page(t, path)
		for i, line := range strings.Split(text, "\n") {
			for _, cell := range strings.Split(line, "|") {
				if placeholder.MatchString(strings.TrimSpace(cell)) {
					t.Errorf("%s:%d: %q was to be filled in", path, i+1, strings.TrimSpace(cell))
				}
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "://") {
				links++
				follow(t, path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 10 || links < 10 {
		t.Errorf("%d pages with %d links: is this the right directory?", pages, links)
	}
}

// page returns a page without its blocks of code.
func page(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	code := false
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
			line = "\n"
		}
		if code {
			line = "\n"
		}
		text.WriteString(line)
	}
	return text.String()
}

// follow checks that a link of a page leads to a file and, if that is a page, to
// a heading in it.
func follow(t *testing.T, from, to string) {
	t.Helper()
	file, anchor, _ := strings.Cut(to, "#")
	target := from
	if file != "" {
		target = filepath.Join(filepath.Dir(from), filepath.FromSlash(file))
	}
	if _, err := os.Stat(target); err != nil {
		t.Errorf("%s: link to %s leads nowhere", from, to)
		return
	}
	if anchor == "" || filepath.Ext(target) != ".md" {
		return
	}
	for _, line := range strings.Split(page(t, target), "\n") {
		if heading, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") && anchorOf(heading) == anchor {
			return
		}
	}
	t.Errorf("%s: no heading for the link to %s", from, to)
}

// anchorOf is how forges name a heading.
func anchorOf(heading string) string {
	return strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
