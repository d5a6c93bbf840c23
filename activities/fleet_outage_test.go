package activities_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const (
	tenThousand = 10000
	aThousand   = 1000
)

func dead() *fault.Fault { return issue.Fault("dav.timeout") }

// N-03, decision 11: a server with ten thousand mailboxes is dead for three hours.
// One event, one prober, one alert, a handful of requests; nobody is disabled;
// then they come back one after the other, those in need first.
func TestTenThousandMailboxesOnADeadServer(t *testing.T) {
	f := newFleet(t, tenThousand, model.OutageWait)
	if n := f.within(f.now.Add(-5*time.Minute), 5*time.Minute); n < tenThousand {
		t.Fatalf("only %d requests in an interval of peace", n)
	}
	began := f.now
	f.down, f.fetches = dead, 0
	f.run(began.Add(30 * time.Minute))
	needy := f.change(20)
	f.run(began.Add(3 * time.Hour))

	// A worker with 32 places can have 32 requests under way when the third has
	// timed out; everything after that is the prober's.
	first := f.within(began, time.Minute)
	if first > 32+fault.Witnesses+5 {
		t.Errorf("%d requests in the first minute", first)
	}
	most := 0
	for at := began.Add(time.Minute); at.Before(f.now); at = at.Add(time.Minute) {
		most = max(most, f.within(at, time.Minute))
	}
	if most > 3 {
		t.Errorf("%d requests in one minute of the outage", most)
	}
	alerts := f.alerts()
	own := slices.DeleteFunc(slices.Clone(alerts), func(a store.Alert) bool { return a.Mailbox != "" })
	if len(own) != 1 || own[0].State != store.AlertOpen || own[0].Connection != f.mailID || own[0].Code != "dav.timeout" {
		t.Errorf("alerts of the connection: %+v", own)
	}
	if counted := len(alerts) - len(own); counted > fault.Witnesses || slices.ContainsFunc(alerts, func(a store.Alert) bool { return a.Mailbox != "" && a.State == store.AlertOpen }) {
		t.Errorf("%d mailboxes have alerts of their own: %+v", counted, alerts)
	}
	if k := f.circuit(); k.Opened != 1 || k.State != model.CircuitOpen || f.alarms != 1 {
		t.Errorf("opened %d times, the prober was told %d times", k.Opened, f.alarms)
	}
	if stored, _ := f.states(); stored[model.Active] != tenThousand {
		t.Errorf("mailboxes are %v", stored)
	}
	t.Logf("three hours: %d requests in all, %d in the first minute, at most %d in any other; %d looks at our own store",
		f.within(began, 3*time.Hour), first, most, f.fetches)

	f.down, f.back = nil, nil
	f.run(f.now.Add(30 * time.Minute))
	f.wantBack(tenThousand, needy)
	over := f.alerts()
	if len(over) != 1 || over[0].State != store.AlertOver {
		t.Errorf("alerts in the end: %+v", over)
	}
}

// change has something happen in the CRM for a few mailboxes.
func (f *fleet) change(n int) []model.MailboxID {
	var out []model.MailboxID
	for i := range n {
		id := model.MailboxID(fmt.Sprintf("mbx-%05d", tenThousand-1-311*i))
		f.crm.At("").Create(memory.Draft{Kind: model.Contact, Owner: string(id), Content: person("Somebody", "somebody@example.com")})
		out = append(out, id)
	}
	return out
}

// wantBack wants all mailboxes to have come back, spread out and in order.
func (f *fleet) wantBack(size int, needy []model.MailboxID) {
	f.t.Helper()
	closed := f.circuit().Closed
	seen, first := map[model.MailboxID]bool{}, []comeback{}
	for _, c := range f.back {
		if !seen[c.id] {
			seen[c.id] = true
			first = append(first, c)
		}
	}
	if len(first) != size {
		f.t.Fatalf("%d mailboxes came back", len(first))
	}
	perSecond := map[int64]int{}
	for _, c := range first {
		perSecond[c.at.Unix()]++
	}
	most := 0
	for _, n := range perSecond {
		most = max(most, n)
	}
	if rate := int(time.Second / activities.TurnGap); most > rate*3/2 { // some come by themselves when their turn is
		f.t.Errorf("%d mailboxes came back in one second, want %d", most, rate)
	}
	for _, c := range first[:len(needy)] {
		if !slices.Contains(needy, c.id) {
			f.t.Errorf("%s came back before those for which something waited", c.id)
		}
	}
	took := first[len(first)-1].at.Sub(closed)
	if took > 10*time.Minute {
		f.t.Errorf("the last came back after %v", took)
	}
	f.t.Logf("all came back within %v, at most %d in a second", took.Round(time.Second), most)
}

// D-32, D-33: with outage: disable the connection, and every mailbox with it, is
// disabled after ten attempts five minutes apart, though no row of a mailbox says
// so. It stays so when the server is back, until somebody has tested it.
func TestAThousandMailboxesAreDisabledByOneRow(t *testing.T) {
	f := newFleet(t, aThousand, model.OutageDisable)
	began := f.now
	f.down = dead
	f.run(began.Add(45 * time.Minute))
	if k := f.circuit(); k.Permanent || k.Probes != 8 {
		t.Errorf("before the tenth attempt: %+v", k)
	}
	f.run(began.Add(50 * time.Minute))
	stored, standing := f.states()
	if k := f.circuit(); !k.Disabled() || k.Probes != 9 || stored[model.Active] != aThousand || standing[model.Disabled] != aThousand {
		t.Errorf("after the tenth: %+v, stored %v, standing %v", k, stored, standing)
	}
	before := f.within(began, 24*time.Hour)
	f.down = nil
	f.run(began.Add(8 * time.Hour))
	if n := f.within(began, 24*time.Hour) - before; n != 0 || !f.circuit().Disabled() {
		t.Errorf("%d requests to a server that is disabled", n)
	}
	f.back = nil
	_, err := f.db.Recover(t.Context(), f.mailID, 0, f.now, activities.TurnGap) // what `connection test` does
	f.must(err)
	f.must(f.WakeConnection(t.Context(), f.mailID))
	f.run(f.now.Add(30 * time.Minute))
	f.wantBack(aThousand, nil)
	if alerts := f.alerts(); len(alerts) != 1 || alerts[0].State != store.AlertOver {
		t.Errorf("alerts in the end: %+v", alerts)
	}
}
