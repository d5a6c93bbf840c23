package plan

import (
	"slices"
	"testing"
	"time"

	"lockstep.dev/model"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// world is an Input for one story.
func world(pairs ...Pair) Input {
	in := Input{
		Pairs: pairs, Policy: model.Policy{Name: "test", Kinds: map[model.Kind]model.KindPolicy{
			model.Contact: {FromMail: "all", MailDelete: "delete"}, model.Event: {FromMail: "all"}, model.Task: {FromMail: "all", FromCRM: "all"},
		}}.Complete(),
		Address: "ann@example.com", CRMUser: "u1", Mailbox: "mbx1", Now: now, Initialized: true,
		Fields:  map[model.Kind][]string{},
		Primary: map[model.Side]map[model.Kind]string{model.CRM: {}, model.Mail: {}},
	}
	for _, k := range model.Kinds() {
		in.Fields[k] = model.SharedFields(k)
		in.Primary[model.CRM][k], in.Primary[model.Mail][k] = string(k), "/"+string(k)
	}
	return in
}

func text(pairs ...string) model.Content {
	c := model.Content{}
	for i := 0; i < len(pairs); i += 2 {
		c.PutText(pairs[i], pairs[i+1])
	}
	return c
}

func emails(c model.Content, list ...string) model.Content {
	c = c.Clone()
	var set []model.Element
	for _, e := range list {
		set = append(set, model.Element{Key: e, Text: e})
	}
	c.PutSet("emails", set)
	return c
}

func seen(side model.Side, kind model.Kind, c model.Content) *Seen {
	return &Seen{Ref: model.Ref{Side: side, Kind: kind, ID: string(side) + "-1", Version: "v1"}, Content: c, Key: string(c.Encode())}
}

func absent(side model.Side, kind model.Kind) *Seen {
	s := seen(side, kind, model.Content{})
	s.Gone, s.Settled = true, true
	return s
}

func base(c model.Content) *Base { return &Base{Content: c, Key: string(c.Encode())} }

// linked is a pair that once agreed on was; each side holds what is given, nil
// means that it is proven gone.
func linked(kind model.Kind, was, crm, mail model.Content) Pair {
	p := Pair{Entity: "e1", Kind: kind, State: Linked, CRMBase: base(was), MailBase: base(was), Lead: true}
	p.CRM, p.Mail = absent(model.CRM, kind), absent(model.Mail, kind)
	if crm != nil {
		p.CRM = seen(model.CRM, kind, crm)
	}
	if mail != nil {
		p.Mail = seen(model.Mail, kind, mail)
	}
	return p
}

// B13: edits of different fields both survive; the base decides who changed what.
func TestEditsOfDifferentFieldsBothSurvive(t *testing.T) {
	was := text("full_name", "Bob Stone", "job_title", "Clerk", "notes", "old")
	p := linked(model.Contact, was, text("full_name", "Bob Stone", "job_title", "Head clerk", "notes", "old"),
		text("full_name", "Bob Stone", "job_title", "Clerk", "notes", "new"))
	got := Build(world(p))
	if len(got.Writes) != 2 || len(got.Conflicts) != 0 {
		t.Fatalf("got %d writes, %d conflicts; want both sides written and no conflict", len(got.Writes), len(got.Conflicts))
	}
	for _, w := range got.Writes {
		if w.Op.Content.Text("job_title") != "Head clerk" || w.Op.Content.Text("notes") != "new" {
			t.Errorf("%s side would hold %v", w.Side, w.Op.Content)
		}
	}
	if got.Writes[0].Side != model.CRM || got.Writes[0].Final || !got.Writes[1].Final {
		t.Error("the CRM is written first, and only the last write settles the bases")
	}
	if !slices.Equal(got.Writes[0].Op.Changed, []string{"notes"}) || !slices.Equal(got.Writes[1].Op.Changed, []string{"job_title"}) {
		t.Errorf("changed fields: %v and %v", got.Writes[0].Op.Changed, got.Writes[1].Op.Changed)
	}
}

// B13: the same field follows the policy, and the loser's value is kept.
func TestSameFieldFollowsPolicyAndKeepsTheLoser(t *testing.T) {
	was := text("title", "Lunch")
	for _, tt := range []struct {
		wins   string
		lead   bool
		winner model.Side
		loser  string
	}{
		{"crm", true, model.CRM, "Mail lunch"},
		{"mail", true, model.Mail, "CRM lunch"},
		{"newest", true, model.Mail, "CRM lunch"},
	} {
		p := linked(model.Event, was, text("title", "CRM lunch"), text("title", "Mail lunch"))
		p.Lead, p.CRM.Modified, p.Mail.Modified = tt.lead, now, now.Add(time.Minute)
		in := world(p)
		rule := in.Policy.Kinds[model.Event]
		rule.Wins = tt.wins
		in.Policy.Kinds[model.Event] = rule
		got := Build(in)
		if len(got.Conflicts) != 1 || got.Conflicts[0].Winner != tt.winner || got.Conflicts[0].Loser.Text("title") != tt.loser {
			t.Errorf("wins %s: conflicts %+v", tt.wins, got.Conflicts)
		}
		if len(got.Writes) != 1 || got.Writes[0].Side != tt.winner.Other() {
			t.Errorf("wins %s: writes %+v", tt.wins, got.Writes)
		}
	}
}

// Sets merge by element: what one side added and the other removed both happen.
func TestSetsMergeByElement(t *testing.T) {
	name := text("full_name", "Bob Stone")
	was := emails(name, "a@example.com", "b@example.com")
	p := linked(model.Contact, was, emails(name, "a@example.com", "b@example.com", "c@example.com"), emails(name, "b@example.com"))
	got := Build(world(p))
	for _, w := range got.Writes {
		var keys []string
		for _, e := range w.Op.Content.Set("emails") {
			keys = append(keys, e.Key)
		}
		if !slices.Equal(keys, []string{"b@example.com", "c@example.com"}) {
			t.Errorf("%s side would hold %v", w.Side, keys)
		}
	}
	if len(got.Writes) != 2 || len(got.Conflicts) != 0 {
		t.Errorf("%d writes, %d conflicts", len(got.Writes), len(got.Conflicts))
	}
}

// A type that one system does not hold is neither an edit nor a conflict.
func TestElementsMergeByAttribute(t *testing.T) {
	c, m := text("full_name", "Bob Stone"), text("full_name", "Bob Stone")
	c.PutSet("phones", []model.Element{{Key: "+491", Text: "+49 1"}})
	m.PutSet("phones", []model.Element{{Key: "+491", Text: "+49 1", Attr: map[string]string{"type": "cell"}}})
	p := linked(model.Contact, nil, c, m)
	p.CRMBase, p.MailBase = nil, nil
	got := Build(world(p))
	if len(got.Conflicts) != 0 || len(got.Writes) != 1 || got.Writes[0].Side != model.CRM {
		t.Fatalf("conflicts %+v, writes %+v", got.Conflicts, got.Writes)
	}
	if e := got.Writes[0].Op.Content.Set("phones"); len(e) != 1 || e[0].Attr["type"] != "cell" {
		t.Errorf("the CRM would hold %+v", e)
	}
}

// What a system changed by storing it is no edit: each side is compared with
// what it held itself when both agreed.
func TestNormalisationIsNoEdit(t *testing.T) {
	p := linked(model.Contact, nil, text("full_name", "Bob Stone", "notes", "two lines "), text("full_name", "Bob Stone", "notes", "two lines"))
	p.CRMBase, p.MailBase = base(p.CRM.Content), base(p.Mail.Content)
	if got := Build(world(p)); len(got.Writes) != 0 {
		t.Errorf("writes %+v", got.Writes)
	}
	p.CRM = seen(model.CRM, model.Contact, text("full_name", "Robert Stone", "notes", "two lines "))
	got := Build(world(p))
	if len(got.Writes) != 1 || got.Writes[0].Side != model.Mail || !slices.Equal(got.Writes[0].Op.Changed, []string{"full_name"}) {
		t.Errorf("writes %+v", got.Writes)
	}
}

// Design decision 4: an attendee's edits stay in the attendee's mailbox; only
// the answer to the invitation reaches the CRM.
func TestOnlyTheAnswerOfAParticipantFlows(t *testing.T) {
	invite := func(title, status string) model.Content {
		c := text("title", title, "start", "2026-03-20T09:00:00Z")
		e := model.Element{Key: "ann@example.com", Text: "Ann"}
		if status != "" {
			e.Attr = map[string]string{"status": status}
		}
		c.PutSet("attendees", []model.Element{e, {Key: "bob@example.com", Text: "Bob"}})
		return c
	}
	p := linked(model.Event, invite("Review", ""), invite("Review", ""), invite("Review (boring)", "accepted"))
	p.Lead = false
	got := Build(world(p))
	if len(got.Writes) != 1 || got.Writes[0].Side != model.CRM {
		t.Fatalf("writes %+v", got.Writes)
	}
	w := got.Writes[0].Op
	if w.Content.Text("title") != "Review" || w.Content.Set("attendees")[0].Attr["status"] != "accepted" || !slices.Equal(w.Changed, []string{"attendees"}) {
		t.Errorf("the CRM would hold %v, changed %v", w.Content, w.Changed)
	}
}

// Deletions travel as design decision 4 says, and nothing else does.
// Found by a random history: a participant's copy is matched with a record that
// shows other answers than the copy does.
func TestAParticipantsFirstMergeTakesTheOthersAnswers(t *testing.T) {
	at := func(ada string) model.Content {
		c := text("title", "Review", "organizer", "ada@example.com")
		c.PutSet("attendees", []model.Element{
			{Key: "ada@example.com", Attr: map[string]string{"status": ada}}, {Key: "me@example.com", Attr: map[string]string{"status": "tentative"}},
		})
		return c
	}
	p := Pair{Entity: "e1", Kind: model.Event, CRM: seen(model.CRM, model.Event, at("declined")), Mail: seen(model.Mail, model.Event, at("accepted"))}
	in := world(p)
	in.Address = "me@example.com"
	got := Build(in)
	if len(got.Writes) != 1 || got.Writes[0].Side != model.Mail || !got.Writes[0].Op.Content["attendees"].Equal(at("declined")["attendees"]) {
		t.Errorf("writes %+v", got.Writes)
	}
}

func TestDeletions(t *testing.T) {
	future := text("title", "Review", "start", "2026-03-20T09:00:00Z")
	past := text("title", "Review", "start", "2026-01-20T09:00:00Z")
	card := text("full_name", "Bob Stone")
	for _, tt := range []struct {
		name      string
		kind      model.Kind
		crm, mail model.Content
		lead      bool
		policy    string // of deletions in the mailbox
		write     model.Side
		state     State
	}{
		{"the organizer deletes a future event", model.Event, future, nil, true, "delete", model.CRM, ""},
		{"the organizer deletes a past event", model.Event, past, nil, true, "delete", "", Kept},
		{"an attendee deletes an event: it stays for the others", model.Event, future, nil, false, "delete", "", Kept},
		{"a contact is deleted in the mailbox, default policy", model.Contact, card, nil, true, "unlink", "", Kept},
		{"the CRM deletes an event", model.Event, nil, future, false, "delete", model.Mail, ""},
		{"an attendee deletes what the CRM just changed: it does not come back", model.Event, text("title", "Review 2", "start", "2026-03-20T09:00:00Z"), nil, false, "delete", "", Kept},
		{"both sides deleted it", model.Event, nil, nil, true, "delete", "", Tombstone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			was := tt.crm
			if was == nil || tt.kind == model.Event && tt.crm.Text("title") != "Review" {
				was = future
			}
			in := world(linked(tt.kind, was, tt.crm, tt.mail))
			in.Pairs[0].Lead = tt.lead
			rule := in.Policy.Kinds[tt.kind]
			rule.MailDelete = tt.policy
			in.Policy.Kinds[tt.kind] = rule
			got := Build(in)
			if tt.write == "" {
				if len(got.Writes) != 0 || len(got.Changes) != 1 || got.Changes[0].State != tt.state {
					t.Fatalf("writes %+v, changes %+v", got.Writes, got.Changes)
				}
				return
			}
			if len(got.Writes) != 1 || got.Writes[0].Side != tt.write || got.Writes[0].Op.Action != model.Delete || got.Writes[0].MustBeGone == nil {
				t.Fatalf("writes %+v", got.Writes)
			}
		})
	}
}

