package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// B5: one command; the request says what is to be done, the workflow does it.
func TestAMailboxIsRenamed(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna@example.com")
	code, _, talk := h.run("mailbox", "rename", "anna@example.com", "anna.smith@example.com", "--user", "asmith", "-y")
	user := "asmith"
	want := activities.RenameArgument([]activities.Renaming{{Mailbox: anna.ID, Address: "anna.smith@example.com", User: &user}})
	if code != 0 || len(h.asked) != 1 || h.asked[0].Verb != "rename" || h.asked[0].Argument != want || h.asked[0].Mailbox != anna.ID {
		t.Errorf("exit code %d, asked %+v", code, h.asked)
	}
	if !strings.Contains(talk, "nothing is written to either system") {
		t.Errorf("says %s", talk)
	}
}

// R-19, B5: lines that depend on each other go together; a line that cannot be
// carried out is refused with a sentence, the others are carried out.
func TestManyMailboxesAreRenamed(t *testing.T) {
	h := newHouse(t)
	for name, user := range map[string]string{"cleo": "20", "dora": "21", "emil": "22", "finn": "23"} {
		h.register(name+"@example.com", user)
	}
	file := filepath.Join(t.TempDir(), "renames.csv")
	lines := "old,new\nanna@example.com,ben@example.com\nben@example.com,anna@example.com\n" +
		"cleo@example.com,cleo.new@example.com\nnobody@example.com,x@example.com\ndora@example.com,emil@example.com\nfinn@example.com,nonsense\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, talk := h.run("mailbox", "rename", "--csv", file, "-y")
	if code != 3 || len(h.asked) != 2 {
		t.Fatalf("exit code %d, asked %d times:\n%s", code, len(h.asked), talk)
	}
	if swap := h.asked[0].Argument; !strings.Contains(swap, "ben@example.com") || !strings.Contains(swap, "anna@example.com") {
		t.Errorf("the two do not go together: %s", swap)
	}
	for _, want := range []string{
		"there is no mailbox nobody@example.com", "emil@example.com is in use by another mailbox", `"nonsense" is not an e-mail address`,
	} {
		if !strings.Contains(talk, want) {
			t.Errorf("does not say %q:\n%s", want, talk)
		}
	}
}

// A chain of which one link cannot be carried out is refused as a whole.
func TestAChainOfRenamesIsAllOrNothing(t *testing.T) {
	h := newHouse(t)
	h.register("cleo@example.com", "20")
	file := filepath.Join(t.TempDir(), "renames.csv")
	if err := os.WriteFile(file, []byte("anna@example.com,ben@example.com\nben@example.com,cleo@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, talk := h.run("mailbox", "rename", "--csv", file, "-y")
	if code != 1 || len(h.asked) > 0 || !strings.Contains(talk, "goes together with a line that cannot be carried out: cleo@example.com is in use") {
		t.Errorf("exit code %d, asked %+v:\n%s", code, h.asked, talk)
	}
	if code, _, talk := h.run("mailbox", "rename", "--csv", filepath.Join(t.TempDir(), "none.csv"), "-y"); code != 2 {
		t.Errorf("a missing file: exit code %d, says %s", code, talk)
	}
}

// the request goes to the mailbox that was synced before; without a
// conflict it says so.
func TestACRMIDConflictIsCleared(t *testing.T) {
	h := newHouse(t)
	anna := h.mailbox("anna@example.com")
	if err := h.st.SetMailboxState(t.Context(), anna.ID, model.Retired, "removed"); err != nil {
		t.Fatal(err)
	}
	if code, _, talk := h.run("mailbox", "clear-conflict", "ben@example.com", "-y"); code != 1 || !strings.Contains(talk, "there is no CRM-ID conflict on ben@example.com") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if code, _, talk := h.run("mailbox", "clear-conflict", "--all", "-y"); code != 1 || !strings.Contains(talk, "no mailbox is in CRM-ID conflict") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if code, _, _ := h.run("mailbox", "add", "anna.new@example.com", "--crm-user", "17"); code != 1 {
		t.Fatalf("exit code %d", code)
	}
	code, _, talk := h.run("mailbox", "clear-conflict", "--all", "-y")
	if code != 0 || len(h.asked) != 1 || h.asked[0].Mailbox != anna.ID || h.asked[0].Argument != string(h.mailbox("anna.new@example.com").ID) {
		t.Errorf("exit code %d, asked %+v, says %s", code, h.asked, talk)
	}
}
