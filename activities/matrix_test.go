package activities_test

import (
	"slices"
	"testing"

	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// proof is what a system showed with a fault.
const proof = "HTTP 500; Server: Kerio Connect 9.0.3"

// suffered is what became of a fault that hit every call of one sort.
type suffered struct {
	house  *house
	alerts []store.Alert
	issues []store.IssueRow
}

// suffer lets every call of one sort on one side meet a declared error, for as
// long as it takes.
func suffer(t *testing.T, e issue.Entry, side model.Side, call string) suffered {
	t.Helper()
	h := build(t, design{people: []string{"ada"}, kinds: []model.Kind{model.Contact}})
	h.settle()
	h.inMail("ada", model.Contact, person("Grace Hopper", "grace@example.com"))
	h.inCRM(model.Contact, "ada", person("Alan Turing", "alan@example.com"))
	h.gate.spoil = func(p memory.Point) error {
		if p.Side != side || p.Call != call || p.After {
			return nil
		}
		f := issue.Fault(e.Code)
		f.Side, f.Evidence = side, proof
		return f
	}
	for range 3 {
		h.pass()
		h.turn(0)
	}
	var out suffered
	var err error
	out.house = h
	out.alerts, err = h.db.Alerts(t.Context(), store.AlertFilter{Over: true})
	h.must(err)
	out.issues, err = h.db.FindIssues(t.Context(), store.IssueFilter{Closed: true})
	h.must(err)
	return out
}

// wantCoded wants everything that people are told to have a declared code and
// the raw evidence.
func (s suffered) wantCoded(t *testing.T, where string) {
	t.Helper()
	for _, a := range s.alerts {
		if _, ok := issue.Lookup(a.Code); !ok || a.Evidence != proof || a.Message == "" || a.Side == "" {
			t.Errorf("%s: the sync error %+v is not coded", where, a)
		}
	}
	for _, i := range s.issues {
		if _, ok := issue.Lookup(i.Code); !ok || i.Evidence != proof || i.Message == "" {
			t.Errorf("%s: the issue %+v is not coded", where, i)
		}
	}
}

// B9, S-08, S-09: every class of trouble in every scope at every call of both
// sides is coded, names its side, keeps the raw evidence, and leads to what the
// one table says. Texts that only later connectors raise are raised here, too.
func TestFaultMatrix(t *testing.T) {
	seen := map[fault.Class]map[fault.Scope]bool{}
	for _, e := range issue.All() {
		calls := map[model.Side][]string{model.Mail: {"changes"}}
		if !seen[e.Class][e.Scope] {
			calls = map[model.Side][]string{
				model.Mail: {"open", "collections", "changes", "apply"}, model.CRM: {"open", "collections", "changes", "apply"},
			}
			if seen[e.Class] == nil {
				seen[e.Class] = map[fault.Scope]bool{}
			}
			seen[e.Class][e.Scope] = true
		}
		for _, side := range []model.Side{model.Mail, model.CRM} {
			for _, call := range calls[side] {
				where := e.Code + " at " + string(side) + " " + call
				s := suffer(t, e, side, call)
				s.wantCoded(t, where)
				s.wantTold(t, e, side, call, where)
			}
		}
	}
	if len(seen) != len(fault.Classes()) {
		t.Errorf("only %d classes are declared", len(seen))
	}
}

// wantTold wants a sync error where the table says that nothing can go on, and
// none where it is ordinary life.
func (s suffered) wantTold(t *testing.T, e issue.Entry, side model.Side, call, where string) {
	t.Helper()
	rule := e.Rule()
	told := slices.ContainsFunc(s.alerts, func(a store.Alert) bool { return a.Code == e.Code && a.Side == side })
	switch {
	case call == "collections": // asked once a day
	case rule.Benign && e.Scope.Wide():
		if told {
			t.Errorf("%s: people are told of ordinary life", where)
		}
	case !e.Scope.Wide(): // ends the step, or concerns one collection only
	case !told:
		t.Errorf("%s: nobody is told; the log:\n%s", where, s.house.logged.String())
	case call == "changes" && side == model.Mail && issue.Fault(e.Code).Opens():
		c, err := s.house.db.Connection(t.Context(), s.house.mailID)
		if err != nil || c.Circuit.Disabled() != rule.Stops || !c.Circuit.Down() {
			t.Errorf("%s: the connection is %+v (%v)", where, c.Circuit, err)
		}
	case call == "changes" && side == model.Mail && (rule.Stops || rule.Counted) && s.house.boxes[0].state != model.Disabled:
		t.Errorf("%s: the mailbox is %s", where, s.house.boxes[0].state)
	}
}