// No deletion before the first sync has been applied (algorithm 1.9f).
func TestNoDeletionInFirstSync(t *testing.T) {
	in := world(linked(model.Event, text("title", "Review", "start", "2026-03-20T09:00:00Z"), nil, text("title", "Review", "start", "2026-03-20T09:00:00Z")))
	in.Initialized = false
	if got := Build(in); len(got.Writes) != 0 || !got.Changes[0].Pending {
		t.Errorf("writes %+v, changes %+v", got.Writes, got.Changes)
	}
}

// A deletion on one side and an edit on the other: the edit wins, as a new
// incarnation with a new key.
func TestEditBeatsDeletion(t *testing.T) {
	was := text("title", "Review", "start", "2026-03-20T09:00:00Z")
	moved := text("title", "Review", "start", "2026-03-21T09:00:00Z")
	got := Build(world(linked(model.Event, was, moved, nil)))
	if len(got.Writes) != 1 || got.Writes[0].Side != model.Mail || got.Writes[0].Op.Action != model.Create {
		t.Fatalf("writes %+v", got.Writes)
	}
	if got.Writes[0].Op.Key != MailKey("e1", "mbx1", 1) || got.Writes[0].MustBeGone == nil {
		t.Errorf("key %s", got.Writes[0].Op.Key)
	}
}

