// Package instance is a running Lockstep's data folder: one program at a time
// may use it, and whoever wants to talk to that program finds out here where
// it listens.
package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	lockName = "lock"
	infoName = "instance.json"

	// A reader holds the lock for microseconds to see whether anyone else
	// does, so a claim that finds it taken looks again before it gives up.
	claimTries = 5
	claimPause = 20 * time.Millisecond
)

// Info is what a running instance tells others about itself.
type Info struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Addresses by service name: URLs where a browser or client can use
	// them, host:port otherwise.
	Addresses map[string]string `json:"addresses"`
}

// Instance is a claimed data folder. The claim ends with Release or with the
// process, however it dies.
type Instance struct {
	dir     string
	lock    *os.File
	started time.Time
}

// Running is the error of Claim when another process has the folder.
type Running struct {
	Dir  string
	Info Info // only PID is set, or nothing, while that process is still starting
}

func (e *Running) Error() string {
	who := "process unknown"
	if e.Info.PID != 0 {
		who = "process " + strconv.Itoa(e.Info.PID)
	}
	if len(e.Info.Addresses) == 0 {
		who += ", still starting"
	}
	for _, name := range slices.Sorted(maps.Keys(e.Info.Addresses)) {
		who += fmt.Sprintf(", %s %s", name, e.Info.Addresses[name])
	}
	return fmt.Sprintf("lockstep is already running on %s (%s): use that one, stop it first, or choose another folder with -data",
		e.Dir, who)
}

// NotRunning is the error of Read when no process has the folder.
type NotRunning struct{ Dir string }

func (e *NotRunning) Error() string {
	return fmt.Sprintf("no lockstep is running on %s: start it first, or name its folder with -data", e.Dir)
}

// Starting is the error of Read when a process has the folder and has not
// published its addresses yet: ask again shortly.
type Starting struct {
	Dir string
	PID int // 0 if unknown
}

func (e *Starting) Error() string {
	return fmt.Sprintf("lockstep (process %d) on %s is still starting: try again in a moment", e.PID, e.Dir)
}

// Claim makes dir this process's data folder, creating it if need be, and
// forgets what an instance that died there left behind. The error is a
// *Running if another process has it.
func Claim(dir string) (*Instance, error) {
	// Copies of personal data will lie here: nobody else may look.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	lock, err := claimLock(dir)
	if errors.Is(err, errTaken) {
		return nil, runningAt(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	i := &Instance{dir: dir, lock: lock, started: time.Now()}
	if err := i.reset(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return i, nil
}

// Dir is the data folder.
func (i *Instance) Dir() string { return i.dir }

// Publish writes the process id and the addresses to instance.json, at once
// and readable by its owner only. It may be called again when they change.
func (i *Instance) Publish(addresses map[string]string) error {
	info := Info{PID: os.Getpid(), Started: i.started, Addresses: addresses}
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return fmt.Errorf("encode instance: %w", err)
	}
	if err := replaceFile(filepath.Join(i.dir, infoName), append(text, '\n')); err != nil {
		return fmt.Errorf("publish instance: %w", err)
	}
	return nil
}

// Release ends the claim and removes instance.json. The lock file stays:
// removing it would let two processes lock two files of the same name.
func (i *Instance) Release() error {
	err := i.reset()
	if closed := i.lock.Close(); err == nil && closed != nil {
		err = fmt.Errorf("unlock data folder: %w", closed)
	}
	return err
}

// reset removes instance.json and leaves our process id in the lock file, so
// that somebody who finds the folder taken can be told by whom.
func (i *Instance) reset() error {
	if err := i.lock.Truncate(0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	if _, err := i.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	err := os.Remove(filepath.Join(i.dir, infoName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", infoName, err)
	}
	return nil
}

// Read tells what the instance that has the folder now has published. What a
// killed one left there does not count. Errors: *NotRunning, *Starting.
func Read(dir string) (Info, error) {
	held, err := lockHeld(filepath.Join(dir, lockName))
	if err != nil {
		return Info{}, fmt.Errorf("look at data folder: %w", err)
	}
	if !held {
		return Info{}, &NotRunning{Dir: dir}
	}
	running := runningAt(dir)
	if running.Info.Addresses == nil {
		return Info{}, &Starting{Dir: dir, PID: running.Info.PID}
	}
	return running.Info, nil
}

// runningAt describes the process that holds the lock as far as it has told.
func runningAt(dir string) *Running {
	running := &Running{Dir: dir}
	if text, err := os.ReadFile(filepath.Join(dir, lockName)); err == nil {
		running.Info.PID, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	text, err := os.ReadFile(filepath.Join(dir, infoName))
	if err != nil {
		return running
	}
	var info Info
	// An older one's file may lie here until the new owner has removed it.
	if json.Unmarshal(text, &info) == nil && (running.Info.PID == 0 || info.PID == running.Info.PID) {
		running.Info = info
	}
	return running
}

// claimLock locks dir's lock file; the error is errTaken if somebody has it.
func claimLock(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockName)
	for try := 1; ; try++ {
		lock, err := tryLock(name)
		if !errors.Is(err, errTaken) || try == claimTries {
			return lock, err
		}
		time.Sleep(claimPause)
	}
}

// replaceFile writes text so that a reader sees the old file or the new one,
// never a part.
func replaceFile(name string, text []byte) error {
	// CreateTemp makes files that only their owner can read.
	temp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err == nil {
		err = temp.Sync()
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}
