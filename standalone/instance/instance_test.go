package instance_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/standalone/instance"
)

// holdEnv turns the test program into a second Lockstep that has the named
// folder until it is killed.
const holdEnv = "INSTANCE_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		hold(dir)
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	i, err := instance.Claim(dir)
	if err == nil {
		err = i.Publish(map[string]string{"web-ui": "http://127.0.0.1:8233"})
	}
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("holding\n")
	select {}
}

// startHolder runs another process that has dir, and returns once it has.
func startHolder(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "holding\n" {
		t.Fatalf("holder says %q", line)
	}
	return cmd
}

func TestSecondStartIsToldWhoIsRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	holder := startHolder(t, dir)

	_, err := instance.Claim(dir)
	var running *instance.Running
	if !errors.As(err, &running) {
		t.Fatalf("Claim while another process has the folder: %v", err)
	}
	if running.Info.PID != holder.Process.Pid {
		t.Errorf("named process %d, want %d", running.Info.PID, holder.Process.Pid)
	}
	for _, want := range []string{"already running", dir, "http://127.0.0.1:8233"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("message does not say %q: %s", want, err)
		}
	}

	info, err := instance.Read(dir)
	if err != nil || info.Addresses["web-ui"] != "http://127.0.0.1:8233" || info.Started.IsZero() {
		t.Errorf("Read = %+v, %v", info, err)
	}
}

func TestKilledInstanceLeavesTheFolderFree(t *testing.T) {
	dir := t.TempDir()
	holder := startHolder(t, dir)
	if err := holder.Process.Kill(); err != nil { // SIGKILL
		t.Fatal(err)
	}
	_ = holder.Wait()

	if _, err := os.Stat(filepath.Join(dir, "instance.json")); err != nil {
		t.Fatalf("the killed one should have left its file: %v", err)
	}
	var not *instance.NotRunning
	if _, err := instance.Read(dir); !errors.As(err, &not) {
		t.Errorf("Read after the kill: %v, want NotRunning", err)
	}

	i := claim(t, dir)
	var starting *instance.Starting
	if _, err := instance.Read(dir); !errors.As(err, &starting) || starting.PID != os.Getpid() {
		t.Errorf("Read before Publish: %v, want Starting with our process id", err)
	}
	if err := i.Publish(map[string]string{"dav": "http://127.0.0.1:5232"}); err != nil {
		t.Fatal(err)
	}
	info, err := instance.Read(dir)
	if err != nil || info.PID != os.Getpid() || info.Addresses["dav"] == "" {
		t.Errorf("Read = %+v, %v", info, err)
	}
}

func TestCleanStopRemovesTheFile(t *testing.T) {
	dir := t.TempDir()
	i := claim(t, dir)
	if err := i.Publish(map[string]string{"temporal": "127.0.0.1:7233"}); err != nil {
		t.Fatal(err)
	}
	if err := i.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "instance.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("instance.json after Release: %v", err)
	}
	claim(t, dir)
}

func TestWhatIsStillStartingIsSaid(t *testing.T) {
	dir := t.TempDir()
	claim(t, dir)
	_, err := instance.Claim(dir)
	if err == nil || !strings.Contains(err.Error(), "still starting") {
		t.Errorf("Claim beside one that has not published: %v", err)
	}
}

func TestOnlyTheOwnerCanRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	i := claim(t, dir)
	if err := i.Publish(map[string]string{"temporal": "127.0.0.1:7233"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "lock": 0o600, "instance.json": 0o600} {
		at, err := os.Stat(filepath.Join(dir, name))
		if err != nil || at.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", name, at.Mode().Perm(), err, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("files in the folder: %v, %v, want lock and instance.json only", left, err)
	}
}

func TestReadWithoutAFolder(t *testing.T) {
	var not *instance.NotRunning
	if _, err := instance.Read(filepath.Join(t.TempDir(), "nowhere")); !errors.As(err, &not) {
		t.Errorf("Read of a missing folder: %v, want NotRunning", err)
	}
}

func TestClaimNamesAFolderItCannotMake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.Claim(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Claim of a file: %v, want an error naming it", err)
	}
}

// claim takes dir until the test ends.
func claim(t *testing.T, dir string) *instance.Instance {
	t.Helper()
	i, err := instance.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Release() })
	if i.Dir() != dir {
		t.Errorf("Dir = %s, want %s", i.Dir(), dir)
	}
	return i
}
