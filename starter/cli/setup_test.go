package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"lockstep.dev/model"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lockstep.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAddingAConnection(t *testing.T) {
	h := bareHouse(t)
	t.Setenv("CLI_TEST_SECRET", "geheim")
	code, _, talk := h.run("connection", "add", "sales", "--side", "crm", "--connector", "sqlcrm", "--set", "dsn=postgres://db/crm",
		"--secret", "env:CLI_TEST_SECRET", "--owner", "it@example.com", "--every", "1m")
	if code != 0 || talk != "connection sales: added\n" || strings.Join(h.woken, " ") != "sales" {
		t.Errorf("exit code %d, says %q, woken %v", code, talk, h.woken)
	}
	c, err := h.st.ConnectionNamed(t.Context(), "sales")
	if err != nil || c.Secret != "geheim" || c.Every != time.Minute || c.Settings["dsn"] != "postgres://db/crm" {
		t.Errorf("saved %+v, %v", c, err)
	}
	code, out, talk := h.run("connection", "add", "sales", "--side", "crm", "--connector", "sqlcrm", "--set", "dsn=postgres://db2/crm",
		"--secret", "env:CLI_TEST_SECRET", "--json")
	if code != 0 || talk != "connection sales: changed: settings.dsn, owner: it@example.com -> (nothing), every: 1m0s -> 0s\n" || !strings.Contains(out, `"changed": [`) {
		t.Errorf("exit code %d, says %q, data %s", code, talk, out)
	}
}

