package cli

import (
	"errors"
	"fmt"

	"lockstep.dev/fault"
)

// Exit codes.
const (
	exitDone    = 0
	exitError   = 1
	exitUsage   = 2
	exitPartial = 3 // done in part, or accepted and not carried out yet
	exitSignIn  = 4 // somebody must sign in again
)

// coded is an error that decides the exit code.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

func usage(format string, args ...any) error {
	return &coded{exitUsage, fmt.Errorf(format, args...)}
}

func partial(format string, args ...any) error {
	return &coded{exitPartial, fmt.Errorf(format, args...)}
}

// codeOf decides the exit code of an error.
func codeOf(err error) int {
	var c *coded
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &c):
		return c.code
	case fault.Is(err, fault.Auth):
		return exitSignIn
	default:
		return exitError
	}
}

// several sums up what became of a command on several things: the exit code is
// the failures' if all failed, partial if some did.
func several(total int, failed []error) error {
	switch {
	case len(failed) == 0:
		return nil
	case len(failed) == total:
		worst := failed[0]
		for _, err := range failed[1:] {
			if codeOf(err) != codeOf(worst) {
				return &coded{exitError, errors.Join(failed...)}
			}
		}
		return &coded{codeOf(worst), errors.Join(failed...)}
	default:
		return &coded{exitPartial, errors.Join(failed...)}
	}
}