// B19: what merely left scope is unlinked and kept, on both sides.
func TestLeavingScopeDeletesNothing(t *testing.T) {
	was := text("title", "Review", "start", "2026-03-20T09:00:00Z")
	p := linked(model.Event, was, was, was)
	p.CRM.Left = true
	got := Build(world(p))
	if len(got.Writes) != 0 || got.Changes[0].State != Kept {
		t.Errorf("writes %+v, changes %+v", got.Writes, got.Changes)
	}
}

// B2: no write notifies anybody, unless the policy says so, the mailbox is the
// organizer's, the event is ahead and a sensitive property changed.
func TestNotifyDecisions(t *testing.T) {
	meeting := func(title, start string) model.Content {
		c := text("title", title, "start", start, "organizer", "ann@example.com")
		c.PutSet("attendees", []model.Element{{Key: "bob@example.com"}})
		return c
	}
	for _, tt := range []struct {
		name, invite, start string
		first               bool
		want                model.Notify
	}{
		{"default", "never", "2026-03-20T09:00:00Z", false, model.NotifyNone},
		{"allowed", "organizer-changes", "2026-03-20T09:00:00Z", false, model.NotifyAttendees},
		{"past", "organizer-changes", "2026-01-20T09:00:00Z", false, model.NotifyNone},
		{"first sync", "organizer-changes", "2026-03-20T09:00:00Z", true, model.NotifyNone},
	} {
		in := world(linked(model.Event, meeting("A", tt.start), meeting("B", tt.start), meeting("A", tt.start)))
		in.Policy.Invite, in.Initialized = tt.invite, !tt.first
		got := Build(in)
		if len(got.Writes) != 1 || got.Writes[0].Op.Notify != tt.want {
			t.Errorf("%s: %+v", tt.name, got.Writes)
		}
	}
}