func TestAConnectionThatDoesNotWorkIsNotSaved(t *testing.T) {
	h := bareHouse(t)
	h.down = map[string]error{"sales": unreachable()}
	code, _, talk := h.run("connection", "add", "sales", "--side", "crm", "--connector", "sqlcrm", "--set", "dsn=postgres://db/crm")
	if code != 1 || talk != "lockstep: connection sales does not work: crm side: The database cannot be reached. (sqlcrm.unreachable)\n" {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	if list, err := h.st.Connections(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("saved %v, %v", list, err)
	}
}

func TestConnectionsFromAFile(t *testing.T) {
	h := bareHouse(t)
	path := file(t, "connections:\n  - {name: office, side: mail, connector: dav, settings: {url: https://x/}}\n")
	if code, _, talk := h.run("connection", "add", "--file", path); code != 0 || talk != "connection office: added\n" {
		t.Errorf("exit code %d, says %q", code, talk)
	}
	path = file(t, "connections:\n  - {name: office, side: mail, conector: dav}\n")
	code, _, talk := h.run("connection", "add", "--file", path)
	if code != 1 || !strings.HasPrefix(talk, "lockstep: "+path+":2: connections[office].conector: there is no such key; use") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

// What a policy changes is shown key by key; a dry run saves nothing.
func TestApplyingAPolicy(t *testing.T) {
	h := newHouse(t)
	path := file(t, "policies:\n  - {name: default, past_days: 90, kinds: {task: {from_mail: all}}}\n  - {name: sales}\n")
	for _, c := range []struct {
		args, want string
		past       int
	}{
		{"policy apply --dry-run", "+ policy sales (not saved)\n~ policy default (not saved)\n    kinds.task.from_mail: none -> all\n    past_days: 45 -> 90\n", 45},
		{"policy apply --yes --why ticket", "+ policy sales\n~ policy default\n    kinds.task.from_mail: none -> all\n    past_days: 45 -> 90\n", 90},
		{"policy apply", "= policy default\n= policy sales\n", 90},
	} {
		code, out, talk := h.run(append(strings.Fields(c.args), path)...)
		if code != 0 || out != c.want || talk != "" {
			t.Errorf("%s: exit code %d, says %q, data\n%s\nwant\n%s", c.args, code, talk, out, c.want)
		}
		if p, err := h.st.Policy(t.Context(), "default"); err != nil || p.PastDays != c.past {
			t.Errorf("%s: %+v, %v", c.args, p, err)
		}
	}
	h.input = "policies: [{name: sales, pastdays: 1}]"
	code, _, talk := h.run("policy", "apply", "-")
	if code != 1 || !strings.HasPrefix(talk, "lockstep: standard input:1: policies[sales].pastdays: there is no such key") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

func TestAPolicyThatWasShownCanBeApplied(t *testing.T) {
	h := newHouse(t)
	_, h.input, _ = h.run("policy", "show", "default")
	if code, out, talk := h.run("policy", "apply", "-"); code != 0 || out != "= policy default\n" {
		t.Errorf("exit code %d, says %q, data %q", code, talk, out)
	}
}

func TestSchema(t *testing.T) {
	h := newHouse(t)
	code, out, _ := h.run("schema", "status")
	if code != 0 || !strings.HasPrefix(out, "MIGRATION") || !strings.Contains(out, "0001_store") {
		t.Errorf("exit code %d, data %s", code, out)
	}
	if code, _, talk := h.run("schema", "migrate"); code != 0 || talk != "the database is up to date already\n" {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	code, out, talk := h.run("schema", "status", "sales")
	golden(t, "schema-status-crm", "$ lockstep schema status sales\n"+out)
	if code != 3 || talk != "lockstep: what Lockstep needs is not there yet; run: lockstep schema install sales\n" {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if code, _, talk := h.run("schema", "install", "sales", "-y"); code != 0 || strings.Join(h.installed, " ") != "sales" {
		t.Errorf("exit code %d, says %s, installed %v", code, talk, h.installed)
	}
}

// A connection whose database lacks its tables cannot be added, so its tables
// are installed by the file that names it.
func TestInstallingByAFile(t *testing.T) {
	h := bareHouse(t)
	path := file(t, "connections:\n  - {name: sales, side: crm, connector: sqlcrm, settings: {dsn: crm.db}}\n")
	if code, _, talk := h.run("schema", "install", "sales", "--file", path, "-y"); code != 0 || strings.Join(h.installed, " ") != "sales" {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if code, _, talk := h.run("schema", "install", "other", "--file", path, "-y"); code != 1 || talk != "lockstep: "+path+" names no connection other\n" {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

// What is exported is what the SDK's replayer reads.
func TestHistoryExport(t *testing.T) {
	h := newHouse(t)
	h.events = &history.History{Events: []*history.HistoryEvent{{
		EventId: 1, EventTime: timestamppb.New(noon()), EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{
			WorkflowType: &common.WorkflowType{Name: "Mailbox"},
			Input:        &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`{}`)}}},
		}},
	}}}
	_, out, _ := h.run("history", "export", "anna@example.com")
	got, err := client.HistoryFromJSON(strings.NewReader(out), client.HistoryJSONOptions{})
	if err != nil || !proto.Equal(got, h.events) {
		t.Errorf("read back: %v, %v", got, err)
	}
	path := filepath.Join(t.TempDir(), "anna.json")
	code, nothing, talk := h.run("history", "export", "--connection", "sales", "--output", path)
	text, err := os.ReadFile(path)
	if code != 0 || nothing != "" || err != nil || !bytes.Equal(text, []byte(out)) || !strings.HasSuffix(talk, ": 1 event written to "+path+"\n") {
		t.Errorf("exit code %d, says %q, data %q, %v", code, talk, nothing, err)
	}
	h.events = nil
	if code, _, talk := h.run("history", "export", "anna@example.com"); code != 1 || !strings.Contains(talk, "read history of mailbox/mbx_ID: workflow not found") {
		t.Errorf("exit code %d, says %q", code, talk)
	}
}

func TestShellCompletion(t *testing.T) {
	h := newHouse(t)
	if err := h.st.SetMailboxState(t.Context(), h.register("anton@example.com", "20").ID, model.Retired, "removed"); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"mailbox show a":                     "anna@example.com",
		"mailbox pause anna@example.com b":   "ben@example.com",
		"plan show anna@example.com b":       "",
		"mailbox add x@example.com --crm ":   "sales",
		"mailbox add x@example.com --mail ":  "office",
		"mailbox add x@example.com --policy": "",
		"connection test ":                   "office sales",
		"schema install ":                    "sales",
		"policy show d":                      "default",
		"connection add x --connector ":      "dav sqlcrm",
		"mailbox list --state p":             "registered approved active paused disabled crm-id-conflict retired",
		"explain x --mailbox b":              "ben@example.com",
	} {
		_, out, _ := h.run(append([]string{"__complete"}, strings.Split(args, " ")...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if got := strings.Join(lines[:len(lines)-1], " "); got != want && want != "" || want == "" && strings.Contains(got, "@") {
			t.Errorf("%q completes to %q, want %q", args, got, want)
		}
	}
	code, out, _ := h.run("completion", "bash")
	if code != 0 || !strings.Contains(out, "lockstep") {
		t.Errorf("exit code %d, no script", code)
	}
}
