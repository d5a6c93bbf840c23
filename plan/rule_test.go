package plan

import (
	"slices"
	"testing"
	"time"

	"lockstep.dev/model"
)

// ruled is a story under a policy for contacts, or events for a series.
func ruled(kind model.Kind, wins string, fields map[string]string, pairs ...Pair) Input {
	in := world(pairs...)
	rule := in.Policy.Kinds[kind]
	rule.Wins, rule.Fields = wins, fields
	in.Policy.Kinds[kind] = rule
	return in
}

// B13: the policy decides by field; what it does not name is the kind's.
func TestRulesOfSingleFields(t *testing.T) {
	was := text("full_name", "Bob", "job_title", "Clerk", "notes", "one\ntwo\nthree", "nickname", "Bo", "organization", "Acme")
	p := linked(model.Contact, was,
		text("full_name", "Bob C", "job_title", "C", "notes", "ONE\ntwo\nthree", "nickname", "Bob", "organization", "Acme C"),
		text("full_name", "Bob M", "job_title", "M", "notes", "one\ntwo\nthree\nfour", "nickname", "Bobby", "organization", "Acme M"))
	p.CRM.Modified, p.Mail.Modified = now, now.Add(time.Minute)
	in := ruled(model.Contact, "crm", map[string]string{"job_title": "mail", "notes": "merge", "nickname": "newest", "organization": "ask"}, p)
	built := Build(in)
	after := apply(p, built)
	for field, want := range map[string]string{"full_name": "Bob C", "job_title": "M", "notes": "ONE\ntwo\nthree\nfour", "nickname": "Bobby"} {
		if crm, mail := after.CRM.Content.Text(field), after.Mail.Content.Text(field); crm != want || mail != want {
			t.Errorf("%s: %q and %q, want %q", field, crm, mail, want)
		}
	}
	if crm, mail := after.CRM.Content.Text("organization"), after.Mail.Content.Text("organization"); crm != "Acme C" || mail != "Acme M" {
		t.Errorf("both sides keep what is asked about: %q and %q", crm, mail)
	}
	lost := map[string]string{}
	for _, c := range built.Conflicts {
		lost[c.Field] = string(c.Winner) + " " + c.Loser.Text(c.Field)
	}
	for field, want := range map[string]string{"full_name": "crm Bob M", "job_title": "mail C", "nickname": "mail Bob", "organization": " Acme M"} {
		if lost[field] != want {
			t.Errorf("%s: kept %q, want %q", field, lost[field], want)
		}
	}
	if len(lost) != 4 {
		t.Errorf("conflicts %v", lost)
	}
}

// Without both clocks nobody is the newest, and the kind's rule counts.
func TestNewestNeedsBothClocks(t *testing.T) {
	for kind, want := range map[string]model.Side{"crm": model.CRM, "mail": model.Mail, "newest": model.CRM} {
		p := linked(model.Contact, text("notes", "x"), text("notes", "c"), text("notes", "m"))
		p.CRM.Modified = now
		got := Build(ruled(model.Contact, kind, map[string]string{"notes": "newest"}, p))
		if len(got.Conflicts) != 1 || got.Conflicts[0].Winner != want {
			t.Errorf("wins %s: %+v", kind, got.Conflicts)
		}
	}
}

func TestMergeOfLines(t *testing.T) {
	for _, tt := range []struct{ name, was, crm, mail, want string }{
		{"changed apart", "a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"},
		{"added at both ends", "a\nb", "0\na\nb", "a\nb\n9", "0\na\nb\n9"},
		{"removed and added apart", "a\nb\nc\nd", "a\nc\nd", "a\nb\nc\nd\ne", "a\nc\nd\ne"},
		{"the same change", "a\nb", "a\nB", "a\nB\nc", ""},
		{"neighbours", "a\nb", "A\nb", "a\nB", "A\nB"},
		{"the same line", "a\nb", "A\nb", "X\nb", ""},
		{"added at the same place", "a", "a\nb", "a\nc", ""},
		{"both from nothing", "", "b", "c", ""},
	} {
		c, m, ok := mergeLines(tt.was, tt.was, tt.crm, tt.mail)
		if ok != (tt.want != "") || c != tt.want || m != tt.want {
			t.Errorf("%s: %q and %q, %t; want %q", tt.name, c, m, ok, tt.want)
		}
	}
	// What a system normalised stays as it is there.
	if c, m, ok := mergeLines("a \nb", "a\nb", "a \nB", "a\nb"); !ok || c != "a \nB" || m != "a\nB" {
		t.Errorf("%q and %q, %t", c, m, ok)
	}
}

// answered is a pair whose plan was applied, with the question that it left.
func answered(t *testing.T, in Input, p Pair, take string) Pair {
	t.Helper()
	built := Build(in)
	if len(built.Conflicts) != 1 || built.Conflicts[0].Winner != "" {
		t.Fatalf("conflicts %+v, want one question", built.Conflicts)
	}
	after := apply(p, built)
	after.Conflicts = []OpenConflict{{ID: "q1", Field: built.Conflicts[0].Field, Loser: built.Conflicts[0].Loser, Take: take}}
	return after
}

