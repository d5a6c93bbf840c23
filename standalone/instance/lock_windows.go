package instance

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

var errTaken = errors.New("lock is taken")

// ERROR_SHARING_VIOLATION: somebody has opened the file for himself alone.
// Source: Windows system error codes (0-499).
const sharingViolation = syscall.Errno(32)

// tryLock opens the file without sharing it, which Windows ends with the
// process as a lock would.
func tryLock(name string) (*os.File, error) {
	return openAlone(name, syscall.OPEN_ALWAYS)
}

// lockHeld tells whether any process holds the lock.
func lockHeld(name string) (bool, error) {
	f, err := openAlone(name, syscall.OPEN_EXISTING)
	switch {
	case err == nil:
		return false, f.Close()
	case errors.Is(err, errTaken):
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	}
	return false, err
}

func openAlone(name string, disposition uint32) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		disposition, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errTaken
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(handle), name), nil
}
