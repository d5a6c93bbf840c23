package plan

import (
	"strings"
	"testing"

	"lockstep.dev/model"
)

// B3: over all mailboxes of a connection 50 deletions are always believed, and
// 500 or 2 % of what is linked never.
func TestBrakeOfAConnection(t *testing.T) {
	crm := model.Connection{Name: "sales", Side: model.CRM}
	for _, c := range []struct {
		gone, linked int
		hit          bool
	}{
		{50, 50, false}, {51, 51, true}, {51, 2500, true}, {51, 2550, false}, {500, 25000, false}, {501, 0, true}, {60, 3000, false}, {61, 3000, true},
	} {
		b, hit := Wide(crm, Losses{Gone: c.gone, Linked: c.linked})
		if hit != c.hit || b.Side != model.Mail || !strings.Contains(b.Why, "sales") {
			t.Errorf("%+v: hit %v by %+v", c, hit, b)
		}
	}
}

// The brake holds what follows a deletion, of every kind, and nothing else: no
// withdrawal of a private item, and nothing on which a person decided.
func TestTheBrakeOfAConnectionHoldsWhatFollows(t *testing.T) {
	b, _ := Wide(model.Connection{Name: "sales", Side: model.CRM}, Losses{Gone: 501})
	gone := model.Ref{Side: model.CRM, ID: "1"}
	del := Write{Side: model.Mail, Kind: model.Event, MustBeGone: &gone, Op: model.Operation{Action: model.Delete}}
	confirmed, withdrawal, other, create := del, del, del, del
	confirmed.Confirmed, withdrawal.MustBeGone, other.Side, create.Op.Action = true, nil, model.CRM, model.Create
	for name, c := range map[string]struct {
		w    Write
		held bool
	}{"deletion": {del, true}, "confirmed": {confirmed, false}, "withdrawal": {withdrawal, false}, "other side": {other, false}, "create": {create, false}} {
		if got := Holds([]Brake{b}, c.w) != ""; got != c.held {
			t.Errorf("%s: held %v", name, got)
		}
	}
	var tally Tally
	tally.Add([]Write{confirmed, withdrawal})
	if tally.Follows(model.Mail) {
		t.Error("a confirmed deletion or a withdrawal is counted")
	}
	if tally.Add([]Write{del}); !tally.Follows(model.Mail) || tally.Follows(model.CRM) {
		t.Error("a deletion is not counted on its side")
	}
}