// Ask: both sides keep their own, nothing is written again and again, the rest
// flows, and an edit of one side does not overwrite the other.
func TestAskLeavesBothSidesAlone(t *testing.T) {
	ask := map[string]string{"notes": "ask"}
	p := linked(model.Contact, text("full_name", "Bob", "notes", "x"), text("full_name", "Bobby", "notes", "c"), text("full_name", "Bob", "notes", "m"))
	p = answered(t, ruled(model.Contact, "crm", ask, p), p, "")
	if p.CRM.Content.Text("notes") != "c" || p.Mail.Content.Text("notes") != "m" || p.Mail.Content.Text("full_name") != "Bobby" {
		t.Fatalf("the sides hold %v and %v", p.CRM.Content, p.Mail.Content)
	}
	if again := Build(ruled(model.Contact, "crm", ask, p)); len(again.Writes)+len(again.Conflicts)+len(again.Settled) != 0 {
		t.Errorf("asked again: %+v", again)
	}
	p.CRM = seen(model.CRM, model.Contact, text("full_name", "Robert", "notes", "c2"))
	again := Build(ruled(model.Contact, "crm", ask, p))
	if len(again.Writes) != 1 || !slices.Equal(again.Writes[0].Op.Changed, []string{"full_name"}) {
		t.Errorf("writes %+v", again.Writes)
	}
	// One side comes to say what the other says: nothing is left to ask.
	p = apply(p, again)
	p.Mail = seen(model.Mail, model.Contact, text("full_name", "Robert", "notes", "c2"))
	if got := Build(ruled(model.Contact, "crm", ask, p)); len(got.Writes) != 0 || !slices.Equal(got.Settled, []Settled{{"q1", "equal"}}) {
		t.Errorf("writes %+v, settled %+v", got.Writes, got.Settled)
	}
}

// The answer to a question goes to the other side, and what it overwrites is
// kept.
func TestAnswersAreWritten(t *testing.T) {
	for take, want := range map[string]string{TakeCRM: "c", TakeMail: "m"} {
		ask := ruled(model.Contact, "ask", nil, linked(model.Contact, text("notes", "x"), text("notes", "c"), text("notes", "m")))
		p := answered(t, ask, ask.Pairs[0], take)
		ask.Pairs = []Pair{p}
		got := Build(ask)
		if len(got.Writes) != 1 || string(got.Writes[0].Side.Other()) != take || !slices.Equal(got.Writes[0].Settles, []Settled{{"q1", take}}) {
			t.Fatalf("writes %+v", got.Writes)
		}
		if len(got.Conflicts) != 1 || got.Conflicts[0].Resolution != take || got.Conflicts[0].Loser.Text("notes") == want {
			t.Errorf("conflicts %+v", got.Conflicts)
		}
		p.Conflicts = nil
		if after := apply(p, got); after.CRM.Content.Text("notes") != want || after.Mail.Content.Text("notes") != want {
			t.Errorf("the sides hold %v and %v", after.CRM.Content, after.Mail.Content)
		}
	}
	// A policy that no longer asks answers by itself.
	ask := ruled(model.Contact, "ask", nil, linked(model.Contact, text("notes", "x"), text("notes", "c"), text("notes", "m")))
	got := Build(ruled(model.Contact, "mail", nil, answered(t, ask, ask.Pairs[0], "")))
	if len(got.Writes) != 1 || got.Writes[0].Side != model.CRM || !slices.Equal(got.Writes[0].Settles, []Settled{{"q1", "policy"}}) || len(got.Conflicts) != 1 {
		t.Errorf("writes %+v, conflicts %+v", got.Writes, got.Conflicts)
	}
}

// lostIn is a pair after a conflict that the CRM won, and the choice of what the
// mailbox lost.
func lostIn(t *testing.T, in Input) Pair {
	t.Helper()
	built := Build(in)
	if len(built.Conflicts) != 1 || built.Conflicts[0].Winner != model.CRM {
		t.Fatalf("conflicts %+v, want one that the CRM won", built.Conflicts)
	}
	p := apply(in.Pairs[0], built)
	p.Conflicts = []OpenConflict{{ID: "q1", Field: built.Conflicts[0].Field, Winner: model.CRM, Loser: built.Conflicts[0].Loser, Take: TakeLoser}}
	return p
}

