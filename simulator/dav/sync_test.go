package dav_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/simulator/dav"
)

func syncBody(token, more string) string {
	return `<sync-collection xmlns="DAV:"><sync-token>` + token + `</sync-token><sync-level>1</sync-level>` + more +
		`<prop><getetag/></prop></sync-collection>`
}

// sync asks once for what changed since a token: by name "200", "404" or, for
// the collection itself (name ""), "507".
func (w *world) sync(collection, token string, more ...string) (map[string]string, string) {
	w.t.Helper()
	r := w.do(http.StatusMultiStatus, "REPORT", collection, syncBody(token, strings.Join(more, "")), "Depth", "0")
	members, next := w.members(r)
	changed := map[string]string{}
	for path, m := range members {
		changed[strings.TrimPrefix(path, collection)] = strings.Fields(m.status())[1]
	}
	return changed, next
}

func wantSync(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("changes %v, want %v", got, want)
	}
}

// RFC 6578 3: first everything, then what changed, with 404 for what is gone.
func TestSyncCollection(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	w.put(w.contacts+"bob.vcf", card("bob", "Bob"))
	w.put(w.contacts+"gone.vcf", card("gone", "Gone"))
	w.do(http.StatusNoContent, http.MethodDelete, w.contacts+"gone.vcf", "")

	changed, token := w.sync(w.contacts, "")
	wantSync(t, changed, map[string]string{"ada.vcf": "200", "bob.vcf": "200"})
	changed, same := w.sync(w.contacts, token)
	wantSync(t, changed, map[string]string{})
	if same != token {
		t.Errorf("a quiet collection changed its token from %s to %s", token, same)
	}

	w.put(w.contacts+"ada.vcf", card("ada", "Ada L."))
	w.put(w.contacts+"eve.vcf", card("eve", "Eve"))
	w.do(http.StatusNoContent, http.MethodDelete, w.contacts+"bob.vcf", "")
	changed, token = w.sync(w.contacts, token)
	wantSync(t, changed, map[string]string{"ada.vcf": "200", "eve.vcf": "200", "bob.vcf": "404"})

	// The property is the token of now.
	if got := w.propfind(w.contacts, "0", "<sync-token/>")[w.contacts].found(); !strings.Contains(got, token) {
		t.Errorf("sync-token %s, want %s", got, token)
	}
}

// RFC 6578 3.6: a truncated answer says 507 for the collection and gives a
// token to go on with; every member comes once.
func TestSyncInPages(t *testing.T) {
	for name, setUp := range map[string]func(*world) string{
		"client's limit": func(*world) string { return "<limit><nresults>3</nresults></limit>" },
		"server's limit": func(w *world) string {
			w.srv.SetBehaviour(dav.Behaviour{PageSize: 3})
			return "<limit><nresults>100</nresults></limit>"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			limit := setUp(w)
			for i := range 8 {
				w.put(fmt.Sprintf("%s%d.vcf", w.contacts, i), card(fmt.Sprint(i), "Person"))
			}
			var seen []string
			token, pages := "", 0
			for more := true; more; pages++ {
				var changed map[string]string
				changed, token = w.sync(w.contacts, token, limit)
				more = changed[""] == "507"
				delete(changed, "")
				seen = append(seen, slices.Collect(maps.Keys(changed))...)
			}
			slices.Sort(seen)
			if pages != 3 || len(seen) != 8 || len(slices.Compact(seen)) != 8 {
				t.Errorf("%d pages with %v", pages, seen)
			}
		})
	}
}

// RFC 6578 3.2: a token that is unknown, expired or of another collection is
// refused with valid-sync-token.
func TestInvalidTokens(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	_, token := w.sync(w.contacts, "")
	_, foreign := w.sync(w.calendar, "")
	must(t, w.srv.ExpireTokens(t.Context(), w.contacts))
	for _, bad := range []string{token, foreign, "nonsense", "urn:lockstep:simulator:sync:1:1"} {
		w.refused(http.StatusForbidden, "valid-sync-token", "REPORT", w.contacts, syncBody(bad, ""), "Depth", "0")
	}
	changed, _ := w.sync(w.contacts, "")
	wantSync(t, changed, map[string]string{"ada.vcf": "200"})
	w.do(http.StatusBadRequest, "REPORT", w.contacts, strings.Replace(syncBody("", ""), "<sync-level>1</sync-level>", "", 1), "Depth", "0")
}

// What servers in the field do instead.
func TestSyncQuirks(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	w.put(w.contacts+"bob.vcf", card("bob", "Bob"))
	_, token := w.sync(w.contacts, "")

	w.srv.SetBehaviour(dav.Behaviour{ListAllOnBadToken: true})
	changed, _ := w.sync(w.contacts, "nonsense")
	wantSync(t, changed, map[string]string{"ada.vcf": "200", "bob.vcf": "200"})

	w.srv.SetBehaviour(dav.Behaviour{StaleTokens: 1})
	_, stale := w.sync(w.contacts, token)
	changed, _ = w.sync(w.contacts, stale)
	wantSync(t, changed, map[string]string{"bob.vcf": "200"}) // unchanged, and yet reported

	w.srv.SetBehaviour(dav.Behaviour{SilentChanges: true})
	w.put(w.contacts+"ada.vcf", card("ada", "Ada L."))
	w.put(w.contacts+"eve.vcf", card("eve", "Eve"))
	w.do(http.StatusNoContent, http.MethodDelete, w.contacts+"bob.vcf", "")
	changed, _ = w.sync(w.contacts, token)
	wantSync(t, changed, map[string]string{})
	changed, _ = w.sync(w.contacts, "")
	wantSync(t, changed, map[string]string{"ada.vcf": "200", "eve.vcf": "200"})

	w.srv.SetBehaviour(dav.Behaviour{TombstonesInFirstSync: true, CollectionInSync: true})
	changed, _ = w.sync(w.contacts, "")
	wantSync(t, changed, map[string]string{"": "404", "ada.vcf": "200", "eve.vcf": "200", "bob.vcf": "404"}) // a collection has no ETag

	w.srv.SetBehaviour(dav.Behaviour{IgnoreSyncLimit: true})
	changed, _ = w.sync(w.contacts, "", "<limit><nresults>1</nresults></limit>")
	wantSync(t, changed, map[string]string{"ada.vcf": "200", "eve.vcf": "200"})

	w.srv.SetBehaviour(dav.Behaviour{NoSyncCollection: true})
	w.refused(http.StatusForbidden, "supported-report", "REPORT", w.contacts, syncBody("", ""), "Depth", "0")
	got := w.propfind(w.contacts, "0", "<supported-report-set/><sync-token/>")[w.contacts].found()
	if strings.Contains(got, "sync") {
		t.Errorf("sync is still offered: %s", got)
	}
}
