package dav_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

// RFC 9110 13.1: the conditions by which nobody overwrites what they have not
// seen.
func TestConditionalWrites(t *testing.T) {
	w := newWorld(t)
	path := w.contacts + "ada.vcf"
	first := w.do(http.StatusCreated, http.MethodPut, path, card("ada", "Ada"), "If-None-Match", "*").header.Get("ETag")
	w.do(http.StatusPreconditionFailed, http.MethodPut, path, card("ada", "Other"), "If-None-Match", "*")
	second := w.do(http.StatusNoContent, http.MethodPut, path, card("ada", "Ada L."), "If-Match", first).header.Get("ETag")
	if first == "" || second == "" || first == second {
		t.Fatalf("ETags %q and %q", first, second)
	}
	w.do(http.StatusPreconditionFailed, http.MethodPut, path, card("ada", "Late"), "If-Match", first)
	w.do(http.StatusPreconditionFailed, http.MethodDelete, path, "", "If-Match", first)
	w.do(http.StatusPreconditionFailed, http.MethodPut, w.contacts+"new.vcf", card("new", "New"), "If-Match", first)

	got := w.do(http.StatusOK, http.MethodGet, path, "")
	if got.body != card("ada", "Ada L.") || got.header.Get("ETag") != second || !strings.HasPrefix(got.header.Get("Content-Type"), "text/vcard") {
		t.Errorf("GET: %+v", got)
	}
	w.do(http.StatusNotModified, http.MethodGet, path, "", "If-None-Match", second)
	if head := w.do(http.StatusOK, http.MethodHead, path, ""); head.body != "" || head.header.Get("ETag") != second {
		t.Errorf("HEAD: %+v", head)
	}
	w.do(http.StatusNoContent, http.MethodDelete, path, "", "If-Match", second)
	w.do(http.StatusNotFound, http.MethodGet, path, "")
	w.do(http.StatusNotFound, http.MethodDelete, path, "")
}

// RFC 4791 4.1, 5.3.2.1 and RFC 6352 5.1, 6.3.2.1: what a collection takes.
func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	event1 := event("e", "20300101T100000Z")
	mixed := strings.Replace(event1, "END:VCALENDAR", "BEGIN:VTODO\r\nUID:e\r\nEND:VTODO\r\nEND:VCALENDAR", 1)
	invitation := strings.Replace(event1, "VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST", 1)
	for _, c := range []struct {
		path, content, condition string
	}{
		{w.contacts + "x.vcf", "garbage", "valid-address-data"},
		{w.contacts + "x.vcf", strings.Replace(card("x", "X"), "UID:x\r\n", "", 1), "valid-address-data"},
		{w.contacts + "x.vcf", card("x", "X") + card("y", "Y"), "valid-address-data"},
		{w.contacts + "x.vcf", event1, "valid-address-data"},
		{w.calendar + "x.ics", "BEGIN:VCALENDAR\r\n", "valid-calendar-data"},
		{w.calendar + "x.ics", mixed, "valid-calendar-object-resource"},
		{w.calendar + "x.ics", invitation, "valid-calendar-object-resource"},
		{w.calendar + "x.ics", task("t"), "supported-calendar-component"},
		{w.tasks + "x.ics", event1, "supported-calendar-component"},
		{w.contacts + "x.vcf", card("x", strings.Repeat("X", 1<<20)), "max-resource-size"},
	} {
		w.refused(http.StatusForbidden, c.condition, http.MethodPut, c.path, c.content)
	}
	w.refused(http.StatusUnsupportedMediaType, "supported-calendar-data", http.MethodPut, w.calendar+"x.ics", event1, "Content-Type", "text/html")
	w.do(http.StatusConflict, http.MethodPut, "/addressbooks/alice/none/x.vcf", card("x", "X"))
	w.do(http.StatusMethodNotAllowed, http.MethodPut, w.contacts, card("x", "X"))
	w.do(http.StatusMethodNotAllowed, http.MethodGet, w.contacts, "")
}

// RFC 4791 5.3.2.1: one UID once in a collection; the answer names the twin.
func TestUIDConflict(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	r := w.refused(http.StatusConflict, "no-uid-conflict", http.MethodPut, w.contacts+"again.vcf", card("ada", "Ada"), "If-None-Match", "*")
	if !strings.Contains(r.body, w.contacts+"ada.vcf") {
		t.Errorf("the twin is not named: %s", r.body)
	}
	w.refused(http.StatusConflict, "no-uid-conflict", http.MethodPut, w.contacts+"ada.vcf", card("other", "Ada"))
	w.do(http.StatusNoContent, http.MethodDelete, w.contacts+"ada.vcf", "")
	w.do(http.StatusCreated, http.MethodPut, w.contacts+"again.vcf", card("ada", "Ada"))
}

