package plan

import (
	"fmt"
	"slices"

	"lockstep.dev/model"
)

// never is the number of writes up to which no brake holds them: so few can be
// one person's work of a minute.
const never = 5

// Brake holds writes that are too many to be believed (algorithm 1.8,
// requirement B3): all of one side and kind with one action, or those updates
// that change one field. The rest of the work goes on.
type Brake struct {
	Side   model.Side
	Kind   model.Kind
	Action model.Action
	Field  string // updates: the field that all of them change
	Echo   bool   // creates: only those that look like an echo
	Wide   bool   // deletions of every kind, because of all mailboxes of a connection
	Why    string
}

// holds reports whether a write is one of those that wait.
func (b Brake) holds(w Write) bool {
	switch {
	case w.Confirmed || w.Side != b.Side || w.Op.Action != b.Action:
		return false
	case b.Wide:
		return follows(w)
	case w.Kind != b.Kind:
		return false
	case b.Action == model.Update:
		return !w.First && !w.PutBack && slices.Contains(w.Op.Changed, b.Field)
	case b.Action == model.Create:
		return w.Echo
	default:
		return true
	}
}

// Holds returns why a write waits, "" = it does not.
func Holds(brakes []Brake, w Write) string {
	for _, b := range brakes {
		if b.holds(w) {
			return b.Why
		}
	}
	return ""
}

// counter names what is counted: the writes of one side and kind with one
// action, where Field is set those that change it.
type counter struct {
	side   model.Side
	kind   model.Kind
	action model.Action
	field  string
}

// Tally counts, while a plan is being made, what the brakes look at. Its size
// does not depend on that of the plan. The zero value is ready.
type Tally struct {
	n map[counter]int
	// follow counts, per side, deletions that follow one on the other side.
	follow map[model.Side]int
	// withdrawn counts, per kind, withdrawals from the CRM: their links say so
	// already, and are not among those that the census counts.
	withdrawn map[model.Kind]int
	// Doubtful: there are deletions that only a restored backup tells.
	Doubtful bool
}

// OnlyBackup is why a doubtful deletion waits.
const OnlyBackup = "deleted, as far as the backup tells that was restored"

// Add counts writes.
func (t *Tally) Add(writes []Write) {
	if t.n == nil {
		t.n, t.follow, t.withdrawn = map[counter]int{}, map[model.Side]int{}, map[model.Kind]int{}
	}
	for _, w := range writes {
		if w.Confirmed {
			continue // a person has seen it among all the others
		}
		if w.Withdraws && w.Op.Action == model.Delete {
			t.withdrawn[w.Kind]++
		}
		if follows(w) {
			t.follow[w.Side]++
		}
		t.Doubtful = t.Doubtful || w.Doubtful
		c := counter{side: w.Side, kind: w.Kind, action: w.Op.Action}
		switch w.Op.Action {
		case model.Delete:
			t.n[c]++
		case model.Create:
			if w.Echo {
				t.n[c]++
			}
		case model.Update:
			for _, f := range w.Op.Changed {
				if c.field = f; !w.First && !w.PutBack {
					t.n[c]++
				}
			}
		}
	}
}

// Follows reports whether anything counted is a deletion on a side that follows
// one on the other.
func (t *Tally) Follows(side model.Side) bool { return t.follow[side] > 0 }

// Suspicious reports whether there are enough of anything for a brake to look
// at, so that nothing is counted in the store for a plan of a few writes.
func (t *Tally) Suspicious() bool {
	for c, n := range t.n {
		if n > never || c.action == model.Delete && n > 0 {
			return true
		}
	}
	return false
}

// Brakes returns the brakes that what was counted hits, in a fixed order.
func (t *Tally) Brakes(c Census, policy model.Policy) []Brake {
	var out []Brake
	for _, side := range []model.Side{model.CRM, model.Mail} {
		for _, kind := range model.Kinds() {
			for _, b := range append(t.rewrites(side, kind, c), t.deletions(side, kind, c, policy.Kinds[kind]), t.echo(side, kind)) {
				if b.Why != "" {
					out = append(out, b)
				}
			}
		}
	}
	return out
}

// deletions brakes on the deletions of a side and kind.
func (t *Tally) deletions(side model.Side, kind model.Kind, c Census, rule model.KindPolicy) Brake {
	b := Brake{Side: side, Kind: kind, Action: model.Delete}
	n := t.n[counter{side: side, kind: kind, action: model.Delete}]
	total, linked := n+c.Deleted[side][kind], c.Linked[kind]+t.withdrawn[kind]
	source := side.Other()
	switch {
	case n == 0:
	case linked > 1 && c.Present[source][kind] == 0:
		b.Why = fmt.Sprintf("the %s side shows no %s at all any more, while %d are linked", source, kind, linked)
	case total <= never:
	case total >= rule.BrakeCount:
		b.Why = fmt.Sprintf("%d deletions of %ss on the %s side reach the limit of %d", total, kind, side, rule.BrakeCount)
	case linked > 0 && total*100 >= rule.BrakeShare*(linked+c.Deleted[side][kind]):
		b.Why = fmt.Sprintf("%d deletions of %ss on the %s side reach %d %% of the %d linked ones", total, kind, side, rule.BrakeShare, linked)
	}
	return b
}

// rewrites brake on updates: more than half of the linked items of a kind show
// the same field changed on the other side, as after an import gone wrong.
func (t *Tally) rewrites(side model.Side, kind model.Kind, c Census) []Brake {
	var out []Brake
	for _, f := range model.SharedFields(kind) {
		n := t.n[counter{side: side, kind: kind, action: model.Update, field: f}]
		if n > never && n*2 > c.Linked[kind] {
			out = append(out, Brake{Side: side, Kind: kind, Action: model.Update, Field: f, Why: fmt.Sprintf(
				"%d of the %d linked %ss show %s changed on the %s side at once", n, c.Linked[kind], kind, f, side.Other())})
		}
	}
	return out
}

// echoes is how many creates must look like an echo before they wait: a person
// copies an item or two, an import or a client gone wrong copies an address book.
const echoes = 20

// echo brakes on creates of what the side holds already, or held until lately.
func (t *Tally) echo(side model.Side, kind model.Kind) Brake {
	b := Brake{Side: side, Kind: kind, Action: model.Create, Echo: true}
	if n := t.n[counter{side: side, kind: kind, action: model.Create}]; n >= echoes {
		b.Why = fmt.Sprintf("%d new %ss say what the %s side holds already or held until lately", n, kind, side)
	}
	return b
}
