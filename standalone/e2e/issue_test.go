package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/history/v1"

	"lockstep.dev/engine"
	"lockstep.dev/metrics"
	"lockstep.dev/starter/cli"
)

// line is what the command line reaches of the house.
type line struct{ engine.Waker }

// History implements cli.Engine; no story asks for one.
func (line) History(context.Context, string, string) (*history.History, error) {
	return &history.History{}, nil
}

// lockstep runs the command line against the house and returns what it prints.
func (h *house) lockstep(args ...string) string {
	h.t.Helper()
	var out, talk bytes.Buffer
	code := cli.Run(h.t.Context(), args, cli.Parts{
		In: strings.NewReader(""), Out: &out, Err: &talk, Now: time.Now, By: "test", Version: "e2e",
		Open: func(context.Context, string) (*cli.Home, error) {
			return &cli.Home{
				Store: h.store, Schema: h.store, Close: func() error { return nil },
				Dial: func(context.Context) (cli.Engine, error) { return line{engine.NewWaker(h.client)}, nil },
			}, nil
		},
	})
	if code != 0 {
		h.t.Fatalf("lockstep %s: exit code %d: %s", strings.Join(args, " "), code, talk.String())
	}
	return out.String()
}

// listed are the ids of the open issues that flags choose.
func (h *house) listed(flags ...string) []string {
	h.t.Helper()
	var rows []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(h.lockstep(append([]string{"issue", "list", "--json"}, flags...)...)), &rows); err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}

// B10, L-12, L-14: items that a rule of the CRM refuses are issues, marked in
// the mailbox; they are listed and tried again by id, by code and by filter; the
// marks are gone when they sync. Prometheus is told throughout.
func TestRefusedItemsAreMarkedUntilTheySync(t *testing.T) {
	h := build(t, backends()[0], "ann", "ben")
	for _, on := range []string{"INSERT", "UPDATE"} {
		h.sql(`CREATE TRIGGER wants_company_` + on + ` BEFORE ` + on + ` ON contact WHEN NEW.full_name LIKE 'Refused%' BEGIN SELECT RAISE(ABORT, 'no'); END`)
	}
	book := h.mail.AddressBook("ann")
	for i := range 3 {
		h.put("ann", book+fmt.Sprintf("r%d.vcf", i), card(fmt.Sprintf("uid-r%d", i), fmt.Sprintf("Refused %d", i), fmt.Sprintf("r%d@example.com", i), ""))
	}
	h.put("ann", book+"good.vcf", card("uid-g", "Gus Good", "gus@example.com", ""))
	measured := metrics.New(h.store, nil, slog.New(slog.DiscardHandler))
	h.metrics = measured
	h.open()
	h.eventually("three issues are open", func() bool { return len(h.listed("--code", "sqlcrm.rule")) == 3 })
	h.eventually("they are marked", func() bool {
		_, body := h.find("ann", book, "Refused 2")
		return strings.Contains(body, "Sync Error: sqlcrm.rule")
	})
	if n := h.count(`SELECT COUNT(*) FROM contact`); n != 1 {
		t.Errorf("%d contacts in the CRM", n)
	}
	for flags, want := range map[string]int{
		"ann@harbor.example": 3, "ben@harbor.example": 0, "--kind contact": 3, "--kind event": 0, "--side crm": 3, "--side mail": 0,
		"--code dav.403": 0, "--code sqlcrm.rule --kind contact --side crm": 3,
	} {
		if got := h.listed(strings.Fields(flags)...); len(got) != want {
			t.Errorf("issue list %s lists %d, want %d", flags, len(got), want)
		}
	}
	h.scraped(t, measured, `lockstep_issues{code="sqlcrm.rule"} 3`, `lockstep_rounds_total{connection="mail"`, `lockstep_remote_seconds_count{call="apply",connector="sqlcrm",side="crm"}`,
		`lockstep_operations_total{action="create",class="Invalid",connector="sqlcrm",kind="contact",outcome="refused",side="crm"}`, "temporal_")
	h.lockstep("issue", "bundle", h.listed()[0], "--output", filepath.Join(t.TempDir(), "help.zip"))

	h.sql(`DROP TRIGGER wants_company_INSERT`)
	h.sql(`DROP TRIGGER wants_company_UPDATE`)
	h.lockstep("issue", "retry", h.listed()[0])
	h.eventually("one of them is tried again", func() bool { return len(h.listed()) == 2 && h.count(`SELECT COUNT(*) FROM contact`) == 2 })
	h.lockstep("issue", "retry", "--code", "sqlcrm.rule", "--mailbox", "ann@harbor.example", "--kind", "contact")
	h.eventually("all of them are", func() bool { return len(h.listed()) == 0 && h.count(`SELECT COUNT(*) FROM contact`) == 4 })
	for i := range 3 {
		if _, body := h.find("ann", book, fmt.Sprintf("Refused %d", i)); strings.Contains(body, "Sync Error") {
			t.Errorf("a mark stays:\n%s", body)
		}
	}
	h.quiet()
}

// scraped wants Prometheus to be told some lines.
func (h *house) scraped(t *testing.T, m *metrics.Metrics, want ...string) {
	t.Helper()
	s, err := m.Serve(t.Context(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(t.Context())
	resp, err := http.Get("http://" + s.Address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if !strings.Contains(string(text), w) {
			t.Errorf("Prometheus is not told %s", w)
		}
	}
	if strings.Contains(string(text), "harbor.example") || strings.Contains(string(text), "Refused ") {
		t.Error("Prometheus is told an address or a name")
	}
}
