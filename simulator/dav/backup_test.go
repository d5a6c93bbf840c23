package dav_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

// N-09: the server goes back to an older backup; its clients do not. Their
// tokens come from a future that never was, later ones lie.
func TestRestoreFromBackup(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	path := w.contacts + "ada.vcf"
	w.put(path, card("ada", "Old"))
	w.put(w.calendar+"m.ics", meeting("", "Plan"))
	backup := filepath.Join(t.TempDir(), "backup.db")
	must(t, w.srv.Backup(ctx, backup))

	w.put(path, card("ada", "New"))
	w.put(w.contacts+"eve.vcf", card("eve", "Eve"))
	_, token := w.sync(w.contacts, "")
	must(t, w.srv.Restore(ctx, backup))

	if got := w.do(http.StatusOK, http.MethodGet, path, "").body; got != card("ada", "Old") {
		t.Errorf("after the restore: %s", got)
	}
	w.do(http.StatusNotFound, http.MethodGet, w.contacts+"eve.vcf", "")
	w.refused(http.StatusForbidden, "valid-sync-token", "REPORT", w.contacts, syncBody(token, ""), "Depth", "0")
	w.wantMails("a restore, which takes no mail back", "REQUEST bob@example.org", "REQUEST eve@example.org")

	w.put(w.contacts+"x.vcf", card("x", "X"))
	w.put(w.contacts+"y.vcf", card("y", "Y"))
	changed, _ := w.sync(w.contacts, token) // the number was given out before
	wantSync(t, changed, map[string]string{})
	must(t, w.srv.ExpireTokens(ctx, w.contacts))
	w.refused(http.StatusForbidden, "valid-sync-token", "REPORT", w.contacts, syncBody(token, ""), "Depth", "0")

	if err := w.srv.Restore(ctx, backup+".none"); err == nil {
		t.Error("restored from a file that does not exist")
	}
}

// Everything is there again after a restart, sync tokens included.
func TestReopen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "with space & more?.db")
	first, err := dav.Open(t.Context(), file)
	must(t, err)
	must(t, first.AddUser(t.Context(), dav.User{Name: "alice", Password: "secret"}))
	path, err := first.AddCollection(t.Context(), dav.Collection{User: "alice", Kind: dav.AddressBook, Name: "contacts"})
	must(t, err)
	etag, err := first.Put(t.Context(), path+"ada.vcf", []byte(card("ada", "Ada")))
	must(t, err)
	must(t, first.Close())

	second := openServer(t, file)
	got, err := second.Get(t.Context(), path+"ada.vcf")
	must(t, err)
	if got.ETag != etag || string(got.Content) != card("ada", "Ada") || got.Modified.IsZero() {
		t.Errorf("after the restart: %+v", got)
	}
}

// killVariable makes the test program write cards into the named file until it
// is killed.
const killVariable = "LOCKSTEP_SIMULATOR_TEST_FILE"

// What was acknowledged survives kill -9.
func TestKilledServerLosesNothing(t *testing.T) {
	if file := os.Getenv(killVariable); file != "" {
		writeUntilKilled(t, file)
		return
	}
	file := filepath.Join(t.TempDir(), "dav.db")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledServerLosesNothing$")
	child.Env = append(os.Environ(), killVariable+"="+file)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	acknowledged := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		must(t, err)
		if acknowledged = n; n == 50 {
			must(t, child.Process.Kill())
		}
	}
	_ = child.Wait() // reports the kill
	list, err := openServer(t, file).List(t.Context(), "/addressbooks/alice/contacts/")
	must(t, err)
	if acknowledged < 50 || len(list) < acknowledged {
		t.Errorf("%d cards acknowledged, %d left", acknowledged, len(list))
	}
}

func writeUntilKilled(t *testing.T, file string) {
	srv := openServer(t, file)
	must(t, srv.AddUser(t.Context(), dav.User{Name: "alice"}))
	path, err := srv.AddCollection(t.Context(), dav.Collection{User: "alice", Kind: dav.AddressBook, Name: "contacts"})
	must(t, err)
	for n := 1; ; n++ {
		_, err := srv.Put(t.Context(), fmt.Sprintf("%s%d.vcf", path, n), []byte(card(fmt.Sprint(n), strings.Repeat("x", 1000))))
		must(t, err)
		_, err = fmt.Println(n)
		must(t, err)
	}
}
