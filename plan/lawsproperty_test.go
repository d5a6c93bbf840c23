package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lockstep.dev/model"
)

// story draws a pair whose sides were edited in any way: texts, prose, sets with
// attributes, series; agreed before or not; under any rules for single fields.
func story(t *rapid.T) (Input, Pair) {
	kind := rapid.SampledFrom([]model.Kind{model.Contact, model.Event}).Draw(t, "kind")
	var was, crm, mail model.Content
	if kind == model.Contact {
		was, crm, mail = card(t, "was"), card(t, "crm"), card(t, "mail")
	} else {
		d := randomDiary(t).edit(t, "base")
		was, crm, mail = d.content(t), d.edit(t, "crm").content(t), d.edit(t, "mail").content(t)
		for who, c := range map[string]model.Content{"was": was, "crm": crm, "mail": mail} {
			c.PutText("description", prose(t, who))
			c.PutSet("attendees", people(t, who, "status", "accepted", "declined"))
		}
	}
	p := linked(kind, was, crm, mail)
	if rapid.IntRange(0, 3).Draw(t, "agreed") == 0 {
		p.CRMBase, p.MailBase, p.State = nil, nil, Unlinked
	}
	p.CRM.Modified, p.Mail.Modified = now, now.AddDate(0, 0, rapid.SampledFrom([]int{-1, 1}).Draw(t, "later"))
	in := world(p)
	in.Policy.Private = "full"
	rule := in.Policy.Kinds[kind]
	all := []string{"crm", "mail", "newest", "ask", "merge"}
	rule.Wins, rule.Fields = rapid.SampledFrom(all).Draw(t, "wins"), map[string]string{}
	for _, f := range []string{"full_name", "notes", "emails", "start", "description", "attendees", "title"} {
		if rapid.Bool().Draw(t, "rule for "+f) {
			rule.Fields[f] = rapid.SampledFrom(all).Draw(t, f+" wins")
		}
	}
	in.Policy.Kinds[kind] = rule
	return in, p
}

func card(t *rapid.T, who string) model.Content {
	c := text("full_name", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, who+" name"))
	c.PutText("job_title", rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, who+" title"))
	c.PutText("notes", prose(t, who))
	c.PutSet("emails", people(t, who, "type", "home", "work"))
	return c
}

func prose(t *rapid.T, who string) string {
	var lines []string
	for i := range 4 {
		if l := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, who+" line"); l != "" {
			lines = append(lines, fmt.Sprint(l, i))
		}
	}
	return strings.Join(lines, "\n")
}

func people(t *rapid.T, who, attr string, values ...string) []model.Element {
	var set []model.Element
	for _, k := range []string{"p@x", "q@x", "r@x"} {
		if rapid.Bool().Draw(t, who+" has "+k) {
			e := model.Element{Key: k, Text: rapid.SampledFrom([]string{"1", "2"}).Draw(t, who+" text")}
			if v := rapid.SampledFrom(append(values, "")).Draw(t, who+" "+attr); v != "" {
				e.Attr = map[string]string{attr: v}
			}
			set = append(set, e)
		}
	}
	return set
}

// asked gives a pair the questions that a plan left open.
func asked(p Pair, built Plan) Pair {
	for i, c := range built.Conflicts {
		if c.Winner == "" {
			p.Conflicts = append(p.Conflicts, OpenConflict{ID: fmt.Sprint("q", i), Field: c.Field, Loser: c.Loser})
		}
	}
	return p
}

// values are what a content says, each piece for itself: prose by line, sets by
// element and attribute, series by occurrence.
func values(t *rapid.T, kind model.Kind, c model.Content) map[string]bool {
	out := map[string]bool{}
	series := kind == model.Event && c.Text("start") != ""
	for f, v := range c {
		switch {
		case series && slices.Contains(timeFields(kind), f):
		case len(v.Set) > 0:
			for _, e := range v.Set {
				out[fmt.Sprint(f, " ", e.Key, " ", e.Text)] = true
				for name, text := range e.Attr {
					out[fmt.Sprint(f, " ", e.Key, " ", name, "=", text)] = true
				}
			}
		default:
			for l := range strings.SplitSeq(v.Text, "\n") {
				out[f+" "+l] = true
			}
		}
	}
	if series {
		for slot, what := range occurrencesOf(t, c) {
			if what != slot { // as the rule has it, it is nobody's edit
				out["occurrence "+slot+" "+what] = true
			}
		}
	}
	return out
}

