package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the standalone program as a newcomer starts it.
type program struct {
	t      *testing.T
	path   string
	data   string
	config string
	cmd    *exec.Cmd
	log    *os.File
}

func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.path, "-data", p.data, "-config", p.config, "-yes")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
}

func (p *program) said() string {
	b, _ := os.ReadFile(p.log.Name())
	return string(b)
}

// Standalone is killed with kill -9 again and again in the middle of its first
// sync and started again with the same command: no duplicate, nothing lost, and
// then a quiet round that writes nothing (I7, I2).
func TestKilledInTheMiddleOfApply(t *testing.T) {
	path := standalone(t)
	for _, b := range backends() {
		t.Run(b.name, func(t *testing.T) {
			const n = 400
			h := build(t, b, "ann")
			for i := range n {
				h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ($1, 'u-ann', $2, $2, $3)`,
					fmt.Sprintf("c%d", i), fmt.Sprintf("Stone%d", i), fmt.Sprintf("s%d@example.com", i))
			}
			cal := h.mail.Calendar("ann")
			for i := range 60 {
				h.put("ann", cal+fmt.Sprintf("e%d.ics", i), meeting(fmt.Sprintf("uid-%d", i), fmt.Sprintf("Visit %d", i), "", 1+i))
			}
			p := newProgram(t, path, h, h.mail.URL)
			p.start()
			for _, cards := range []int{20, 150, 280} {
				h.eventually(fmt.Sprintf("%d cards were written", cards), func() bool { return len(h.list("ann", h.mail.AddressBook("ann"))) >= cards })
				p.kill()
				p.start()
			}
			h.eventually("both sides hold everything\n"+p.said(), func() bool {
				return len(h.list("ann", h.mail.AddressBook("ann"))) >= n && h.count(`SELECT COUNT(*) FROM appointment`) >= 60
			})
			p.settle(h)
			if got := len(h.list("ann", h.mail.AddressBook("ann"))); got != n {
				t.Errorf("%d cards, want %d", got, n)
			}
			if got := h.count(`SELECT COUNT(*) FROM contact`); got != n {
				t.Errorf("%d contacts, want %d", got, n)
			}
			if got := h.count(`SELECT COUNT(*) FROM appointment`); got != 60 {
				t.Errorf("%d appointments, want 60", got)
			}
		})
	}
}

// standalone builds the program.
func standalone(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "standalone")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "..").CombinedOutput(); err != nil {
		t.Fatalf("build standalone: %v\n%s", err, out)
	}
	return path
}

// newProgram configures a built program for the house's people, with the mail
// server at an address.
func newProgram(t *testing.T, path string, h *house, mail string) *program {
	t.Helper()
	p := &program{t: t, path: path, data: t.TempDir()}
	connections, err := h.store.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	crm := ""
	for _, c := range connections {
		if c.Name == "crm" {
			crm = c.Settings["dsn"]
		}
	}
	p.config = filepath.Join(t.TempDir(), "lockstep.yaml")
	text := fmt.Sprintf(`connections:
  - {name: crm, side: crm, connector: sqlcrm, every: 1s, settings: {dsn: %q}}
  - {name: mail, side: mail, connector: dav, settings: {url: %q}}
policies:
  - name: everything
    interval: 2s
    settle_gap: 1s
    retry_gap: 1s
    kinds:
      contact: {from_mail: all, from_crm: all}
      event: {from_mail: all, from_crm: all}
mailboxes:
`, crm, mail)
	for _, u := range h.users {
		text += fmt.Sprintf("  - {address: %[1]s@harbor.example, crm: crm, crm_user: u-%[1]s, mail: mail, user: %[1]s, secret: %[2]q, policy: everything}\n", u, h.mail.Password)
	}
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if p.log, err = os.Create(filepath.Join(t.TempDir(), "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		p.log.Close()
	})
	return p
}

// settle waits until rounds have changed no version on either side for longer
// than it takes to notice that a worker is dead.
func (p *program) settle(h *house) {
	h.t.Helper()
	since, last := time.Now(), h.versions()
	h.eventually("rounds change nothing any more\n"+p.said(), func() bool {
		if now := h.versions(); now != last {
			since, last = time.Now(), now
		}
		time.Sleep(time.Second)
		return time.Since(since) > 13*time.Second
	})
}

// What is wrong in the configuration gives one sentence that names the key or
// the side, and nothing is started halfway.
func TestWrongConfigurationIsOneSentence(t *testing.T) {
	h := build(t, backends()[0], "ann")
	p := newProgram(t, standalone(t), h, h.mail.URL)
	right, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"an unknown key":       {"interval: 2s", "intervall: 2s", "intervall"},
		"an unknown connector": {"connector: dav", "connector: exchange", "exchange"},
		"a wrong password":     {"secret: \"" + h.mail.Password, "secret: \"not-the-password", "mail side"},
		"nobody answers":       {h.mail.URL, "http://127.0.0.1:9/", "mail side: The server refuses connections"},
		"no such CRM user":     {"crm_user: u-ann", "crm_user: u-zoe", "u-zoe"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(p.config, []byte(strings.ReplaceAll(string(right), c.from, c.to)), 0o600); err != nil {
				t.Fatal(err)
			}
			data := t.TempDir()
			out, err := exec.CommandContext(t.Context(), p.path, "-data", data, "-config", p.config).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s", err, out)
			}
			if strings.Contains(string(out), "not-the-password") {
				t.Errorf("the answer shows the password: %s", out)
			}
		})
	}
}
