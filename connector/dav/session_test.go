package dav

import (
	"net/http"
	"strings"
	"testing"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	simulator "lockstep.dev/simulator/dav"
)

// Our marks come and go; of what a person wrote not a byte changes (L-12, L-14,
// issue 2: mailbox remove takes our marks out).
func TestMarksAndStampsComeAndGo(t *testing.T) {
	w := newWorld(t)
	raw := read(t, "apple.vcf")
	path := w.collections[model.Contact] + "apple.vcf"
	w.put(t, path, model.Contact, raw)
	s := w.open(t)
	it := w.fetch(t, s, path)[0]
	refs := []model.Ref{it.Ref, {Kind: model.Contact, ID: path + "-gone"}}
	r := done(t, s, model.Operation{Action: model.Stamp, Ref: it.Ref, Key: "e1.mbx.3", Raw: it.Raw, Expect: it.Ref.Version})
	if r.Item.Stamp != "e1.mbx.3" {
		t.Errorf("stamp reads %q", r.Item.Stamp)
	}
	if err := s.Mark(t.Context(), refs, []string{"Sync Error", "Last name is missing"}, nil); err != nil {
		t.Fatal(err)
	}
	if set := w.fetch(t, s, path)[0].Content.Set("categories"); len(set) != 4 {
		t.Errorf("categories %+v", set)
	}
	if err := s.Mark(t.Context(), refs, nil, []string{"sync error", "last name is missing"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Unstamp(t.Context(), refs); err != nil {
		t.Fatal(err)
	}
	if now := w.get(t, path); string(now) != string(raw) {
		gone, added := changedLines(raw, now)
		t.Errorf("left behind: %q became %q", gone, added)
	}
}

// A write whose answer is lost may have happened; one that was never sent has
// not (algorithm 1.6).
func TestLostAnswersAreUnknown(t *testing.T) {
	w := newWorld(t)
	paths := w.putCards(t, 2)
	s := w.open(t)
	s.connector.habits.set(ignoresDeleteIfMatch, false) // as after a first delete
	items := w.fetch(t, s, paths...)
	for method, op := range map[string]model.Operation{
		http.MethodPut:    updateOf(items[0], "job_title", "Boss"),
		http.MethodDelete: {Action: model.Delete, Ref: items[1].Ref, Expect: items[1].Ref.Version},
	} {
		w.server.Inject(simulator.Fault{Method: method, Effect: simulator.DropAfter})
		if r := one(t, s, op); r.Outcome != model.Unknown || !fault.Is(r.Err, fault.Transient) {
			t.Errorf("%s: %s %v", method, r.Outcome, r.Err)
		}
	}
	if it := w.fetch(t, s, paths[0])[0]; it.Content.Text("job_title") != "Boss" {
		t.Error("the update was not carried out, so this test proves nothing")
	}
	w.server.Inject(simulator.Fault{Method: http.MethodPut, Effect: simulator.Refuse, Status: http.StatusServiceUnavailable})
	_, err := s.Apply(t.Context(), []model.Operation{updateOf(w.fetch(t, s, paths[0])[0], "job_title", "x")})
	if !fault.Is(err, fault.Transient) {
		t.Errorf("503: %v", err)
	}
}

// Another item of the same UID is a conflict; one that carries our key is the
// create that was asked for before.
func TestTwinOfACreate(t *testing.T) {
	w := newWorld(t)
	path := w.collections[model.Contact] + "moved-by-a-person.vcf"
	w.put(t, path, model.Contact, card("uid-1", "Ada"))
	s := w.open(t)
	c := w.collection(t, s, model.Contact)
	op := model.Operation{Action: model.Create, Ref: refOf(c, "", ""), Key: "e1.0", UID: "uid-1", Content: model.Content{"full_name": {Text: "Ada"}}}
	if r := one(t, s, op); r.Outcome != model.Refused || !fault.Is(r.Err, fault.Conflict) {
		t.Errorf("a stranger's twin: %s %v", r.Outcome, r.Err)
	}
	it := w.fetch(t, s, path)[0]
	done(t, s, model.Operation{Action: model.Stamp, Ref: it.Ref, Key: "e1.0", Expect: it.Ref.Version})
	if r := done(t, s, op); r.Ref.ID != path {
		t.Errorf("our own twin: %+v", r.Ref)
	}
}

// Keys become addresses whatever they are made of.
func TestNamesOfKeysAreSafeAndDiffer(t *testing.T) {
	seen := map[string]model.Key{}
	for _, k := range []model.Key{"e1.mbx.0", "e1.mbx.1", "E1.mbx.0", "a/../b", "ä", ".hidden", "x y", model.Key(strings.Repeat("a", 300)), "con:1"} {
		n := memberName(k)
		if strings.ContainsAny(n, "/\\ %?#:") || strings.HasPrefix(n, ".") || len(n) > 120 || n != strings.ToLower(n) {
			t.Errorf("%q: %q", k, n)
		}
		if seen[n] != "" {
			t.Errorf("%q and %q are both %q", k, seen[n], n)
		}
		seen[n] = k
	}
}

// A calendar's server mails for the calendar's owner, whoever writes: a
// delegate must not cause it either (B2).
func TestDelegateOfAnOrganizerCausesNoMail(t *testing.T) {
	var wrote []string
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		prop := func(href, text string) {
			multistatusAnswer(w, `<response><href>`+href+`</href><propstat><prop>`+text+`</prop><status>HTTP/1.1 200 OK</status></propstat></response>`)
		}
		switch {
		case r.Method == http.MethodPut || r.Method == http.MethodDelete:
			wrote = append(wrote, r.Method)
		case r.Method == http.MethodOptions:
			w.Header().Set("DAV", "1, calendar-access, calendar-auto-schedule")
		case r.Method == http.MethodGet:
			w.Header().Set("ETag", `"1"`)
			_, _ = w.Write(stored("boss@example.org"))
		case r.URL.Path == "/principals/boss/":
			prop(r.URL.Path, `<C:calendar-user-address-set><href>mailto:boss@example.org</href></C:calendar-user-address-set>`)
		default:
			prop(r.URL.Path, `<resourcetype><collection/><C:calendar/></resourcetype><owner><href>/principals/boss/</href></owner>`+
				`<current-user-principal><href>/principals/alice/</href></current-user-principal>`)
		}
	})
	op := model.Operation{Action: model.Delete, Ref: model.Ref{Kind: model.Event, Collection: "/boss/", ID: "/boss/1.ics"}, Expect: `"1"`}
	if r := one(t, s, op); r.Outcome != model.Refused || !fault.Is(r.Err, fault.Unsupported) || len(wrote) > 0 {
		t.Errorf("%s %v, wrote %v", r.Outcome, r.Err, wrote)
	}
}
