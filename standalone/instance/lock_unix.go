//go:build darwin || linux || freebsd || netbsd || openbsd || dragonfly

package instance

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

var errTaken = errors.New("lock is taken")

// tryLock opens and locks the file without waiting. The kernel drops the lock
// when the process ends, so a killed instance never blocks the next one.
func tryLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// lockHeld tells whether any process holds the lock.
func lockHeld(name string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	// Shared, so that two readers do not take each other for an instance.
	err = flock(f, syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, errTaken) {
		return true, nil
	}
	return false, err
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errTaken
		default:
			return err
		}
	}
}
