package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

const (
	// maxAnswer bounds a line that a person types, in bytes: 24 Korean words take
	// less than half of it.
	maxAnswer = 4096
	// maxAsks bounds how often a question is asked again.
	maxAsks = 3
)

// terminal returns the terminal that a person sits at. Without one nothing may
// ask, since nobody would answer.
func (a *app) terminal() (*os.File, bool) {
	f, ok := a.in.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// ask asks for a line. The question goes to standard error.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	return a.answer(ctx, question, func(tty *os.File) (string, error) { return readLine(tty) })
}

// askSecret asks for a line that is not shown.
func (a *app) askSecret(ctx context.Context, question string) (string, error) {
	return a.answer(ctx, question, func(tty *os.File) (string, error) {
		b, err := term.ReadPassword(int(tty.Fd()))
		defer clear(b)
		fmt.Fprintln(a.err)
		if err == nil && len(b) > maxAnswer {
			err = usagef("more than %d bytes", maxAnswer)
		}
		return string(b), err
	})
}

// answer asks and reads until ctx is done. Reading can't be interrupted, so it is
// left behind then, for the process is about to end, and the terminal shows what
// is typed again.
func (a *app) answer(ctx context.Context, question string, read func(*os.File) (string, error)) (string, error) {
	tty, ok := a.terminal()
	if !ok {
		return "", errors.New("there is no terminal to ask at")
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return "", fmt.Errorf("ask at the terminal: %w", err)
	}
	a.live.close()
	fmt.Fprint(a.err, question)
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := read(tty)
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		if errors.Is(l.err, io.EOF) {
			return "", errors.New("the terminal ended without an answer")
		}
		return l.text, l.err
	case <-ctx.Done():
		fmt.Fprintln(a.err)
		if err := term.Restore(int(tty.Fd()), before); err != nil {
			fmt.Fprintf(a.err, "warning: the terminal may not show what is typed; 'stty echo' helps (%v)\n", err)
		}
		return "", context.Cause(ctx)
	}
}

// readLine reads byte by byte, so that what was typed ahead stays for the next
// question.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) <= maxAnswer; {
		n, err := r.Read(one)
		if n == 1 && one[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, one[:n]...)
		if err != nil {
			return "", err
		}
	}
	return "", usagef("more than %d bytes", maxAnswer)
}

// confirm asks a question whose answer is no unless it is yes.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	answer, err := a.ask(ctx, question+" [y/N] ")
	if err != nil {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "예", "네":
		return true, nil
	}
	return false, nil
}
