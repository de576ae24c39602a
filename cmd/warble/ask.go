package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// What a command asks its user. Only the process that was typed can ask: what
// it was told goes to a running server with the command line, and a question
// answered here is not asked there.

// password is the password a flag stands for: itself, or, for "-", what
// standard input says. On a terminal it is asked for twice and not shown.
func (e *env) password(ctx context.Context, flag string) (string, error) {
	if flag != "-" || e.served() {
		if flag == "-" {
			return e.input, nil
		}
		return flag, nil
	}
	var err error
	if fd, ok := e.inTerminal(); ok {
		e.input, err = e.askTwice(ctx, fd)
	} else {
		e.input, err = e.line()
	}
	if err == nil && e.input == "" {
		err = usagef("no password came from standard input: pipe one in, or type it when asked on a terminal")
	}
	return e.input, err
}

func (e *env) askTwice(ctx context.Context, fd int) (string, error) {
	first, err := e.askHidden(ctx, fd, "password: ")
	if err != nil || first == "" {
		return "", err
	}
	again, err := e.askHidden(ctx, fd, "the same again: ")
	if err == nil && again != first {
		err = usagef("these were two different passwords: nothing was changed")
	}
	return first, err
}

// askHidden reads a line that the terminal does not show. The terminal shows
// what is typed again whatever happens.
func (e *env) askHidden(ctx context.Context, fd int, prompt string) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type answer struct {
		text []byte
		err  error
	}
	typed := make(chan answer, 1)
	fmt.Fprint(e.errOut, prompt)
	defer fmt.Fprintln(e.errOut)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- answer{text, err}
	}()
	select {
	case a := <-typed:
		return string(a.text), a.err
	case <-ctx.Done():
		if err := term.Restore(fd, before); err != nil {
			return "", err
		}
		return "", ctx.Err()
	}
}

// confirm asks whether to do what cannot be taken back. Where nobody can
// answer, --yes must have been said.
func (e *env) confirm(ctx context.Context, yes bool, what string) error {
	if yes || e.served() {
		return nil
	}
	if _, ok := e.inTerminal(); !ok {
		return usagef("to %s cannot be taken back: add --yes", what)
	}
	fmt.Fprintf(e.errOut, "%s? This cannot be taken back. [y/N] ", what)
	said := make(chan string, 1)
	go func() {
		line, err := e.line()
		if err != nil {
			line = ""
		}
		said <- line
	}()
	select {
	case line := <-said:
		if line = strings.ToLower(strings.TrimSpace(line)); line == "y" || line == "yes" {
			return nil
		}
		return fmt.Errorf("nothing was done")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inTerminal says whether a person can answer, and the terminal's number.
func (e *env) inTerminal() (fd int, ok bool) {
	f, ok := e.in.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// line reads the first line of standard input.
func (e *env) line() (string, error) {
	if e.in == nil {
		return "", nil
	}
	const limit = 4 << 10
	line, err := bufio.NewReader(io.LimitReader(e.in, limit)).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}
