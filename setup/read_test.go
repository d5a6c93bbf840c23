package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/setup"
)

func TestAFileIsReadWithItsSecretsAndReferencesResolved(t *testing.T) {
	path := write(t, example)
	f, err := setup.Read(path, systems())
	if err != nil {
		t.Fatal(err)
	}
	crm := f.Connections[0]
	if crm.Secret != "crm-password" || crm.Every != 30*time.Second || crm.Owner != "it@example.com" {
		t.Errorf("crm connection: %+v", crm)
	}
	if want := filepath.Join(filepath.Dir(path), "crm.db"); crm.Settings["dsn"] != want {
		t.Errorf("dsn = %s, want %s: a relative path counts from the file's folder", crm.Settings["dsn"], want)
	}
	anna, ben := f.Mailboxes[0], f.Mailboxes[1]
	if anna.Secret != "anna-password" || anna.Policy != "sales" {
		t.Errorf("anna: %+v", anna)
	}
	// With one connection on each side, and the default policy, nothing need
	// be said.
	if ben.CRM != "sales" || ben.Mail != "office" || ben.Policy != "default" || ben.Secret != "literal" {
		t.Errorf("ben: %+v", ben)
	}
	if f.Policies[0].PastDays != 90 {
		t.Errorf("policy: %+v", f.Policies[0])
	}
}

// Each mistake gives one sentence with the file, the line and the key.
func TestWhatIsWrongIsNamed(t *testing.T) {
	change := func(old, to string) string { return strings.Replace(example, old, to, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":           {change("owner:", "ovner:"), `:5: connections[sales].ovner: there is no such key; use name, side, connector, owner, every, outage, settings, secret`},
		"unknown key at top":    {change("policies:", "polices:"), `:14: polices: there is no such key; use connections, policies, mailboxes`},
		"unknown policy key":    {change("past_days", "days_past"), `:16: policies[sales].days_past: there is no such key; use name, kinds,`},
		"unknown key of a kind": {change("from_mail", "from_mial"), `:18: policies[sales].kinds.contact.from_mial: there is no such key; use direction, from_mail,`},
		"unknown kind":          {change("contact:", "contacts:"), `:18: policies[sales].kinds.contacts: there is no such kind; use contact, event or task`},
		"wrong choice":          {change("from_mail: all", "from_mail: some"), `:18: policies[sales].kinds.contact.from_mail: "some" is not one of`},
		"not a number":          {change("past_days: 90", "past_days: ninety"), `:16: policies[sales].past_days: this must be a whole number`},
		"not a time":            {change("every: 30s", "every: 30"), `:6: connections[sales].every: "30" is not a span of time; write it as 90s, 5m or 24h`},
		"no such outage":        {change("every: 30s", "outage: sleep"), `:6: connections[sales].outage: "sleep" is not one of wait, disable`},
		"not a list":            {"connections: sales\n", `:1: connections: this must be a list, each entry beginning with a dash`},
		"not YAML":              {change("    side: crm", "   side: crm"), `:1: did not find expected`},
		"empty":                 {"", `: is empty`},
		"two documents":         {example + "---\nconnections: []\n", `: holds more than one YAML document`},
		"key twice":             {change("side: crm", "side: crm\n    side: crm"), `:4: connections[sales].side: mapping key "side" already defined at line 3`},
		"side":                  {change("side: crm", "side: CRM"), `:3: connections[sales].side: "CRM" is not a side; use crm or mail`},
		"side of the other":     {change("side: mail", "side: crm"), `:11: connections[office].side: the connector dav is for the mail side`},
		"connector":             {change("connector: dav", "connector: imap"), `:12: connections[office].connector: "imap" is not a connector; use dav or sqlcrm`},
		"setting":               {change(`{url: "https://dav.example.com/"}`, "{}"), `:13: connections[office].settings: mail side: Setting url is missing.`},
		"no name":               {change("name: sales\n    side", "name:\n    side"), `:2: connections[1].name: is missing: every connection needs a name of its own`},
		"name twice":            {change("name: office", "name: sales"), `:10: connections[sales].name: there are two connections of this name`},
		"owner":                 {change("it@example.com", "the IT"), `:5: connections[sales].owner: "the IT" is not an e-mail address`},
		"environment":           {change("SETUP_TEST_CRM", "SETUP_TEST_NOT_SET"), `:9: connections[sales].secret: the environment variable SETUP_TEST_NOT_SET is not set`},
		"secret file":           {change("file:anna.password", "file:missing"), `/missing cannot be read: no such file or directory`},
		"policy twice":          {change("mailboxes:", "  - name: sales\nmailboxes:"), `:19: policies[sales].name: there are two policies of this name`},
		"policy reference":      {change("policy: sales", "policy: slaes"), `:25: mailboxes[anna@example.com].policy: there is no policy "slaes" in this file; use default, sales`},
		"connection reference":  {change("crm: sales", "crm: office"), `:21: mailboxes[anna@example.com].crm: there is no connection "office" of the crm side in this file; use sales`},
		"address":               {change("address: anna@example.com", "address: anna"), `:20: mailboxes[anna].address: "anna" is not an e-mail address`},
		"address twice":         {change("address: ben@example.com", "address: Anna@Example.com"), `:26: mailboxes[Anna@Example.com].address: there are two mailboxes of this address`},
		"crm user twice":        {change(`crm_user: "18"`, `crm_user: "17"`), `:27: mailboxes[ben@example.com].crm_user: "17" is the CRM user of anna@example.com already`},
		"no crm user":           {change(`    crm_user: "18"`+"\n", ""), `:26: mailboxes[ben@example.com].crm_user: is missing: give the person's user id in the CRM`},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := setup.Read(path, systems())
			if err == nil {
				t.Fatal("was accepted")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("says %q\nwant %q", err, c.want)
			}
			if strings.Contains(err.Error(), "literal") || strings.Contains(err.Error(), "-password\n") {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	text := strings.NewReplacer("side: crm", "side: x", "past_days: 90", "past_days: -1", "anna@example.com", "anna").Replace(example)
	_, err := setup.Read(write(t, text), systems())
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("says %v, want three lines", err)
	}
}

func TestAMissingFileIsSaid(t *testing.T) {
	_, err := setup.Read("/nowhere/lockstep.yaml", systems())
	if want := "/nowhere/lockstep.yaml: cannot be read: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("says %v, want %s", err, want)
	}
}

func TestAnAnchorMayBeUsed(t *testing.T) {
	text := strings.Replace(example, `      contact: {from_mail: all}`, "      contact: &all {from_mail: all}\n      event: *all\n      task: {<<: *all, wins: mail}", 1)
	f := read(t, text)
	for kind, p := range f.Policies[0].Kinds {
		if p.FromMail != "all" {
			t.Errorf("%s: %+v", kind, p)
		}
	}
}

func TestPoliciesOfAFileAreReadOnTheirOwn(t *testing.T) {
	list, err := setup.ReadPolicies("x.yaml", []byte(example))
	if err != nil || len(list) != 1 || list[0].Name != "sales" {
		t.Errorf("%v, %v", list, err)
	}
	for text, want := range map[string]string{
		"connections: []":                                              "x.yaml:1: names no policy; write them as a list under the key policies",
		"policies: [{name: a, neme: b}]":                               `x.yaml:1: policies[a].neme: there is no such key`,
		"policies: [{name: a, wins: crm}]":                             `x.yaml:1: policies[a].wins: there is no such key`,
		"policies: [{name: a, kinds: {event: {fields: {end: mail}}}}]": `x.yaml:1: policies[a].kinds.event.fields.end: it is decided together with start; give the rule there`,
		"policies: [{name: a, private: 1}]":                            `x.yaml:1: policies[a].private: "1" is not one of [skip busy full]`,
	} {
		if _, err := setup.ReadPolicies("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: says %v, want %s", text, err, want)
		}
	}
}

