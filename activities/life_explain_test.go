package activities_test

import (
	"context"
	"fmt"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// unexplained wants every item on either side to answer with exactly one reason
// (B8), once everything is quiet: what is in a mailbox to its owner, what is in
// the CRM to everybody who takes part, and to at least one.
func (y *history) unexplained() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf("B8: "+format, args...)) }
	for _, b := range y.boxes {
		for _, it := range y.mail.At(b.address).Items() {
			why := y.why(b, it.Ref)
			if len(why) != 1 || why[0] == "" {
				say("%s of %s answers with %q", it.Ref.ID, b.address, why)
			}
		}
	}
	for _, it := range y.at("").Items() {
		answered := 0
		for _, b := range y.boxes {
			why := y.why(b, it.Ref)
			if len(why) > 1 {
				say("%s in the CRM answers %s with %q", it.Ref.ID, b.address, why)
			}
			answered += len(why)
		}
		if answered == 0 && len(y.boxes) > 0 && len(it.Access) > 0 {
			say("%s in the CRM answers nobody", it.Ref.ID)
		}
	}
	return out
}

// why are the reasons with which one item answers.
func (y *history) why(b *box, ref model.Ref) []store.Why {
	found, err := y.db.Explain(context.Background(), b.id, ref.ID)
	y.must(err)
	var out []store.Why
	for _, e := range found {
		at := e.CRM
		if ref.Side == model.Mail {
			at = e.Mail
		}
		if e.Kind == ref.Kind && at != nil && at.ID == ref.ID {
			out = append(out, e.Answer())
		}
	}
	return out
}
