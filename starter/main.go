// Command lockstep is the command line of Lockstep.
//
//	go run ./starter help
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"lockstep.dev/connector/all"
	"lockstep.dev/dashboard"
	"lockstep.dev/setup"
	"lockstep.dev/starter/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], parts())
	stop()
	os.Exit(code)
}

// parts puts the command line together.
func parts() cli.Parts {
	systems := setup.Systems{Names: all.Names(), New: all.New, Paths: all.Paths}
	return cli.Parts{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: term.IsTerminal(int(os.Stdin.Fd())),
		AskSecret: func(question string) (string, error) {
			fmt.Fprintf(os.Stderr, "%s: ", question)
			text, err := term.ReadPassword(int(os.Stdin.Fd()))
			fmt.Fprintln(os.Stderr)
			return string(text), err
		},
		Now: time.Now, Pause: pause, By: whoami(), Version: version(),
		Systems: systems, Try: systems.Try, Open: open, HashPassword: dashboard.HashPassword, Install: install, Inspect: inspect,
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whoami names who gives the command, for the record.
func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "command line"
}

// version is what the build recorded of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	out := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (out == "" || out == "(devel)") {
			out = s.Value
		}
	}
	if out == "" {
		return "(devel)"
	}
	return out
}
