package plan

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lockstep.dev/model"
)

func directed(in Input, k model.Kind, f func(*model.KindPolicy)) Input {
	rule := in.Policy.Kinds[k]
	f(&rule)
	in.Policy.Kinds[k] = rule
	in.Policy = in.Policy.Complete()
	return in
}

func oneWay(direction string) func(*model.KindPolicy) {
	return func(k *model.KindPolicy) {
		*k = model.KindPolicy{Direction: direction, Directions: k.Directions}
	}
}

// D-43: of a kind that goes from the CRM to the mailbox only, an edit in the
// mailbox is put back and kept; an edit in the CRM goes on as always.
func TestAnEditAgainstTheDirectionIsPutBackAndKept(t *testing.T) {
	was := text("full_name", "Bob", "notes", "old", "job_title", "Clerk")
	for name, tt := range map[string]struct {
		direction       string
		crm, mail       model.Content
		wantCRM, wantML model.Content // nil = not written
		lost            string
	}{
		"edit in the mailbox": {
			model.CRMToMail, was, text("full_name", "Bob", "notes", "mine", "job_title", "Clerk"), nil, was, "notes=mine",
		},
		"both edit": {
			model.CRMToMail, text("full_name", "Bob", "notes", "old", "job_title", "Head"), text("full_name", "Bob", "notes", "mine", "job_title", "Clerk"),
			nil, text("full_name", "Bob", "notes", "old", "job_title", "Head"), "notes=mine",
		},
		"both edit the same": {
			model.CRMToMail, text("full_name", "Bob", "notes", "theirs", "job_title", "Clerk"), text("full_name", "Bob", "notes", "mine", "job_title", "Clerk"),
			nil, text("full_name", "Bob", "notes", "theirs", "job_title", "Clerk"), "notes=mine",
		},
		"edit in the CRM": {
			model.CRMToMail, text("full_name", "Rob", "notes", "old", "job_title", "Clerk"), was, nil, text("full_name", "Rob", "notes", "old", "job_title", "Clerk"), "",
		},
		"the other way round": {
			model.MailToCRM, text("full_name", "Bob", "notes", "theirs", "job_title", "Clerk"), was, was, nil, "notes=theirs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Build(directed(world(linked(model.Contact, was, tt.crm, tt.mail)), model.Contact, oneWay(tt.direction)))
			for _, want := range []struct {
				side model.Side
				c    model.Content
			}{{model.CRM, tt.wantCRM}, {model.Mail, tt.wantML}} {
				i := slices.IndexFunc(got.Writes, func(w Write) bool { return w.Side == want.side })
				switch {
				case want.c == nil && i >= 0:
					t.Errorf("%s side is written: %+v", want.side, got.Writes[i])
				case want.c != nil && (i < 0 || len(model.Differing(got.Writes[i].Op.Content, want.c)) > 0):
					t.Errorf("%s side: writes %+v, want %v", want.side, got.Writes, want.c)
				case want.c != nil && tt.lost != "" && !strings.HasPrefix(got.Writes[i].Why, "put back"):
					t.Errorf("why %q", got.Writes[i].Why)
				}
			}
			lost := ""
			for _, c := range got.Conflicts {
				for f, v := range c.Loser {
					lost += f + "=" + v.Text
				}
			}
			if lost != tt.lost {
				t.Errorf("lost %q, want %q", lost, tt.lost)
			}
		})
	}
}

// D-42: one field, such as the status, may have a direction of its own.
func TestOneFieldHasADirectionOfItsOwn(t *testing.T) {
	was := text("title", "Call", "status", "in-process")
	p := linked(model.Task, was, was, text("title", "Call Bob", "status", "completed"))
	got := Build(directed(world(p), model.Task, func(k *model.KindPolicy) { k.Directions = map[string]string{"status": model.CRMToMail} }))
	if len(got.Writes) != 2 || got.Writes[0].Op.Content.Text("title") != "Call Bob" || got.Writes[0].Op.Content.Text("status") != "in-process" ||
		got.Writes[1].Op.Content.Text("status") != "in-process" || got.Writes[1].Op.Content.Text("title") != "Call Bob" {
		t.Errorf("writes %+v", got.Writes)
	}
	if len(got.Conflicts) != 1 || got.Conflicts[0].Loser.Text("status") != "completed" || got.Conflicts[0].Winner != model.CRM {
		t.Errorf("conflicts %+v", got.Conflicts)
	}
}

// What is deleted at the source goes, whatever the copy says; a copy that its
// user deletes stays deleted and takes nothing from anybody.
func TestDeletionsOfAKindWithADirection(t *testing.T) {
	was := text("full_name", "Bob")
	in := func(crm, mail model.Content) Input {
		return directed(world(linked(model.Contact, was, crm, mail)), model.Contact, oneWay(model.CRMToMail))
	}
	got := Build(in(nil, text("full_name", "Rob")))
	if len(got.Writes) != 1 || got.Writes[0].Side != model.Mail || got.Writes[0].Op.Action != model.Delete {
		t.Errorf("deleted at the source: %+v", got)
	}
	got = Build(in(text("full_name", "Rob"), nil))
	if len(got.Writes) != 0 || len(got.Changes) != 1 || got.Changes[0].State != Kept {
		t.Errorf("deleted in the mailbox: %+v", got)
	}
}

