package dav

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectortest"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	simulator "lockstep.dev/simulator/dav"
)

// Servers in the field are worse than the specifications. The laws hold all the
// same, but for those that a server makes impossible.
func TestTheLawsAgainstHostileServers(t *testing.T) {
	for name, hostile := range map[string]struct {
		simulator.Behaviour
		except []string
	}{
		"no ETag in the answer to a PUT":       {Behaviour: simulator.Behaviour{NoETagOnPut: true}},
		"rewrites what it stores":              {Behaviour: simulator.Behaviour{RewriteOnStore: true}},
		"ETags start again":                    {Behaviour: simulator.Behaviour{RestartETags: true}},
		"overwrites in spite of If-None-Match": {Behaviour: simulator.Behaviour{IgnoreIfNoneMatch: true}},
		"tiny pages":                           {Behaviour: simulator.Behaviour{PageSize: 2, CollectionInSync: true}},
		"no limit, old deletions":              {Behaviour: simulator.Behaviour{IgnoreSyncLimit: true, TombstonesInFirstSync: true}},
		"no sync-collection": {
			Behaviour: simulator.Behaviour{NoSyncCollection: true},
		},
		"tells unchanged items again": {
			Behaviour: simulator.Behaviour{StaleTokens: 3},
			// Told of all it has, the connector takes it for a listing.
			except: []string{"a full listing names everything, then the delta is quiet"},
		},
		"multiget leaves out what is not there": {Behaviour: simulator.Behaviour{MultigetSkipsMissing: true}},
		"accepts garbage":                       {Behaviour: simulator.Behaviour{AcceptGarbage: true}},
		"deletes and overwrites in spite of If-Match": {
			Behaviour: simulator.Behaviour{IgnoreIfMatch: true},
			except: []string{
				"an update on a stale version is a conflict and changes nothing",
				"an update of a missing item is refused", "one bad operation does not sink its batch",
				"refusals do not tell content",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
				w := newWorld(t)
				w.kinds = "contact"
				w.server.SetBehaviour(hostile.Behaviour)
				f := w.fixture(t)
				f.Except = map[string]string{}
				for _, law := range hostile.except {
					f.Except[law] = "this server makes it impossible"
				}
				return f
			})
		})
	}
}

// told is what a read reported.
type told struct {
	changed, gone []string
	full          bool
	cursor        model.Cursor
	pages         int
	err           error
}

func (w *world) changes(t *testing.T, s *Session, kind model.Kind, since model.Cursor) told {
	t.Helper()
	var out told
	for p, err := range s.Changes(t.Context(), w.collection(t, s, kind), since) {
		if err != nil {
			out.err = err
			return out
		}
		for _, r := range p.Changed {
			out.changed = append(out.changed, r.ID)
		}
		for _, r := range p.Gone {
			out.gone = append(out.gone, r.ID)
		}
		out.full, out.cursor = p.Full, p.Cursor
		out.pages++
	}
	slices.Sort(out.changed)
	return out
}

func (w *world) collection(t *testing.T, s *Session, kind model.Kind) model.Collection {
	t.Helper()
	all, err := s.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Kind == kind && c.Primary {
			return c
		}
	}
	t.Fatalf("no collection of kind %s", kind)
	return model.Collection{}
}

// putCards stores n cards and returns their paths.
func (w *world) putCards(t *testing.T, n int) []string {
	t.Helper()
	var paths []string
	for i := range n {
		path := fmt.Sprintf("%scard-%04d.vcf", w.collections[model.Contact], i)
		w.put(t, path, model.Contact, card(fmt.Sprintf("uid-%d", i), fmt.Sprintf("Person %d", i)))
		paths = append(paths, path)
	}
	return paths
}

