package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// equivalents are mutants that are known to change nothing. The file holds one
// entry after the other:
//
//	core/merkle.go merkleTop
//	- len(level) > 1
//	+ len(level) != 1
//	= there are never none at this place
//
// file and function, the old text, the new text (nothing: deleted) and the
// reason, which may go on in further lines with "= ". A number behind the
// function picks one of several equal changes, in the order of the source; "*"
// means all of them. Lines may shift; a changed text makes an entry stale.
type equivalents struct {
	entries []*equivalent
}

type equivalent struct {
	line   int // where the entry begins
	key    string
	nth    int // 0 is all
	reason string
	used   bool
}

func readEquivalents(name string) (*equivalents, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &equivalents{}, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	list := &equivalents{}
	var parts [3]string // head, old, new
	var cur *equivalent
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		mark, text := "", ""
		if len(line) > 0 {
			mark, text = line[:1], strings.TrimSpace(line[1:])
		}
		switch {
		case line == "" || mark == "#":
		case mark == "-" && cur != nil:
			parts[1] = text
		case mark == "+" && cur != nil:
			parts[2] = text
			cur.key = strings.Join(parts[:], "\n")
		case mark == "=" && cur != nil && text != "":
			cur.reason = strings.TrimSpace(cur.reason + " " + text)
		default:
			fields := strings.Fields(line)
			if len(fields) < 2 || len(fields) > 3 {
				return nil, fmt.Errorf("%s:%d: %q, want a file and a function", name, n, line)
			}
			cur = &equivalent{line: n, nth: 1}
			if len(fields) == 3 && fields[2] == "*" {
				cur.nth = 0
			} else if len(fields) == 3 {
				if cur.nth, err = strconv.Atoi(fields[2]); err != nil || cur.nth < 1 {
					return nil, fmt.Errorf("%s:%d: %q is no number", name, n, fields[2])
				}
			}
			parts = [3]string{fields[0] + "\n" + fields[1]}
			list.entries = append(list.entries, cur)
		}
	}
	for _, e := range list.entries {
		if e.key == "" || e.reason == "" {
			return nil, fmt.Errorf("%s:%d: the entry lacks a change or a reason", name, e.line)
		}
	}
	return list, scan.Err()
}

// attach gives the mutants their reasons and returns what is wrong with the
// list: entries that no mutant fits.
func (list *equivalents) attach(mutants []*mutant) (stale []string) {
	byKey := map[string][]*equivalent{}
	for _, e := range list.entries {
		byKey[e.key] = append(byKey[e.key], e)
	}
	for _, m := range mutants {
		for _, e := range byKey[m.key()] {
			if e.nth == 0 || e.nth == m.nth {
				m.reason, e.used = e.reason, true
			}
		}
	}
	for _, e := range list.entries {
		if !e.used {
			stale = append(stale, fmt.Sprintf("line %d of the list fits no mutant: %s", e.line, strings.ReplaceAll(e.key, "\n", " | ")))
		}
	}
	return stale
}
