package plan

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lockstep.dev/model"
)

// anyContact draws a small contact, so that two draws often agree.
func anyContact() *rapid.Generator[model.Content] {
	return rapid.Custom(func(t *rapid.T) model.Content {
		c := model.Content{}
		for _, f := range []string{"full_name", "job_title", "notes"} {
			c.PutText(f, rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, f))
		}
		var set []model.Element
		for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p@x", "q@x", "r@x"}), 0, 3, rapid.ID).Draw(t, "emails") {
			set = append(set, model.Element{Key: k, Text: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "text")})
		}
		c.PutSet("emails", set)
		return c
	})
}

// apply carries out a plan on one pair as a perfect system would.
func apply(p Pair, plan Plan) Pair {
	for _, w := range plan.Writes {
		s := &p.CRM
		if w.Side == model.Mail {
			s = &p.Mail
		}
		*s = seen(w.Side, p.Kind, w.Op.Content)
	}
	p.CRMBase, p.MailBase, p.State = base(p.CRM.Content), base(p.Mail.Content), Linked
	return p
}

// I1, I2: after a plan is applied both sides hold the same, and the next plan
// writes nothing. I4: every edit is on both sides or in a conflict.
func TestMergeConvergesAndLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := linked(model.Contact, anyContact().Draw(t, "was"), anyContact().Draw(t, "crm"), anyContact().Draw(t, "mail"))
		if rapid.Bool().Draw(t, "never agreed") {
			p.CRMBase, p.MailBase, p.State = nil, nil, Unlinked
		}
		built := Build(world(p))
		after := apply(p, built)
		if d := model.Differing(after.CRM.Content, after.Mail.Content); len(d) > 0 {
			t.Fatalf("sides differ in %v after the plan", d)
		}
		if again := Build(world(after)); len(again.Writes) != 0 {
			t.Fatalf("the second plan writes %+v", again.Writes)
		}
		kept := fmt.Sprint(after.CRM.Content, built.Conflicts)
		for side, now := range map[string]model.Content{"crm": p.CRM.Content, "mail": p.Mail.Content} {
			was := model.Content{}
			if p.CRMBase != nil {
				was = p.CRMBase.Content
			}
			for _, f := range []string{"full_name", "job_title", "notes"} {
				edited := now[f].Text
				if edited == "" || now[f].Equal(was[f]) || after.CRM.Content.Text(f) == edited {
					continue
				}
				if !slices.ContainsFunc(built.Conflicts, func(c EditConflict) bool { return c.Field == f && c.Loser.Text(f) == edited }) {
					t.Fatalf("the %s side's edit of %s to %q is lost: %s", side, f, edited, kept)
				}
			}
		}
	})
}

// I7 for the merge: dying between the two writes of a pair and merging again
// gives the same contents.
func TestMergeAgainAfterTheFirstWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := linked(model.Contact, anyContact().Draw(t, "was"), anyContact().Draw(t, "crm"), anyContact().Draw(t, "mail"))
		built := Build(world(p))
		whole := apply(p, built)
		if len(built.Writes) == 2 {
			half := p
			half.CRM = seen(model.CRM, p.Kind, built.Writes[0].Op.Content)
			again := apply(half, Build(world(half)))
			if d := model.Differing(again.Mail.Content, whole.Mail.Content); len(d) > 0 {
				t.Fatalf("fields %v differ from the unkilled run", d)
			}
		}
	})
}

// I8, I13: the order of the input does not matter.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pairs []Pair
		for i := range rapid.IntRange(1, 6).Draw(t, "n") {
			p := linked(model.Contact, anyContact().Draw(t, "was"), anyContact().Draw(t, "crm"), anyContact().Draw(t, "mail"))
			p.Entity = model.EntityID(fmt.Sprintf("e%d", i))
			pairs = append(pairs, p)
		}
		a, b := NewHash(), NewHash()
		a.Add(Build(world(pairs...)).Writes...)
		slices.Reverse(pairs)
		b.Add(Build(world(pairs...)).Writes...)
		if a.String() != b.String() {
			t.Fatal("the order of the pairs changed the plan")
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	const links = 100_000
	pairs := make([]Pair, links)
	was := text("full_name", "Bob Stone", "notes", "old")
	for i := range pairs {
		pairs[i] = linked(model.Contact, was, was, was)
		pairs[i].Entity = model.EntityID(fmt.Sprintf("e%06d", i))
		if i%100 == 0 {
			pairs[i].CRM = seen(model.CRM, model.Contact, text("full_name", "Bob Stone", "notes", "new"))
		}
	}
	in := world(pairs...)
	b.ReportAllocs()
	for b.Loop() {
		Build(in)
	}
	b.ReportMetric(float64(links)*float64(b.N)/b.Elapsed().Seconds(), "links/s")
}
