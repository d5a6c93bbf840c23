package activities_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// records are what a history's end is held against.
type records struct {
	souls    map[string]*soulRecord
	edits    map[string]edit // by value, which is unique
	buried   map[string]bool // values that a person saw and overwrote or deleted
	foreign  map[string]string
	personal map[string]string // value: the item it was written into
}

// soulRecord is what happened to one thing.
type soulRecord struct {
	kind    model.Kind
	owner   string
	deleted map[string]bool   // places in which a person deleted it
	touched bool              // somebody wrote it since everything was calm
	doomed  bool              // deleted in the CRM when nobody had, nor has since
	unborn  bool              // deleted in a mailbox before the CRM had it
	twins   bool              // made on both sides: what they differ in is a conflict
	escaped bool              // moved under a new id where listings lag
	answers map[string]string // last answer by person
	news    int               // changes in the CRM that attendees must hear of
}

// edit is one value that a person wrote.
type edit struct {
	soul, field, where string
}

func newRecords() records {
	return records{
		souls: map[string]*soulRecord{}, edits: map[string]edit{}, buried: map[string]bool{},
		foreign: map[string]string{}, personal: map[string]string{},
	}
}

func (r records) touch(soul string) {
	r.souls[soul].touched, r.souls[soul].doomed = true, false
}

// calm notes that everything agrees.
func (r records) calm() {
	for _, s := range r.souls {
		s.touched = false
	}
}

// rename notes that an item has another id now.
func (r records) rename(from, to string) {
	if v, ok := r.foreign[from]; ok {
		r.foreign[to] = v
		delete(r.foreign, from)
	}
	for value, at := range r.personal {
		if at == from {
			r.personal[value] = to
		}
	}
}

// judge holds the end of a history against the invariants.
func (y *history) judge() {
	there := map[string]map[string][]model.Item{}
	for _, p := range y.places() {
		there[p] = map[string][]model.Item{}
		for _, it := range y.at(p).Items() {
			there[p][soulOf(it)] = append(there[p][soulOf(it)], it)
		}
	}
	var wrong []string
	for soul, s := range y.records.souls {
		wrong = append(wrong, y.judgeSoul(soul, s, there)...)
	}
	wrong = append(wrong, y.lostValues(there)...)
	wrong = append(wrong, y.foreign()...)
	wrong = append(wrong, y.mails()...)
	wrong = append(wrong, y.unexplained()...)
	if len(wrong) > 0 {
		slices.Sort(wrong)
		y.t.Fatalf("%s\n%s", strings.Join(wrong, "\n"), y.story())
	}
}

// judgeSoul judges what became of one thing.
func (y *history) judgeSoul(soul string, s *soulRecord, there map[string]map[string][]model.Item) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	crm := there[""][soul]
	if s.escaped && len(s.deleted) > 0 {
		return nil // the deletion met the old id; a returned item is a person's to decide
	}
	for _, p := range y.places() {
		if n := len(there[p][soul]); n > 1 {
			say("I3: %q holds %s %d times", p, soul, n)
		}
	}
	if len(crm) == 0 && !y.mayGo(s) {
		say("I4: %s is not in the CRM any more, and nobody deleted it", soul)
	}
	if s.doomed {
		for _, p := range y.places() {
			if len(there[p][soul]) > 0 && !(y.restored && p != "" && y.box(p).held != "") { // else a person is asked
				say("I1: %s was deleted in the CRM, and %q still holds it", soul, p)
			}
		}
	}
	for _, p := range y.people() {
		here := there[p][soul]
		switch {
		case (y.restored || y.rebased) && len(s.deleted) > 0 && (len(here) == 0 || len(crm) == 0):
			// It came back with a backup, or its deletion was forgotten with ours:
			// a returned item, which is a person's to decide.
		case len(here) == 0 && len(crm) > 0 && takes(p, crm[0]) && !s.deleted[p]:
			say("I1: the CRM shows %s to %q, whose mailbox does not hold it", soul, p)
		case len(here) > 0 && len(crm) == 0 && (y.restored || y.rebased) && (y.box(p).held != "" || len(s.deleted) > 0):
			// It waits for a person, or came back with a backup.
		case len(here) > 0 && len(crm) == 0:
			say("I1: %q holds %s, the CRM does not", p, soul)
		case len(here) > 0 && (y.restored || y.rebased) && len(s.deleted) > 0:
		case len(here) > 0:
			wrong = append(wrong, differing(p, soul, here[0], crm[0])...)
			if status, ok := s.answers[p]; ok && len(s.deleted) == 0 && !s.twins && !y.rebased && statusOf(here[0], p) != status && !(y.restored && y.keptAnswer(soul, p, status)) {
				say("I4: %q answered %s with %s, which became %q", p, soul, status, statusOf(here[0], p))
			}
		}
	}
	return wrong
}

