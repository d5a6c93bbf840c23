package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/setup"
)

// What the documentation shows is what is read.
func TestTheExampleInREADMEWorks(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("README.md shows no configuration file")
	}
	for _, name := range []string{"CRM_PASSWORD", "SMTP_PASSWORD", "HOOK_SECRET"} {
		t.Setenv(name, "x")
	}
	path := write(t, example)
	f, err := setup.Read(path, systems())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Connections) != 2 || len(f.Policies) != 1 || len(f.Mailboxes) != 1 || f.Delivery == nil || f.Delivery.Mail.Secret != "x" || filepath.IsAbs(f.Connections[0].Settings["dsn"]) {
		t.Errorf("read %+v", f)
	}
}