// kept are the values in what lost. Of a series only what its overrides say can
// be told apart.
func kept(t *rapid.T, p Pair, conflicts []EditConflict) map[string]bool {
	out := map[string]bool{}
	for _, c := range conflicts {
		loser := c.Loser
		if o := loser["overrides"]; len(loser) == 1 && !o.Empty() {
			loser = p.CRM.Content.Only(timeFields(p.Kind))
			delete(loser, "recurrence")
			loser.PutText("recurrence", onlyRule(p.CRM.Content.Text("recurrence")))
			loser.Put("overrides", o)
		}
		maps.Copy(out, values(t, p.Kind, loser))
	}
	return out
}

func onlyRule(lines string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(lines, "\n"), func(l string) bool { return !strings.HasPrefix(l, "RRULE") }), "\n")
}

// I1, I2, I4: applied, both sides say the same but for what is asked; the next
// plan is quiet; and every value that somebody entered is on both sides, or on
// its own if that is asked about, or kept as a conflict.
func TestMergeLosesNothingUnderAnyRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, p := story(t)
		built := Build(in)
		after := asked(apply(p, built), built)
		in.Pairs = []Pair{after}
		if again := Build(in); len(again.Writes)+len(again.Conflicts) != 0 {
			t.Fatalf("the second plan writes %+v, conflicts %+v", again.Writes, again.Conflicts)
		}
		crm, mail := values(t, p.Kind, after.CRM.Content), values(t, p.Kind, after.Mail.Content)
		if len(after.Conflicts) == 0 && !maps.Equal(crm, mail) {
			t.Fatalf("the sides say\n%v\n%v", crm, mail)
		}
		lost := kept(t, p, built.Conflicts)
		for side, now := range map[model.Side]model.Content{model.CRM: p.CRM.Content, model.Mail: p.Mail.Content} {
			was, own := map[string]bool{}, crm
			if p.CRMBase != nil {
				was = values(t, p.Kind, p.CRMBase.Content)
			}
			if side == model.Mail {
				own = mail
			}
			for v := range values(t, p.Kind, now) {
				if was[v] || crm[v] && mail[v] || lost[v] || own[v] && len(after.Conflicts) > 0 {
					continue
				}
				t.Fatalf("%q of the %s is lost; the sides say\n%v\n%v\nkept %v\n%+v", v, side, crm, mail, lost, built.Conflicts)
			}
		}
	})
}

// I9: with the sides exchanged the plan is the same, but for who leads.
func TestMergeIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, p := story(t)
		rule := in.Policy.Kinds[p.Kind]
		rule.Wins = rapid.SampledFrom([]string{"crm", "mail"}).Draw(t, "clear winner") // the fallback of the other rules is not symmetric
		in.Policy.Kinds[p.Kind] = rule
		one := Build(in)
		two := Build(mirrored(in, p))
		a, b := apply(p, one), apply(mirrored(in, p).Pairs[0], two)
		if x, y := values(t, p.Kind, a.CRM.Content), values(t, p.Kind, b.Mail.Content); !maps.Equal(x, y) {
			t.Fatalf("the CRM would say\n%v\nand as a mailbox\n%v", x, y)
		}
		if x, y := values(t, p.Kind, a.Mail.Content), values(t, p.Kind, b.CRM.Content); !maps.Equal(x, y) {
			t.Fatalf("the mailbox would say\n%v\nand as a CRM\n%v", x, y)
		}
		if len(one.Conflicts) != len(two.Conflicts) {
			t.Fatalf("conflicts %+v and %+v", one.Conflicts, two.Conflicts)
		}
	})
}