// mayGo reports whether somebody deleted a thing in a way that takes it out of
// the CRM.
func (y *history) mayGo(s *soulRecord) bool {
	travels := s.kind == model.Event || y.design.policy != nil
	return s.unborn || s.deleted[""] || travels && s.deleted[s.owner]
}

func takes(p string, it model.Item) bool {
	return slices.ContainsFunc(it.Access, func(a model.Access) bool { return a.User == "u-"+p })
}

func statusOf(it model.Item, p string) string {
	for _, e := range it.Content.Set("attendees") {
		if e.Key == address(p) {
			return e.Attr["status"]
		}
	}
	return "not invited"
}

// differing wants a mailbox's item to say what the CRM's says (I1).
func differing(p, soul string, it, crm model.Item) []string {
	var out []string
	for _, f := range model.SharedFields(it.Ref.Kind) {
		if !it.Content[f].Equal(crm.Content[f]) {
			out = append(out, fmt.Sprintf("I1: %s of %s is %v in %q and %v in the CRM", f, soul, it.Content[f], p, crm.Content[f]))
		}
	}
	return out
}

// lostValues are what people wrote and nobody can find any more (I4).
func (y *history) lostValues(there map[string]map[string][]model.Item) []string {
	here := y.conflicted()
	for _, souls := range there {
		for _, items := range souls {
			for _, it := range items {
				for _, f := range fieldsOf(it.Ref.Kind) {
					here[it.Content.Text(f)] = true
				}
			}
		}
	}
	var out []string
	for value, e := range y.records.edits {
		if !here[value] && !y.records.buried[value] {
			out = append(out, fmt.Sprintf("I4: %s that %q wrote into %s of %s is lost", value, e.where, e.field, e.soul))
		}
	}
	return out
}

// conflicted are the values that lost against another and are kept aside.
func (y *history) conflicted() map[string]bool {
	out := map[string]bool{}
	for _, b := range y.boxes {
		rows, err := y.db.Conflicts(context.Background(), b.id)
		y.must(err)
		for _, r := range rows {
			for _, v := range r.Loser {
				out[v.Text] = true
			}
		}
	}
	return out
}

// keptAnswer reports whether somebody's answer to one meeting lost against what a
// restored mailbox shows, and is kept aside.
func (y *history) keptAnswer(soul, p, status string) bool {
	for _, b := range y.boxes {
		known, err := y.db.Explain(context.Background(), b.id, soul)
		y.must(err)
		rows, err := y.db.Conflicts(context.Background(), b.id)
		y.must(err)
		for _, r := range rows {
			its := slices.ContainsFunc(known, func(e store.Explanation) bool { return e.Entity == r.Entity })
			if its && statusOf(model.Item{Content: r.Loser}, p) == status {
				return true
			}
		}
	}
	return false
}

// foreign wants data that we do not understand, and what is one person's own, to
// be where it was written, and nowhere else (I11).
func (y *history) foreign() []string {
	var out []string
	for _, p := range y.places() {
		for _, it := range y.at(p).Items() {
			k := key(p, it.Ref)
			whole := len(y.records.souls[soulOf(it)].deleted) == 0 // what is created again has lost it
			if want := y.records.foreign[k]; whole && want != "" && y.at(p).Foreign(it.Ref) != want {
				out = append(out, fmt.Sprintf("I11: what was scribbled on %s in %q is %q, was %q", soulOf(it), p, y.at(p).Foreign(it.Ref), want))
			}
			value := it.Content.Text("transparency")
			if at := y.records.personal[value]; value != "" && at != k && at != anyItem {
				out = append(out, fmt.Sprintf("what %s says is in %s", at, k))
			}
		}
	}
	return out
}

// mails wants attendees to hear of each change once at most, and of none where
// the policy says so (B2, I12).
func (y *history) mails() []string {
	got := map[string]int{}
	for _, m := range y.mail.Mails() {
		got[m.To]++
	}
	most := 0
	for _, s := range y.records.souls {
		most += s.news + 1
	}
	var policy model.Policy
	if y.design.policy != nil {
		policy.Kinds = map[model.Kind]model.KindPolicy{}
		y.design.policy(&policy)
	}
	if policy.Invite != "organizer-changes" {
		most = 0
	}
	var out []string
	for to, n := range got {
		if n > most {
			out = append(out, fmt.Sprintf("I12: %s got %d mails about %d changes", to, n, most))
		}
	}
	if n := len(y.crm.Mails()); n > 0 {
		out = append(out, fmt.Sprintf("B2: the CRM sent %d mails", n))
	}
	return out
}