func TestAPolicyReadsBackAsItWasShown(t *testing.T) {
	f := read(t, example)
	text, err := setup.PolicyText(f.Policies...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := setup.ReadPolicies("shown", text)
	if err != nil {
		t.Fatal(err)
	}
	if changes := setup.PolicyChanges(f.Policies[0], again[0]); len(changes) > 0 {
		t.Errorf("differs: %v\n%s", changes, text)
	}
}

func TestPolicyChangesNameTheKey(t *testing.T) {
	old := read(t, example).Policies[0]
	to := read(t, strings.NewReplacer("past_days: 90", "past_days: 30\n    interval: 1m", "from_mail: all", "from_mail: none").Replace(example)).Policies[0]
	got := strings.Join(setup.PolicyChanges(old, to), "\n")
	want := "interval: 5m0s -> 1m0s\nkinds.contact.from_mail: all -> none\npast_days: 90 -> 30"
	if got != want {
		t.Errorf("says\n%s\nwant\n%s", got, want)
	}
}

// A rule that is taken out of a file is a change like any other.
func TestARuleOfAFieldComesAndGoes(t *testing.T) {
	old := read(t, example).Policies[0]
	to := read(t, strings.Replace(example, "from_mail: all", "from_mail: all, fields: {notes: merge, job_title: ask}", 1)).Policies[0]
	for _, c := range []struct {
		from, to model.Policy
		want     string
	}{
		{old, to, "kinds.contact.fields.job_title: (not set) -> ask\nkinds.contact.fields.notes: (not set) -> merge"},
		{to, old, "kinds.contact.fields.job_title: ask -> (not set)\nkinds.contact.fields.notes: merge -> (not set)"},
	} {
		if got := strings.Join(setup.PolicyChanges(c.from, c.to), "\n"); got != c.want {
			t.Errorf("says\n%s\nwant\n%s", got, c.want)
		}
	}
}

func TestSecretFilesMayEndInALineBreak(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{"a b": "a b", "a\n": "a", "a\r\n": "a", "a\n\n": "a\n"} {
		if err := os.WriteFile(filepath.Join(dir, "s"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := setup.Secret("file:s", dir); err != nil || got != want {
			t.Errorf("%q reads as %q, %v", text, got, err)
		}
	}
}