// Build is total: whatever a pair looks like, it is answered by one change or by
// writes, for exactly its entity; and the order of the pairs does not matter.
func TestBuildAnswersEveryPair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := story(t)
		in.Pairs = nil
		for i := range rapid.IntRange(1, 4).Draw(t, "pairs") {
			_, p := story(t)
			p.Entity = model.EntityID(fmt.Sprint("e", i))
			p.Lead = rapid.Bool().Draw(t, "leads")
			p.CRM, p.Mail = seenAnyhow(t, p.CRM), seenAnyhow(t, p.Mail)
			p.Conflicts = rapid.SampledFrom([][]OpenConflict{nil, {
				{ID: "q", Field: "notes", Loser: text("notes", "x1")}}, {{ID: "l", Field: "notes", Winner: model.CRM, Loser: text("notes", "y"), Take: TakeLoser}},
				{{ID: "o", Field: "overrides", Winner: model.Mail, Loser: text("overrides", "BEGIN:VEVENT\r\nEND:VEVENT\r\n"), Take: TakeLoser}},
			}).Draw(t, "conflicts")
			p.State = rapid.SampledFrom([]State{Unlinked, Linked, Waiting, Skipped, Kept, Review, SetAside, Returned, Copied}).Draw(t, "state")
			in.Pairs = append(in.Pairs, p)
		}
		built := Build(in)
		answers := map[model.EntityID]int{}
		for _, c := range built.Changes {
			answers[c.Entity] += 10
		}
		for _, w := range built.Writes {
			answers[w.Entity]++
		}
		for _, p := range in.Pairs {
			if n := answers[p.Entity]; n != 10 && n != 1 && n != 2 {
				t.Fatalf("%s is answered by %d changes and %d writes", p.Entity, n/10, n%10)
			}
		}
		slices.Reverse(in.Pairs)
		a, b := NewHash(), NewHash()
		a.Add(built.Writes...)
		b.Add(Build(in).Writes...)
		if a.String() != b.String() {
			t.Fatal("the order of the pairs changed the plan")
		}
	})
}

// seenAnyhow is a side as it may be found.
func seenAnyhow(t *rapid.T, s *Seen) *Seen {
	c := *s
	switch rapid.SampledFrom([]string{"there", "there", "there", "unmapped", "gone", "ageing", "left", "broken", "read-only"}).Draw(t, "found") {
	case "unmapped":
		return nil
	case "gone":
		c.Gone, c.Settled = true, true
	case "ageing":
		c.Gone = true
	case "left":
		c.Left = true
	case "broken":
		c.Trouble = "line 7"
	case "read-only":
		c.ReadOnly = true
	}
	return &c
}

// Whatever stands in the time fields, Build answers, both sides come to agree,
// and the next plan is quiet.
func TestOddSeriesConverge(t *testing.T) {
	odd := func(t *rapid.T, who string) model.Content {
		return text("title", "Round",
			"start", rapid.SampledFrom([]string{"", "soon", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00", "2026-03-02", "0000-00-00"}).Draw(t, who+" start"),
			"end", rapid.SampledFrom([]string{"", "later", "2026-03-02T07:00:00Z", "2026-03-02T09:00:00", "2026-03-05"}).Draw(t, who+" end"),
			"time_zone", rapid.SampledFrom([]string{"", "Europe/Berlin", "Nowhere/At all", "../etc"}).Draw(t, who+" zone"),
			"recurrence", rapid.SampledFrom([]string{"", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=SECONDLY", "RRULE:FREQ=DAILY;COUNT=100000000", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
				"EXDATE:20260309T080000Z", "EXDATE:never\nRRULE:FREQ=DAILY", "RDATE;VALUE=PERIOD:20260310T080000Z/PT2H", "END:VEVENT\nBEGIN:VEVENT", "nonsense"}).Draw(t, who+" rule"),
			"overrides", rapid.SampledFrom([]string{"", "nonsense", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", "BEGIN:VEVENT\r\nRECURRENCE-ID:20260309T080000Z\r\nSUMMARY:x",
				renamed("20260309T090000", "x"), renamed("20260309T090000", "x") + renamed("20260309T090000", "y")}).Draw(t, who+" overrides"))
	}
	rapid.Check(t, func(t *rapid.T) {
		p := linked(model.Event, odd(t, "was"), odd(t, "crm"), odd(t, "mail"))
		if rapid.Bool().Draw(t, "never agreed") {
			p.CRMBase, p.MailBase, p.State = nil, nil, Unlinked
		}
		after := apply(p, Build(world(p)))
		if again := Build(world(after)); len(again.Writes)+len(again.Conflicts) != 0 {
			t.Fatalf("the second plan writes %+v", again.Writes)
		}
		if !(&builder{in: world()}).sameSeries(model.Event, after.CRM.Content, after.Mail.Content) &&
			len(model.Differing(after.CRM.Content, after.Mail.Content)) > 0 {
			t.Fatalf("the sides hold\n%q\n%q", after.CRM.Content, after.Mail.Content)
		}
	})
}