func TestNothingNewGoesAgainstTheDirection(t *testing.T) {
	for direction, side := range map[string]model.Side{model.CRMToMail: model.Mail, model.MailToCRM: model.CRM} {
		p := Pair{Entity: "e", Kind: model.Contact, Lead: true}
		s := seen(side, model.Contact, text("full_name", "Bob"))
		if side == model.CRM {
			p.CRM = s
		} else {
			p.Mail = s
		}
		got := Build(directed(world(p), model.Contact, oneWay(direction)))
		if len(got.Writes) != 0 || len(got.Changes) != 1 || got.Changes[0].Reason != ReasonDirection {
			t.Errorf("%s: %+v", direction, got)
		}
	}
}

// Filters are for what is new; what is linked stays linked.
func TestFilters(t *testing.T) {
	c := emails(text("full_name", "Bob", "organization", "Acme  Ltd"), "bob@acme.example")
	for _, tt := range []struct {
		f    model.Filter
		want bool
	}{
		{model.Filter{Field: "organization", Is: []string{"acme ltd", "x"}}, true},
		{model.Filter{Field: "organization", Is: []string{"acme"}}, false},
		{model.Filter{Field: "organization", Contains: []string{"ACME"}}, true},
		{model.Filter{Field: "organization", ContainsNot: []string{"acme"}}, false},
		{model.Filter{Field: "organization", IsNot: []string{"acme ltd"}}, false},
		{model.Filter{Field: "emails", Contains: []string{"@acme.example"}}, true},
		{model.Filter{Field: "emails", ContainsNot: []string{"@other.example"}}, true},
		{model.Filter{Field: "department", Is: []string{"sales"}}, false},
		{model.Filter{Field: "department", IsNot: []string{"sales"}}, true},
	} {
		p := Pair{Entity: "e", Kind: model.Contact, Lead: true, Mail: seen(model.Mail, model.Contact, c)}
		got := Build(directed(world(p), model.Contact, func(k *model.KindPolicy) { k.Filters = []model.Filter{tt.f} }))
		if created := len(got.Writes) == 1; created != tt.want || !created && got.Changes[0].Reason != ReasonFiltered {
			t.Errorf("%+v: %+v", tt.f, got)
		}
		got = Build(directed(world(linked(model.Contact, c, c, emails(text("full_name", "Rob", "organization", "Acme  Ltd"), "bob@acme.example"))),
			model.Contact, func(k *model.KindPolicy) { k.Filters = []model.Filter{tt.f} }))
		if len(got.Writes) != 1 {
			t.Errorf("linked: %+v", got)
		}
	}
}

// Whatever both sides did: nothing is written against a field's direction, what
// goes is kept, and after the writes both sides rest.
func TestDirectionsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, p := story(t)
		all := []string{"", model.Both, model.CRMToMail, model.MailToCRM}
		rule := model.KindPolicy{Direction: rapid.SampledFrom(all).Draw(t, "direction"), Directions: map[string]string{}}
		for _, f := range []string{"full_name", "notes", "emails", "start", "description", "attendees", "title"} {
			if slices.ContainsFunc(model.Fields(p.Kind), func(m model.Field) bool { return m.Name == f }) && rapid.Bool().Draw(t, "direction of "+f) {
				rule.Directions[f] = rapid.SampledFrom(all).Draw(t, f+" goes")
			}
		}
		p.Lead = rapid.Bool().Draw(t, "lead")
		in.Pairs = []Pair{p}
		in.Policy.Kinds[p.Kind] = rule
		in.Policy = in.Policy.Complete()
		rule = in.Policy.Kinds[p.Kind]
		built := Build(in)
		now := map[model.Side]model.Content{model.CRM: p.CRM.Content, model.Mail: p.Mail.Content}
		for _, w := range built.Writes {
			for _, f := range w.Op.Changed {
				source, own := rule.Source(p.Kind, f), p.baseOf(seenOf(p, w.Side))
				if source != w.Side || own != nil || f == "attendees" {
					continue
				}
				t.Fatalf("%s of the %s side is written against its direction: %+v", f, w.Side, w.Op.Content)
			}
			now[w.Side] = w.Op.Content
		}
		b := builder{in: in}
		for _, f := range in.Fields[p.Kind] {
			source := rule.Source(p.Kind, f)
			if source == "" || p.CRMBase == nil || f == "attendees" {
				continue
			}
			// The source keeps what it says: nobody's edit elsewhere reaches it.
			if was := seenOf(p, source).Content; b.differ(p.Kind, now[source], was, f) && !slices.Contains(timeFields(p.Kind), f) {
				t.Fatalf("%s of the %s side, its source, was changed from %v to %v", f, source, was[f], now[source][f])
			}
		}
		again := linked(p.Kind, text(), now[model.CRM], now[model.Mail])
		again.CRMBase, again.MailBase, again.Lead = base(now[model.CRM]), base(now[model.Mail]), p.Lead
		again = asked(again, built)
		in.Pairs = []Pair{again}
		if rest := Build(in); len(rest.Writes) > 0 {
			t.Fatalf("the pair does not rest: %+v", rest.Writes)
		}
	})
}

func seenOf(p Pair, s model.Side) *Seen {
	if s == model.CRM {
		return p.CRM
	}
	return p.Mail
}
