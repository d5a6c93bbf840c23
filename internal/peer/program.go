package peer

import (
	"os"
	"os/exec"
	"path/filepath"
)

// requiredVariable set to "required" makes a missing program a failure.
const requiredVariable = "LOCKSTEP_PEERS"

// Program returns the path of an installed program. If it is missing the test
// is skipped with a line that names the Debian package, or failed if
// LOCKSTEP_PEERS=required.
func Program(t TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, filepath.Base(name), debianPackage)
	}
	return path
}

// Vdirsyncer returns the path of vdirsyncer, the performance peer for contacts
// and calendars.
func Vdirsyncer(t TB) string {
	t.Helper()
	return Program(t, "vdirsyncer", "vdirsyncer")
}

// Chromium returns the path of the browser that pages are clicked with.
func Chromium(t TB) string {
	t.Helper()
	return Program(t, "chromium", "chromium")
}

// missing reports a program that is not installed.
func missing(t TB, name, debianPackage string) {
	t.Helper()
	const text = "%s is not installed: run `make peers` or apt-get install %s"
	if os.Getenv(requiredVariable) == "required" {
		t.Fatalf(text, name, debianPackage)
		return
	}
	t.Skipf(text, name, debianPackage)
}