func card(uid, name string) []byte {
	return []byte("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + name + "\r\nN:;" + name + ";;;\r\nEND:VCARD\r\n")
}

// A server that answers a dead token with an ordinary listing says nothing of
// what was deleted. The listing is recognised as one (B12).
func TestListingInsteadOfAnErrorIsTakenAsFull(t *testing.T) {
	w := newWorld(t)
	paths := w.putCards(t, 5)
	s := w.open(t)
	first := w.changes(t, s, model.Contact, "")
	w.delete(t, paths[1])
	w.delete(t, paths[3])
	w.server.SetBehaviour(simulator.Behaviour{ListAllOnBadToken: true})
	got := w.changes(t, s, model.Contact, first.cursor+"-bad")
	if got.err != nil || !got.full || len(got.changed) != 3 {
		t.Fatalf("after a dead token: %+v", got)
	}
	if quiet := w.changes(t, s, model.Contact, got.cursor); quiet.err != nil || quiet.full || len(quiet.changed) > 0 {
		t.Errorf("the next round tells %+v", quiet)
	}
}

// The same with so many items that pages were handed out before it was noticed:
// then the cursor counts as expired.
func TestListingInsteadOfAnErrorInPagesExpiresTheCursor(t *testing.T) {
	w := newWorld(t)
	paths := w.putCards(t, pageSize+20)
	s := w.open(t)
	first := w.changes(t, s, model.Contact, "")
	w.delete(t, paths[1])
	w.server.SetBehaviour(simulator.Behaviour{ListAllOnBadToken: true, IgnoreSyncLimit: true})
	got := w.changes(t, s, model.Contact, first.cursor+"-bad")
	if !fault.Is(got.err, fault.CursorExpired) {
		t.Fatalf("after a dead token: %v", got.err)
	}
}

// B12: a dead token in all its spellings.
func TestDeadTokenInAllItsSpellings(t *testing.T) {
	for _, answer := range []struct {
		status int
		body   string
	}{
		{403, `<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>`},
		{409, `<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>`},
		{400, `<?xml version="1.0"?><D:error xmlns:D="DAV:"><D:valid-sync-token /></D:error>`},
		{412, ""}, {410, ""}, {409, "no"}, {400, ""}, {403, ""}, {501, ""}, {405, ""},
	} {
		f := fake(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(answer.status)
			_, _ = w.Write([]byte(answer.body))
		})
		c := model.Collection{ID: "/c/", Kind: model.Contact}
		for _, err := range f.Changes(t.Context(), c, "sync:3:token") {
			if !fault.Is(err, fault.CursorExpired) {
				t.Errorf("status %d %q: %v", answer.status, answer.body, err)
			}
		}
	}
}

// One member that fails inside a 207 stops no other (L: one bad item).
func TestBrokenMemberComesBackWithItsTrouble(t *testing.T) {
	w := newWorld(t)
	paths := w.putCards(t, 3)
	w.server.SetBehaviour(simulator.Behaviour{BrokenObjects: []string{"card-0001.vcf", "card-0002.vcf"}})
	w.server.Inject(simulator.Fault{Method: http.MethodGet, PathPrefix: paths[1], Status: 500, Count: simulator.Always})
	s := w.open(t)
	got := w.changes(t, s, model.Contact, "")
	if got.err != nil || len(got.changed) != 3 {
		t.Fatalf("listing with a broken member: %+v", got)
	}
	items := w.fetch(t, s, paths...)
	if len(items) != 3 {
		t.Fatalf("%d items", len(items))
	}
	for _, it := range items {
		// The other one that the multiget could not deliver was read singly.
		if broken := it.Ref.ID == paths[1]; broken != (it.Trouble != "") || broken != (it.Content == nil) {
			t.Errorf("%s: trouble %q", it.Ref.ID, it.Trouble)
		}
	}
}