// Design decision 15: what may enter the CRM, and why the rest may not (B8).
func TestAdmission(t *testing.T) {
	event := text("title", "Review", "start", "2026-03-20T09:00:00Z")
	tagged := event.Clone()
	tagged.PutSet("categories", []model.Element{{Key: "lockstep", Text: "Lockstep"}})
	private := event.Clone()
	private.PutText("class", "private")
	for _, tt := range []struct {
		name, from string
		c          model.Content
		reason     string
	}{
		{"all", "all", event, ""},
		{"tracked", "category", tagged, ""},
		{"untracked", "category", event, ReasonUntracked},
		{"only matches", "matching", event, ReasonUnmatched},
		{"none", "none", event, ReasonDirection},
		{"private", "all", private, ReasonPrivate},
		{"too old", "all", text("title", "x", "start", "2025-01-01T09:00:00Z"), ReasonWindow},
		{"far ahead", "all", text("title", "x", "start", "2028-01-01T09:00:00Z"), ReasonWindow},
		{"old series without end", "all", text("title", "x", "start", "2020-01-01T09:00:00Z", "recurrence", "RRULE:FREQ=WEEKLY"), ""},
		{"series that ended", "all", text("title", "x", "start", "2020-01-01T09:00:00Z", "recurrence", "RRULE:FREQ=WEEKLY;UNTIL=20210101T000000Z"), ReasonWindow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := world(Pair{Entity: "e1", Kind: model.Event, Mail: seen(model.Mail, model.Event, tt.c)})
			in.Policy.Kinds[model.Event] = model.KindPolicy{FromMail: tt.from, FromCRM: "all"}
			got := Build(in)
			if tt.reason == "" {
				if len(got.Writes) != 1 || got.Writes[0].Op.Action != model.Create || got.Writes[0].Side != model.CRM {
					t.Fatalf("writes %+v changes %+v", got.Writes, got.Changes)
				}
				return
			}
			if len(got.Writes) != 0 || got.Changes[0].Reason != tt.reason {
				t.Errorf("writes %+v changes %+v", got.Writes, got.Changes)
			}
		})
	}
}