// B13: the value that lost can be taken after all: it is written to both sides.
func TestTheLoserCanBeTaken(t *testing.T) {
	phone := func(notes, kind string) model.Content {
		c := text("full_name", "Bob", "notes", notes)
		c.PutSet("phones", []model.Element{{Key: "+1", Text: "+1", Attr: map[string]string{"type": kind}}, {Key: "+2", Text: "+2"}})
		return c
	}
	theirs := renamed("20260330T090000", "Mail")
	for _, tt := range []struct {
		name string
		kind model.Kind
		was  model.Content
		crm  model.Content
		mail model.Content
		want func(model.Content) bool
	}{
		{"a text", model.Contact, phone("x", ""), phone("c", ""), phone("m", ""), func(c model.Content) bool { return c.Text("notes") == "m" }},
		{"a number's type", model.Contact, phone("", "home"), phone("", "work"), phone("", "cell"),
			func(c model.Content) bool {
				return c.Set("phones")[0].Attr["type"] == "cell" && len(c.Set("phones")) == 2
			}},
		{"an occurrence", model.Event, weekly(), weekly("overrides", renamed("20260330T090000", "CRM")), weekly("overrides", theirs),
			func(c model.Content) bool { return c.Text("overrides") == theirs }},
		{"an occurrence that the CRM cancelled", model.Event, weekly(), weekly("recurrence", "EXDATE:20260330T070000Z\nRRULE:FREQ=WEEKLY;COUNT=6"), weekly("overrides", theirs),
			func(c model.Content) bool {
				return c.Text("overrides") == theirs && c.Text("recurrence") == "RRULE:FREQ=WEEKLY;COUNT=6"
			}},
		{"a series", model.Event, weekly(), weekly("recurrence", "RRULE:FREQ=WEEKLY;COUNT=8", "overrides", theirs), weekly("recurrence", "RRULE:FREQ=WEEKLY;COUNT=5"),
			func(c model.Content) bool {
				return c.Text("recurrence") == "RRULE:FREQ=WEEKLY;COUNT=5" && c.Text("overrides") == ""
			}},
		{"a time", model.Event, text("title", "Lunch", "start", "2026-03-20T09:00:00Z", "end", "2026-03-20T10:00:00Z"),
			text("title", "Lunch", "start", "2026-03-20T11:00:00Z", "end", "2026-03-20T12:00:00Z"), text("title", "Lunch", "start", "2026-03-20T14:00:00Z", "end", "2026-03-20T15:00:00Z"),
			func(c model.Content) bool {
				return c.Text("start") == "2026-03-20T14:00:00Z" && c.Text("end") == "2026-03-20T15:00:00Z"
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := lostIn(t, world(linked(tt.kind, tt.was, tt.crm, tt.mail)))
			got := Build(world(p))
			if len(got.Writes) != 2 || len(got.Conflicts) != 0 || !slices.Equal(got.Writes[1].Settles, []Settled{{"q1", TakeLoser}}) {
				t.Fatalf("writes %+v, conflicts %+v", got.Writes, got.Conflicts)
			}
			half := p
			half.CRM = seen(model.CRM, tt.kind, got.Writes[0].Op.Content)
			for name, built := range map[string]Pair{"whole": apply(p, got), "killed between the writes": apply(half, Build(world(half)))} {
				if !tt.want(built.CRM.Content) || !tt.want(built.Mail.Content) {
					t.Errorf("%s: the sides hold %v and %v", name, built.CRM.Content, built.Mail.Content)
				}
			}
			// Edited since on the losing side: the later edit stays.
			p = lostIn(t, world(linked(tt.kind, tt.was, tt.crm, tt.mail)))
			if tt.name == "a text" {
				p.Mail = seen(model.Mail, tt.kind, phone("m2", ""))
				got := Build(world(p))
				if len(got.Writes) != 1 || got.Writes[0].Op.Content.Text("notes") != "m2" || got.Writes[0].Settles[0].How != "later edit" {
					t.Errorf("writes %+v", got.Writes)
				}
			}
		})
	}
}

// The choice counts even if the other side has edited the field again; that
// edit is kept.
func TestAChoiceBeatsALaterEditOfTheWinner(t *testing.T) {
	p := lostIn(t, world(linked(model.Contact, text("notes", "x"), text("notes", "c"), text("notes", "m"))))
	p.CRM = seen(model.CRM, model.Contact, text("notes", "c2"))
	got := Build(world(p))
	after := apply(p, got)
	if after.CRM.Content.Text("notes") != "m" || len(got.Conflicts) != 1 || got.Conflicts[0].Loser.Text("notes") != "c2" {
		t.Errorf("%v, conflicts %+v", after.CRM.Content, got.Conflicts)
	}
}

// A participant's copy has no say in what happens to the shared record.
func TestRulesAreTheLeads(t *testing.T) {
	p := linked(model.Event, text("title", "Lunch"), text("title", "C"), text("title", "M"))
	p.Lead = false
	for _, wins := range []string{"mail", "newest", "ask", "merge"} {
		if got := Build(ruled(model.Event, wins, nil, p)); len(got.Writes) != 1 || got.Writes[0].Side != model.Mail {
			t.Errorf("wins %s: %+v", wins, got.Writes)
		}
		first := p
		first.CRMBase, first.MailBase, first.State = nil, nil, Unlinked
		got := Build(ruled(model.Event, wins, nil, first))
		if len(got.Writes) != 1 || got.Writes[0].Op.Content.Text("title") != "C" || len(got.Conflicts) != 1 || got.Conflicts[0].Winner != model.CRM {
			t.Errorf("never agreed, wins %s: %+v, conflicts %+v", wins, got.Writes, got.Conflicts)
		}
	}
}