func (w *world) fetch(t *testing.T, s *Session, ids ...string) []model.Item {
	t.Helper()
	c := w.collection(t, s, model.Contact)
	var refs []model.Ref
	for _, id := range ids {
		refs = append(refs, refOf(c, id, ""))
	}
	items, err := s.Fetch(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// Garbage that a server accepted and hands back is set aside with its line.
func TestGarbageIsSetAside(t *testing.T) {
	w := newWorld(t)
	w.server.SetBehaviour(simulator.Behaviour{AcceptGarbage: true})
	path := w.collections[model.Contact] + "junk.vcf"
	w.put(t, path, model.Contact, []byte("<html>\r\nthis is no card\r\n"))
	good := w.putCards(t, 2)
	s := w.open(t)
	for _, it := range w.fetch(t, s, append(good, path)...) {
		if it.Ref.ID != path {
			if it.Trouble != "" {
				t.Errorf("%s: %s", it.Ref.ID, it.Trouble)
			}
			continue
		}
		if it.Content != nil || !strings.Contains(it.Trouble, "line 1") {
			t.Errorf("garbage: %+v", it)
		}
	}
}

// A multiget whose answer is spoilt by one object is asked for again singly.
func TestDamagedMultigetIsReadSingly(t *testing.T) {
	w := newWorld(t)
	paths := w.putCards(t, 3)
	s := w.open(t)
	w.collection(t, s, model.Contact)
	w.server.Inject(simulator.Fault{Method: "REPORT", Effect: simulator.Truncate})
	if items := w.fetch(t, s, paths...); len(items) != 3 {
		t.Errorf("%d of 3 items", len(items))
	}
}

// A server that deletes whatever the version is found out at the first delete;
// then each delete looks first, and a changed item is never lost.
func TestDeleteLooksFirstWhereConditionsAreIgnored(t *testing.T) {
	w := newWorld(t)
	paths := w.putCards(t, 3)
	w.server.SetBehaviour(simulator.Behaviour{IgnoreIfMatch: true})
	s := w.open(t)
	items := w.fetch(t, s, paths...)
	for i, it := range items {
		w.put(t, it.Ref.ID, model.Contact, card(it.UID, "Changed meanwhile"))
		r, err := s.Apply(t.Context(), []model.Operation{{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version}})
		if err != nil || r[0].Outcome != model.Refused || !fault.Is(r[0].Err, fault.Conflict) {
			t.Fatalf("delete %d of a changed item: %+v %v", i, r, err)
		}
		w.get(t, it.Ref.ID)
	}
	fresh := w.fetch(t, s, paths...)
	for _, it := range fresh {
		r, err := s.Apply(t.Context(), []model.Operation{{Action: model.Delete, Ref: it.Ref, Expect: it.Ref.Version}})
		if err != nil || r[0].Outcome != model.Done {
			t.Fatalf("delete of an unchanged item: %+v %v", r, err)
		}
	}
}

// A create that is asked for again must not overwrite what a person changed,
// even where the server would.
func TestRepeatedCreateKeepsWhatAPersonChanged(t *testing.T) {
	w := newWorld(t)
	w.server.SetBehaviour(simulator.Behaviour{IgnoreIfNoneMatch: true})
	s := w.open(t)
	c := w.collection(t, s, model.Contact)
	op := model.Operation{
		Action: model.Create, Ref: refOf(c, "", ""), Key: "e1.0", UID: "uid-1",
		Content: model.Content{"full_name": {Text: "Ada"}},
	}
	first, err := s.Apply(t.Context(), []model.Operation{op})
	if err != nil || first[0].Outcome != model.Done {
		t.Fatalf("create: %+v %v", first, err)
	}
	w.edit(t, first[0].Ref, model.Content{"full_name": {Text: "Ada Changed"}})
	again, err := s.Apply(t.Context(), []model.Operation{op})
	if err != nil || again[0].Outcome != model.Done || again[0].Item.Content.Text("full_name") != "Ada Changed" {
		t.Fatalf("create again: %+v %v", again, err)
	}
}

var _ connector.Session = (*Session)(nil)
