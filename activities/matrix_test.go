package activities_test

import (
	"slices"
	"testing"
	"time"

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
	met    int // calls that met it
	alerts []store.Alert
	issues []store.IssueRow
}

// suffer lets every call of one sort on one side meet a declared error, for as
// long as it takes.
func suffer(t *testing.T, e issue.Entry, side model.Side, call string) suffered {
	t.Helper()
	d := contacts()
	d.crm.Refuse = func(op model.Operation) bool { // what it refuses is marked in the mailbox
		return call == "mark" && op.Action != model.Delete && op.Content.Text("full_name") == "Cher"
	}
	d.crm.Refs, d.mail.Refs = call == "fetch", call == "fetch"
	h := build(t, d)
	h.settle()
	h.clock.advance(31 * 24 * time.Hour) // an audit is due
	h.inMail("ada", model.Contact, person("Grace Hopper", "grace@example.com"))
	h.inMail("ada", model.Contact, person("Cher", "cher@example.com"))
	h.inCRM(model.Contact, "ada", person("Alan Turing", "alan@example.com"))
	out := suffered{house: h}
	lose := call == "find" // what is looked up by key is a create whose answer was lost
	h.gate.spoil = func(p memory.Point) error {
		switch {
		case lose && p.Side == side && p.Call == "apply" && p.After:
			lose = false
			f := issue.Fault("dav.cancelled") // of one mailbox: no reason to take the system for down
			f.Side, f.Evidence = side, proof
			return f
		case p.Side != side || p.Call != call || p.After:
			return nil
		}
		out.met++
		f := issue.Fault(e.Code)
		f.Side, f.Evidence = side, proof
		return f
	}
	for range 3 {
		h.pass()
		h.turn(0)
	}
	var err error
	out.alerts, err = h.db.Alerts(t.Context(), store.AlertFilter{Over: true})
	h.must(err)
	out.issues, err = h.db.FindIssues(t.Context(), store.IssueFilter{Closed: true})
	h.must(err)
	return out
}

// everyCall is what a round and a feed ask each side for.
func everyCall() map[model.Side][]string {
	calls := []string{"open", "collections", "probe", "changes", "list", "fetch", "find", "apply"}
	return map[model.Side][]string{model.Mail: append(slices.Clone(calls), "mark"), model.CRM: calls}
}

// wantCoded wants everything that people are told to have a declared code and
// the raw evidence.
func (s suffered) wantCoded(t *testing.T, where string) {
	t.Helper()
	for _, a := range s.alerts {
		if a.Code == "memory.lost" { // that was to come before it
			continue
		}
		if _, ok := issue.Lookup(a.Code); !ok || a.Evidence != proof || a.Message == "" || a.Side == "" {
			t.Errorf("%s: the sync error %+v is not coded", where, a)
		}
	}
	for _, i := range s.issues {
		if i.Code == "memory.rule" && s.house.design.crm.Refuse != nil && i.Evidence == "" { // the reason for a mark
			continue
		}
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
			calls = everyCall()
			if seen[e.Class] == nil {
				seen[e.Class] = map[fault.Scope]bool{}
			}
			seen[e.Class][e.Scope] = true
		}
		for _, side := range []model.Side{model.Mail, model.CRM} {
			for _, call := range calls[side] {
				where := e.Code + " at " + string(side) + " " + call
				s := suffer(t, e, side, call)
				if s.met == 0 {
					t.Errorf("%s: no such call was made", where)
				}
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
	case e.Scope == fault.Collection && rule.Raises == fault.Issue && call == "changes" && side == model.Mail:
		if !slices.ContainsFunc(s.issues, func(i store.IssueRow) bool { return i.Code == e.Code && i.Open && i.Side == side }) {
			t.Errorf("%s: the collection is no issue", where)
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