// RFC 4918 9.9: an object moves between the collections of its user.
func TestMove(t *testing.T) {
	w := newWorld(t)
	other := w.collection(dav.Collection{User: "alice", Kind: dav.Calendar, Name: "private"})
	etag := w.put(w.calendar+"e.ics", event("e", "20300101T100000Z"))
	move := func(want int, to string, header ...string) {
		t.Helper()
		w.do(want, "MOVE", w.calendar+"e.ics", "", append([]string{"Destination", to}, header...)...)
	}
	move(http.StatusForbidden, "/calendars/bob/private/e.ics")
	move(http.StatusForbidden, w.contacts+"e.ics")
	move(http.StatusConflict, "/calendars/alice/none/e.ics")
	move(http.StatusPreconditionFailed, other+"e.ics", "If-Match", `"old"`)
	w.put(other+"there.ics", event("there", "20300101T100000Z"))
	move(http.StatusPreconditionFailed, other+"there.ics", "Overwrite", "F")
	move(http.StatusCreated, w.url+other+"e%20moved.ics", "If-Match", etag)
	w.do(http.StatusNotFound, http.MethodGet, w.calendar+"e.ics", "")
	w.do(http.StatusOK, http.MethodGet, other+"e%20moved.ics", "")
	changed, _ := w.sync(w.calendar, "")
	if len(changed) != 0 {
		t.Errorf("the old calendar still lists %v", changed)
	}
}

// A read-only collection says so and refuses writes (RFC 3744 5.4).
func TestReadOnlyCollection(t *testing.T) {
	w := newWorld(t)
	path := w.collection(dav.Collection{User: "alice", Kind: dav.AddressBook, Name: "company", ReadOnly: true})
	_, err := w.srv.Put(t.Context(), path+"ada.vcf", []byte(card("ada", "Ada")))
	must(t, err)
	if got := w.propfind(path, "0", "<current-user-privilege-set/>")[path].found(); strings.Contains(got, "write") {
		t.Errorf("privileges: %s", got)
	}
	w.refused(http.StatusForbidden, "need-privileges", http.MethodPut, path+"bob.vcf", card("bob", "Bob"))
	w.refused(http.StatusForbidden, "need-privileges", http.MethodDelete, path+"ada.vcf", "")
	w.refused(http.StatusForbidden, "need-privileges", http.MethodDelete, path, "")
	w.do(http.StatusOK, http.MethodGet, path+"ada.vcf", "")
}

// The Go side sees and makes the same objects as the clients.
func TestSeeding(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	etag, err := w.srv.Put(ctx, w.contacts+"ada%20l.vcf", []byte(card("ada", "Ada")))
	must(t, err)
	if got := w.do(http.StatusOK, http.MethodGet, w.contacts+"ada%20l.vcf", ""); got.header.Get("ETag") != etag {
		t.Errorf("ETag %s, want %s", got.header.Get("ETag"), etag)
	}
	w.put(w.contacts+"bob.vcf", card("bob", "Bob"))
	list, err := w.srv.List(ctx, w.contacts)
	must(t, err)
	if len(list) != 2 || list[0].Path != w.contacts+"ada%20l.vcf" || string(list[1].Content) != card("bob", "Bob") {
		t.Errorf("list: %+v", list)
	}
	must(t, w.srv.Delete(ctx, w.contacts+"bob.vcf"))
	for _, path := range []string{w.contacts + "bob.vcf", "/addressbooks/alice/none/x.vcf"} {
		if _, err := w.srv.Get(ctx, path); !errors.Is(err, dav.ErrNotFound) {
			t.Errorf("get %s: %v", path, err)
		}
		if err := w.srv.Delete(ctx, path); !errors.Is(err, dav.ErrNotFound) {
			t.Errorf("delete %s: %v", path, err)
		}
	}
	if _, err := w.srv.AddCollection(ctx, dav.Collection{User: "nobody", Kind: dav.Calendar, Name: "x"}); !errors.Is(err, dav.ErrNotFound) {
		t.Errorf("a collection of nobody: %v", err)
	}
	w.collection(dav.Collection{User: "alice", Kind: dav.AddressBook, Name: "contacts", DisplayName: "Again"}) // keeps the objects
	if _, err := w.srv.Get(ctx, w.contacts+"ada%20l.vcf"); err != nil {
		t.Error(err)
	}
}
