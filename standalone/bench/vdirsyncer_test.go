package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockstep.dev/internal/peer"
)

// vdirsyncer keeps one address book and one folder of files in step.
type vdirsyncer struct {
	b       *testing.B
	program string
	dir     string
	files   string  // the folder
	memory  float64 // MB, peak of the runs
	busy    float64 // seconds of processor time, of the runs
}

// newVdirsyncer configures a pair as the program's manual does, for one
// address book without any discovery of others.
func newVdirsyncer(b *testing.B, book, user, password, files string) *vdirsyncer {
	b.Helper()
	v := &vdirsyncer{b: b, program: peer.Vdirsyncer(b), dir: folder(b), files: files}
	text := fmt.Sprintf(`[general]
status_path = %q
[pair cards]
a = "server"
b = "files"
collections = null
conflict_resolution = "a wins"
[storage server]
type = "carddav"
url = %q
username = %q
password = %q
[storage files]
type = "filesystem"
path = %q
fileext = ".vcf"
`, filepath.Join(v.dir, "status"), book, user, password, files)
	if err := os.WriteFile(filepath.Join(v.dir, "config"), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(files, 0o700); err != nil {
		b.Fatal(err)
	}
	v.run("discover")
	return v
}

// sync runs one synchronisation.
func (v *vdirsyncer) sync() { v.run("sync") }

// run runs one command and notes what it used, wait4(2).
func (v *vdirsyncer) run(what string) {
	v.b.Helper()
	cmd := exec.CommandContext(v.b.Context(), v.program, "-c", filepath.Join(v.dir, "config"), what)
	cmd.Stdin = strings.NewReader(strings.Repeat("y\n", 10))
	out, err := cmd.CombinedOutput()
	if err != nil {
		v.b.Fatalf("vdirsyncer %s: %v: %s", what, err, last(out))
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		v.memory = max(v.memory, float64(u.Maxrss)/1024)
		v.busy += time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	}
}

func last(out []byte) []byte { return out[max(0, len(out)-2000):] }

// count is the number of cards in the folder.
func (v *vdirsyncer) count() int {
	v.b.Helper()
	found, err := filepath.Glob(filepath.Join(v.files, "*.vcf"))
	if err != nil {
		v.b.Fatal(err)
	}
	return len(found)
}

// edit changes the first n cards of the folder.
func (v *vdirsyncer) edit(n int) {
	v.b.Helper()
	found, err := filepath.Glob(filepath.Join(v.files, "*.vcf"))
	if err != nil || len(found) < n {
		v.b.Fatalf("%d cards in the folder: %v", len(found), err)
	}
	for _, file := range found[:n] {
		text, err := os.ReadFile(file)
		if err != nil {
			v.b.Fatal(err)
		}
		edited := strings.Replace(string(text), "END:VCARD", "NICKNAME:Edited\r\nEND:VCARD", 1)
		if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
			v.b.Fatal(err)
		}
	}
}
