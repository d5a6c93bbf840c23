package issue_test

import (
	"os"
	"strings"
	"testing"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
)

// B9: every error has a code of its own, a source, words, and somebody who acts.
func TestEveryErrorIsDeclaredInFull(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range issue.All() {
		if seen[e.Code] {
			t.Errorf("%s is declared twice", e.Code)
		}
		seen[e.Code] = true
		if e.Code == "" || e.Source == "" || e.Class == "" || e.Scope == "" || e.Message == "" || e.Cause == "" || e.Next() == "" || e.Who() == "" {
			t.Errorf("%s is incomplete: %+v", e.Code, e)
		}
		if e.Solution == "" && !strings.Contains(e.Message, "<problem>") {
			t.Errorf("%s has no solution", e.Code)
		}
		if strings.Contains(e.Solution, "<") {
			t.Errorf("%s: the solution is shown long after the error, so it has no placeholders", e.Code)
		}
		if e.Rule().Raises != fault.Nothing && e.Who() == fault.Nobody && e.Code != "engine.gone" {
			t.Errorf("%s concerns people, and nobody acts", e.Code)
		}
	}
}

// Pages, mails and commands use words that people know (design.md part 1).
func TestWordsAreThosePeopleKnow(t *testing.T) {
	for _, e := range issue.All() {
		if e.Row != "" {
			continue // verbatim
		}
		text := strings.ToLower(strings.Join([]string{e.Message, e.Cause, e.Solution, e.Next()}, " "))
		for _, word := range []string{"zombie", "quarantine", "settle", "tier", "witness", "circuit", "poison", "failed to"} {
			if strings.Contains(text, word) {
				t.Errorf("%s says %q", e.Code, word)
			}
		}
	}
}

// S-03 to S-07, D-10 to D-22, R-02, L-08: texts that people search the web for.
func TestOtherProductsTextsAreVerbatim(t *testing.T) {
	text, err := os.ReadFile("testdata/verbatim.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, e := range issue.All() {
		rows[e.Row] += e.Message + "\n" + e.Solution + "\n" + e.Cause + "\n"
	}
	example := []string{
		"limit", "10000", "found", "10040", "in the CRM", "0", "CRM user", "005E0000006Ta9MIAS",
		"organization", "AUSPR01A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/1111.onmicrosoft.com - AUSPR01A001.PROD.OUTLOOK.COM/ConfigurationUnits/1111.onmicrosoft.com/Configuration",
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		row, want, _ := strings.Cut(strings.TrimSpace(line), " ")
		values := example
		if row == "D-22" {
			values = []string{"Message Subject", "Test Message"}
		}
		n++
		if got := issue.Fill(rows[row], values...); !strings.Contains(got, want) {
			t.Errorf("%s says\n%s\nwant\n%s", row, got, want)
		}
	}
	if n < 24 {
		t.Errorf("only %d texts were compared", n)
	}
}

// L-04: an error is found by its code, by a piece of its text, by its text as it
// was shown, with any kind of apostrophe (D-18), and by the requirement's number.
func TestErrorsAreFoundAsPeopleSearchThem(t *testing.T) {
	for query, code := range map[string]string{
		"dav.401": "dav.401",
		"Appointments can't be synchronized because the Organizer": "event.no-organizer",
		"appointments can’t be synchronized because the organizer": "event.no-organizer",
		"Authentication error - OAuthRefreshToken":                 "exchange.refresh-token",
		"D-16": "mailbox.location",
		"A limit on the number of snapshot records is exceeded (500/501/7)":                        "engine.limit",
		"Synchronization failed due to Crm ID conflict. <17> already registered for another user.": "engine.crm-id-conflict",
		"Mailbox Anna didn't synchronize":                                                          "",
		`An unknown error occurred while sending the email message "Hello". Mailbox Anna didn't synchronize. The owner of the associated email server profile Gmail has been notified.`: "mailbox.send-unknown",
		"Kerio Connect 9.0.3": "exchange.property-uri",
	} {
		found := issue.Search(query)
		if code == "" {
			continue // a fragment with a name in it is nobody's text
		}
		if len(found) != 1 || found[0].Code != code {
			t.Errorf("%q finds %v", query, codes(found))
		}
	}
	if found := issue.Search("no such thing was ever said"); len(found) != 0 {
		t.Errorf("nothing finds %v", codes(found))
	}
}

func codes(list []issue.Entry) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Code)
	}
	return out
}

// A fault takes its class, its scope and its words from the catalogue.
func TestAFaultSaysWhatTheCatalogueSays(t *testing.T) {
	f := issue.Fault("sqlcrm.unreachable", "place", "database crm on db.example.com")
	if want := "crm side: The database crm on db.example.com cannot be reached. Check that it runs and that dsn names it rightly. (sqlcrm.unreachable)"; f.Error() != want {
		t.Errorf("it says %s", f)
	}
	if f.Class != fault.Transient || f.Scope != fault.Server || f.Source != issue.SQLCRM {
		t.Errorf("it is %+v", f)
	}
}

func TestAnUndeclaredCodeIsABugOfOurs(t *testing.T) {
	f := issue.Fault("nobody.knows")
	if f.Class != fault.Bug || f.Code != "nobody.knows" || !strings.Contains(f.Message, "nobody.knows") {
		t.Errorf("it is %+v", f)
	}
}

func TestThePageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != issue.Page() {
		t.Error("docs/errors.md is not what the catalogue says; run go generate ./issue")
	}
}
