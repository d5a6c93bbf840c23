package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/setup"
)

// environment sets the variables of a test and unsets all others of ours.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	list, err := setup.Variables(&config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		t.Setenv(v.Name, "") // restores it after the test
		if err := os.Unsetenv(v.Name); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
}

// good is an environment with a database in a folder of its own and a Temporal
// server that nobody runs: port 1 (tcpmux) needs a privilege and is long dead.
func good(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"LOCKSTEP_DATABASE_URL":  "sqlite:" + filepath.Join(t.TempDir(), "lockstep.db"),
		"LOCKSTEP_KEY":           strings.Repeat("geheim", 6),
		"LOCKSTEP_TEMPORAL_HOST": "127.0.0.1:1",
	}
}

func worker(t *testing.T, args ...string) (code int, out, talk string) {
	t.Helper()
	// Variables that are meant for the tests themselves are none of the worker's.
	for _, name := range []string{"LOCKSTEP_PEERS", "LOCKSTEP_SPECS", "LOCKSTEP_SOAK", "LOCKSTEP_RECORD"} {
		t.Setenv(name, "") // restores it afterwards
		os.Unsetenv(name)
	}
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	if strings.Contains(stdout.String()+stderr.String(), "geheim") {
		t.Errorf("a secret was shown:\n%s%s", stdout.String(), stderr.String())
	}
	return code, stdout.String(), stderr.String()
}

// What is wrong gives one sentence that names the variable, and nothing is
// started halfway.
func TestTheWorkerSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]string
		args []string
		code int
		want string
	}{
		"nothing set":    {set: map[string]string{"LOCKSTEP_DATABASE_URL": ""}, code: 1, want: "worker: LOCKSTEP_DATABASE_URL is not set"},
		"no key":         {set: map[string]string{"LOCKSTEP_KEY": ""}, code: 1, want: "worker: LOCKSTEP_KEY: is not set"},
		"activities":     {set: map[string]string{"LOCKSTEP_ACTIVITIES": "0"}, code: 1, want: "worker: LOCKSTEP_ACTIVITIES must be a number above 0"},
		"not a number":   {set: map[string]string{"LOCKSTEP_ACTIVITIES": "many"}, code: 1, want: `worker: LOCKSTEP_ACTIVITIES: "many" is not of the type int`},
		"lease":          {set: map[string]string{"LOCKSTEP_LEASE": "1ms"}, code: 1, want: "worker: LOCKSTEP_LEASE must be at least 1s"},
		"log format":     {set: map[string]string{"LOCKSTEP_LOG_FORMAT": "xml"}, code: 1, want: `worker: LOCKSTEP_LOG_FORMAT: "xml" is not a format; use json or text`},
		"log level":      {set: map[string]string{"LOCKSTEP_LOG_LEVEL": "loud"}, code: 1, want: `worker: LOCKSTEP_LOG_LEVEL: "loud" is not of the type`},
		"old schema":     {code: 1, want: "worker: the database schema is too old: migration 0001_store is missing. Run: lockstep schema migrate (or start the worker with LOCKSTEP_MIGRATE=true)"},
		"no Temporal":    {set: map[string]string{"LOCKSTEP_MIGRATE": "true"}, code: 1, want: "worker: the Temporal server at 127.0.0.1:1 (namespace default) cannot be reached"},
		"no database":    {set: map[string]string{"LOCKSTEP_DATABASE_URL": "postgres://u:geheim@127.0.0.1:1/x?sslmode=disable"}, code: 1, want: "worker: open store: the postgres database cannot be reached"},
		"unknown flag":   {args: []string{"-colour"}, code: 2, want: "flag provided but not defined: -colour"},
		"not a flag":     {args: []string{"start"}, code: 2, want: `worker: "start" is not a flag; see -h`},
		"check does not": {set: map[string]string{"LOCKSTEP_MIGRATE": "true"}, args: []string{"-check"}, code: 1, want: "worker: the database schema is too old"},
	} {
		t.Run(name, func(t *testing.T) {
			set := good(t)
			for k, v := range c.set {
				set[k] = v
			}
			environment(t, set)
			code, out, talk := worker(t, c.args...)
			if code != c.code || !strings.HasPrefix(talk, c.want) || out != "" {
				t.Errorf("exit code %d, says %q, prints %q\nwant %d, %q", code, talk, out, c.code, c.want)
			}
		})
	}
}

func TestAMisspelledVariableIsSaid(t *testing.T) {
	set := good(t)
	set["LOCKSTEP_TEMPORAL_HOTS"], set["LOCKSTEP_LOG_FORMAT"] = "x", "text"
	environment(t, set)
	if _, _, talk := worker(t); !strings.Contains(talk, "unknown environment variable LOCKSTEP_TEMPORAL_HOTS") {
		t.Errorf("says %s", talk)
	}
}

func TestTheConfigurationIsPrintedWithoutSecrets(t *testing.T) {
	set := good(t)
	set["LOCKSTEP_TEMPORAL_API_KEY"] = "geheim"
	environment(t, set)
	code, out, talk := worker(t, "--print-config")
	for _, want := range []string{"LOCKSTEP_KEY=********\n", "LOCKSTEP_DATABASE_URL=********\n", "LOCKSTEP_TEMPORAL_HOST=127.0.0.1:1\n", "LOCKSTEP_LEASE=30s\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if code != 0 || talk != "" {
		t.Errorf("exit code %d, says %s", code, talk)
	}
}

// The table in README.md is made from the structs; this test says when it is
// not, and prints what belongs there.
func TestREADMEListsTheVariables(t *testing.T) {
	list, err := setup.Variables(&config{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := setup.VariableTable(list); !strings.Contains(string(text), "\n"+table+"\n") {
		t.Errorf("README.md lacks this table:\n%s", table)
	}
	for _, v := range list {
		if v.Means == "" {
			t.Errorf("%s is not explained", v.Name)
		}
	}
}
