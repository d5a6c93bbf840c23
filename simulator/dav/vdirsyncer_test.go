package dav_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/internal/peer"
)

// An independent client finds the collections by itself, copies them into
// folders, brings the changes of the folders back, and has nothing left to do
// afterwards.
func TestVdirsyncer(t *testing.T) {
	w := newWorld(t)
	folder := newVdirsyncer(t, w)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	w.put(w.contacts+"bob.vcf", card("bob", "Bob"))
	w.put(w.calendar+"e.ics", event("e", "20300101T100000Z", "DTEND:20300101T110000Z", "SUMMARY:Lunch"))
	w.put(w.tasks+"t.ics", task("t", "SUMMARY:Wash"))
	folder.run("discover")
	folder.run("sync")
	folder.wantFiles("contacts", 2)
	folder.wantFiles("work", 1)
	folder.wantFiles("tasks", 1)

	// Both sides change: the folder gets a new card, loses one and edits the
	// event; the server gets a new task and edits a card.
	must(t, os.WriteFile(folder.file("contacts", "eve.vcf"), []byte(card("eve", "Eve")), 0o600))
	must(t, os.Remove(folder.file("contacts", folder.named("contacts", "FN:Bob"))))
	lunch := folder.file("work", folder.named("work", "SUMMARY:Lunch"))
	must(t, os.WriteFile(lunch, []byte(event("e", "20300101T100000Z", "DTEND:20300101T110000Z", "SUMMARY:Dinner")), 0o600))
	w.put(w.tasks+"new.ics", task("new", "SUMMARY:Iron"))
	w.put(w.contacts+"ada.vcf", card("ada", "Ada L."))
	folder.run("sync")

	if got := w.do(http.StatusOK, http.MethodGet, w.calendar+"e.ics", "").body; !strings.Contains(got, "Dinner") {
		t.Errorf("the event on the server: %s", got)
	}
	w.do(http.StatusNotFound, http.MethodGet, w.contacts+"bob.vcf", "")
	if names := w.uids(w.contacts); !slices.Equal(names, []string{"ada", "eve"}) {
		t.Errorf("cards on the server: %v", names)
	}
	folder.wantFiles("tasks", 2)
	folder.named("contacts", "FN:Ada L.")

	w.srv.ResetCounts()
	folder.run("sync")
	if n := w.srv.Counts().ByMethod; n["PUT"]+n["DELETE"]+n["MOVE"] != 0 {
		t.Errorf("a quiet round wrote: %v", n)
	}
}

// vdirsyncer creates a collection that only the folder has.
func TestVdirsyncerCreatesCollection(t *testing.T) {
	w := newWorld(t)
	folder := newVdirsyncer(t, w)
	must(t, os.MkdirAll(folder.file("holidays", ""), 0o700))
	must(t, os.WriteFile(folder.file("holidays", "h.ics"), []byte(event("h", "20300101T100000Z")), 0o600))
	folder.run("discover", "calendars")
	folder.run("sync", "calendars")
	if names := w.uids("/calendars/alice/holidays/"); !slices.Equal(names, []string{"h"}) {
		t.Errorf("events on the server: %v", names)
	}
}

// uids are the UIDs of all objects of a collection, in order.
func (w *world) uids(collection string) []string {
	w.t.Helper()
	list, err := w.srv.List(w.t.Context(), collection)
	must(w.t, err)
	var uids []string
	for _, o := range list {
		_, rest, _ := strings.Cut(string(o.Content), "UID:")
		uid, _, _ := strings.Cut(rest, "\r\n")
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	return uids
}

// vdirsyncer is the program with a configuration of two pairs, "cards" and
// "calendars", between the server's root address and folders.
type vdirsyncer struct {
	t       *testing.T
	program string
	dir     string
}

func newVdirsyncer(t *testing.T, w *world) *vdirsyncer {
	t.Helper()
	v := &vdirsyncer{t: t, program: peer.Vdirsyncer(t), dir: t.TempDir()}
	config := fmt.Sprintf("[general]\nstatus_path = %q\n", filepath.Join(v.dir, "status"))
	for _, pair := range []struct{ name, kind, ext string }{{"cards", "carddav", ".vcf"}, {"calendars", "caldav", ".ics"}} {
		config += fmt.Sprintf(`[pair %[1]s]
a = "%[1]s_server"
b = "%[1]s_folder"
collections = ["from a", "from b"]
metadata = ["displayname"]
[storage %[1]s_server]
type = %[2]q
url = %[3]q
username = "alice"
password = "secret"
[storage %[1]s_folder]
type = "filesystem"
path = %[4]q
fileext = %[5]q
`, pair.name, pair.kind, w.url, filepath.Join(v.dir, pair.name), pair.ext)
	}
	must(t, os.WriteFile(filepath.Join(v.dir, "config"), []byte(config), 0o600))
	return v
}

// run runs one command; it agrees to create what is missing.
func (v *vdirsyncer) run(args ...string) {
	v.t.Helper()
	cmd := exec.CommandContext(v.t.Context(), v.program, append([]string{"-c", filepath.Join(v.dir, "config")}, args...)...)
	cmd.Stdin = strings.NewReader(strings.Repeat("y\n", 20))
	if out, err := cmd.CombinedOutput(); err != nil {
		v.t.Fatalf("vdirsyncer %v: %v: %s", args, err, out)
	}
}

func (v *vdirsyncer) file(collection, name string) string {
	folder := "calendars"
	if collection == "contacts" {
		folder = "cards"
	}
	return filepath.Join(v.dir, folder, collection, name)
}

func (v *vdirsyncer) files(collection string) []string {
	v.t.Helper()
	entries, err := os.ReadDir(v.file(collection, ""))
	must(v.t, err)
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext == ".ics" || ext == ".vcf" {
			names = append(names, e.Name())
		}
	}
	return names
}

func (v *vdirsyncer) wantFiles(collection string, want int) {
	v.t.Helper()
	if got := v.files(collection); len(got) != want {
		v.t.Errorf("%s: files %v, want %d", collection, got, want)
	}
}

// named finds the file that contains a text.
func (v *vdirsyncer) named(collection, text string) string {
	v.t.Helper()
	for _, name := range v.files(collection) {
		content, err := os.ReadFile(v.file(collection, name))
		must(v.t, err)
		if strings.Contains(string(content), text) {
			return name
		}
	}
	v.t.Fatalf("%s: no file contains %q", collection, text)
	return ""
}

// The one-liners of the documentation, with curl.
func TestCurl(t *testing.T) {
	w := newWorld(t)
	curl := peer.Program(t, "curl", "curl")
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "--fail", "-u", "alice:secret"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	address := w.url + w.contacts + "ada.vcf"
	run("-X", "PUT", "-H", "Content-Type: text/vcard", "-H", "If-None-Match: *", "--data-binary", card("ada", "Ada"), address)
	if got := run(address); got != card("ada", "Ada") {
		t.Errorf("card: %q", got)
	}
	if got := run("-L", "-X", "PROPFIND", "-H", "Depth: 0", w.url+"/.well-known/carddav"); !strings.Contains(got, "multistatus") {
		t.Errorf("discovery: %s", got)
	}
	run("-X", "DELETE", address)
	if _, err := w.srv.Get(t.Context(), w.contacts+"ada.vcf"); err == nil {
		t.Error("the card is still there")
	}
}
