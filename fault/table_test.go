package fault

import "testing"

// D-30, D-31, D-32: permanent faults stop at once, transient ones are repeated
// and counted, for the mailbox as for the server; nothing that concerns a
// single item or collection ever stops the rest.
func TestTheTableIsTotalAndMakesSense(t *testing.T) {
	for _, s := range Scopes() {
		for _, c := range append(Classes(), "something new") {
			r := RuleOf(c, s)
			where := string(c) + " in scope " + string(s)
			if r.Again == "" || r.Raises == "" || r.Acts == "" {
				t.Errorf("%s is not decided: %+v", where, r)
			}
			if r.Stops && (!s.Wide() || r.Again != Never) {
				t.Errorf("%s stops and yet %+v", where, r)
			}
			if !s.Wide() && r.Raises == Alert || s.Wide() && r.Raises == Issue {
				t.Errorf("%s becomes an %s: S-01 keeps the two apart", where, r.Raises)
			}
			if (r.Raises == Nothing) != (r.Acts == Nobody) || r.Benign != (r.Raises == Nothing) {
				t.Errorf("%s becomes %s and %s acts", where, r.Raises, r.Acts)
			}
			if r.Counted && r.Again != Attempt && r.Again != Round {
				t.Errorf("%s is counted and not tried again", where)
			}
		}
	}
	for _, s := range []Scope{Server, Mailbox} {
		if !RuleOf(Auth, s).Stops || !RuleOf(Denied, s).Stops {
			t.Errorf("a permanent fault in scope %s does not stop", s)
		}
		if r := RuleOf(Transient, s); r.Stops || !r.Counted || r.Again != Attempt {
			t.Errorf("a transient fault in scope %s is %+v", s, r)
		}
		if r := RuleOf(Throttled, s); r.Counted || r.Again != Attempt {
			t.Errorf("throttling in scope %s is %+v", s, r)
		}
	}
}
