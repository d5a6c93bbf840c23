package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"lockstep.dev/setup"
)

// errStopped says that the person answered no.
var errStopped = errors.New("stopped; nothing was changed")

// confirm asks before something that cannot simply be taken back. Where nobody
// can answer, the answer must have been given with -y.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !a.Terminal {
		return usage("this needs a yes, and nobody can be asked here: run it again with -y")
	}
	fmt.Fprintf(a.Err, "%s [y/N] ", question)
	line, _ := bufio.NewReader(a.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	default:
		return errStopped
	}
}

const secretHelp = "password or token: env:NAME, file:PATH, or - to be asked for it (or to read it from standard input)"

// secret resolves a --secret flag.
func (a *app) secret(flag string) (string, error) {
	switch {
	case flag == "":
		return "", nil
	case flag == "-" && a.Terminal:
		value, err := a.AskSecret("Password or token")
		if err != nil {
			return "", fmt.Errorf("ask for the secret: %w", err)
		}
		return value, nil
	case flag == "-":
		line, _ := bufio.NewReader(a.In).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", usage("--secret -: standard input holds no secret")
		}
		return line, nil
	case !strings.HasPrefix(flag, "env:") && !strings.HasPrefix(flag, "file:"):
		return "", usage("--secret takes no secret itself, because other people on this machine could see it; use env:NAME, file:PATH or -")
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find folder: %w", err)
	}
	value, err := setup.Secret(flag, folder)
	if err != nil {
		return "", usage("--secret: %w", err)
	}
	return value, nil
}