// B3: deletions that are too many to be believed wait; a few do not.
func TestBrake(t *testing.T) {
	policy := model.Policy{Name: "p"}.Complete()
	deletes := func(n int) []Write {
		out := make([]Write, n)
		for i := range out {
			out[i] = Write{Side: model.Mail, Kind: model.Event, Op: model.Operation{Action: model.Delete}}
		}
		return out
	}
	census := func(linked, present int) Census {
		return Census{
			Linked:  map[model.Kind]int{model.Event: linked},
			Present: map[model.Side]map[model.Kind]int{model.CRM: {model.Event: present}, model.Mail: {model.Event: linked}},
		}
	}
	for _, tt := range []struct {
		name            string
		n, linked, left int
		held            bool
	}{
		{"five of ten", 5, 10, 5, false},
		{"six of a thousand", 6, 1000, 994, false},
		{"a tenth", 10, 100, 90, true},
		{"fifty of many", 50, 10000, 9950, true},
		{"an empty source is never believed", 3, 3, 0, true},
		{"the only one", 1, 1, 0, false},
	} {
		w := deletes(tt.n)
		var tally Tally
		tally.Add(w)
		brakes := tally.Brakes(census(tt.linked, tt.left), policy)
		if (len(brakes) > 0) != tt.held || (Holds(brakes, w[0]) != "") != tt.held {
			t.Errorf("%s: %v", tt.name, brakes)
		}
	}
}

// Matching is one to one only; what is ambiguous goes to the review list and is
// created nowhere (algorithm 1.9f).
func TestMatching(t *testing.T) {
	s := func(side model.Side, item, uid string) Stranger {
		return Stranger{Side: side, Kind: model.Event, Item: item, UID: uid}
	}
	got := Match(ByUID, "con1", []Stranger{
		s(model.CRM, "c1", "one"), s(model.Mail, "m1", "one"),
		s(model.CRM, "c2", "two"), s(model.Mail, "m2", "two"), s(model.Mail, "m3", "two"),
		s(model.Mail, "m4", "three"),
	})
	if len(got) != 4 || got[0].CRM != "c1" || got[0].Mail != "m1" || got[0].State != Unlinked {
		t.Fatalf("joins %+v", got)
	}
	for _, j := range got[1:] {
		if j.State != Review {
			t.Errorf("join %+v should be reviewed", j)
		}
	}
}
