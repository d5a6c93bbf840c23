//go:build unix

package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second      // a loaded machine starting a cold server
	stopTimeout  = 10 * time.Second      // from the polite signal to SIGKILL
	pollInterval = 10 * time.Millisecond // between two looks at a server that starts
)

// watchdogScript waits for a line on its standard input. The line means that
// the server was ended in order. End of file means that whoever started the
// server died: the server's process group $1 is ended, first with the signal
// $3, and its folder $2 removed.
const watchdogScript = `if read -r word; then exit 0; fi
kill -s "$3" -- "-$1"
for i in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 -- "-$1" || break; sleep 0.2; done
kill -s KILL -- "-$1"
rm -rf -- "$2"`

// instance is the folder and the account of one throw-away server.
type instance struct {
	dir     string
	account *syscall.Credential // nil: the account that runs the test
}

// newInstance creates a folder owned by the first of the named users that
// exists, or by the current user if that is not root.
func newInstance(name string, users ...string) (*instance, error) {
	dir, err := os.MkdirTemp(dataRoot(), "lockstep-"+name+"-")
	if err != nil {
		return nil, fmt.Errorf("create folder: %w", err)
	}
	in := &instance{dir: dir}
	if os.Geteuid() == 0 {
		if in.account, err = account(users); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		if err := os.Chown(dir, int(in.account.Uid), int(in.account.Gid)); err != nil {
			return nil, errors.Join(fmt.Errorf("give folder away: %w", err), os.RemoveAll(dir))
		}
	}
	return in, nil
}

// dataRoot is memory where the machine has enough of it, else the temporary
// folder. Containers often have a /dev/shm of 64 MB, which is too small.
func dataRoot() string {
	const shm, enough = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(shm, &fs); err != nil || uint64(fs.Bavail)*uint64(fs.Bsize) < enough {
		return os.TempDir()
	}
	return shm
}

func account(users []string) (*syscall.Credential, error) {
	for _, name := range users {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errU, errG); err != nil {
			return nil, fmt.Errorf("read account %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("find account: none of the users %v exists", users)
}

func (in *instance) path(elements ...string) string {
	return filepath.Join(append([]string{in.dir}, elements...)...)
}

func (in *instance) remove() { _ = os.RemoveAll(in.dir) }

// write creates a file (or, with nil content, a folder) the server can use.
func (in *instance) write(name string, content []byte) error {
	path := in.path(name)
	var err error
	if content == nil {
		err = os.Mkdir(path, 0o700)
	} else {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if in.account == nil {
		return nil
	}
	if err := os.Chown(path, int(in.account.Uid), int(in.account.Gid)); err != nil {
		return fmt.Errorf("give %s away: %w", name, err)
	}
	return nil
}

// command prepares a program of the instance: its account, its own folder as
// home and working folder, and nothing else of our environment but the path.
func (in *instance) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = in.dir
	cmd.Env = []string{"HOME=" + in.dir, "TMPDIR=" + in.dir, "LC_ALL=C.UTF-8", "TZ=UTC", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: in.account}
	return cmd
}

// run runs a program of the instance to its end.
func (in *instance) run(stdin string, name string, args ...string) error {
	cmd := in.command(name, args...)
	cmd.Stdin = bytes.NewBufferString(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", filepath.Base(name), err, lastLines(out))
	}
	return nil
}

// process is a running server.
type process struct {
	cmd      *exec.Cmd
	polite   syscall.Signal // ends the server in order
	logPath  string
	exited   chan struct{} // closed once cmd has ended
	watchdog io.WriteCloser
}

// start starts a server, which the given signal ends in order, and its
// watchdog; the server's output goes to the file "log".
func (in *instance) start(polite syscall.Signal, name string, args ...string) (*process, error) {
	p := &process{cmd: in.command(name, args...), polite: polite, logPath: in.path("log"), exited: make(chan struct{})}
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.watch(in.dir); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *process) watch(dir string) error {
	dog := exec.Command("/bin/sh", "-c", watchdogScript, "sh", strconv.Itoa(p.cmd.Process.Pid), dir, signalName(p.polite))
	dog.Dir = "/"
	dog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // survives Ctrl-C in the terminal
	stdin, err := dog.StdinPipe()
	if err != nil {
		return fmt.Errorf("start watchdog: %w", err)
	}
	if err := dog.Start(); err != nil {
		return fmt.Errorf("start watchdog: %w", err)
	}
	go func() { _ = dog.Wait() }()
	p.watchdog = stdin
	return nil
}

// signalName is the name that kill(1) has for a signal that ends a server.
func signalName(signal syscall.Signal) string {
	if signal == syscall.SIGQUIT {
		return "QUIT"
	}
	return "TERM"
}

// stop ends the server and everything it started, and waits for it.
func (p *process) stop() {
	group := -p.cmd.Process.Pid
	if err := syscall.Kill(p.cmd.Process.Pid, p.polite); err == nil {
		select {
		case <-p.exited:
		case <-time.After(stopTimeout):
		}
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.exited
	if p.watchdog != nil {
		_, _ = io.WriteString(p.watchdog, "ended\n")
		_ = p.watchdog.Close()
	}
}

// ready asks until the answer is nil, the server has ended or time is up.
func (p *process) ready(ask func() error) error {
	deadline := time.After(startTimeout)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("wait for server: it ended: %s", p.log())
		case <-deadline:
			return fmt.Errorf("wait for server: %w: %s", err, p.log())
		case <-time.After(pollInterval):
		}
	}
}

func (p *process) log() string {
	content, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return lastLines(content)
}

// lastLines keeps the end of a program's output, where the reason is.
func lastLines(out []byte) string {
	const keep = 2000
	out = bytes.TrimSpace(out)
	if len(out) > keep {
		out = out[len(out)-keep:]
	}
	return string(out)
}
