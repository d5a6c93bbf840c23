package plan_test

import (
	"testing"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// snapshotOf is a pair whose sides both changed, and one that the CRM deleted.
func snapshotOf(s *plan.Snapshot) plan.Plan {
	said := func(notes string) model.Content {
		c := model.Content{}
		c.PutText("full_name", "Bob")
		c.PutText("notes", notes)
		return c
	}
	seen := func(side model.Side, key, notes string) *plan.Seen {
		return &plan.Seen{Ref: model.Ref{Side: side, Kind: model.Contact, ID: string(side) + key, Version: "1"}, Key: key, Content: said(notes)}
	}
	base := &plan.Base{Key: "base", Content: said("base")}
	gone := seen(model.CRM, "base", "base")
	gone.Gone, gone.Settled = true, true
	return plan.Build(plan.Input{
		Policy: model.Policy{Name: "p"}.Complete(), Initialized: true, Now: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC),
		Fields: map[model.Kind][]string{model.Contact: {"full_name", "notes", "job_title"}}, Snapshot: s,
		Pairs: []plan.Pair{
			{Entity: "both", Kind: model.Contact, State: plan.Linked, Lead: true, CRM: seen(model.CRM, "c", "crm"), Mail: seen(model.Mail, "m", "mail"), CRMBase: base, MailBase: base},
			{Entity: "deleted", Kind: model.Contact, State: plan.Linked, Lead: true, CRM: gone, Mail: seen(model.Mail, "base", "base"), CRMBase: base, MailBase: base},
		},
	})
}

// N-12: only the target is written, by the conflict rule, and nothing is deleted;
// what is left out comes up again after the snapshot.
func TestASnapshotWritesItsTargetOnly(t *testing.T) {
	all := snapshotOf(nil)
	if len(all.Writes) != 2 || all.Writes[0].Side != model.Mail || all.Writes[1].Op.Action != model.Delete {
		t.Fatalf("without a snapshot: %+v", all.Writes)
	}
	in := snapshotOf(&plan.Snapshot{Target: model.CRM})
	if len(in.Writes) != 0 || len(in.Conflicts) != 0 {
		t.Errorf("inbound: %+v, conflicts %+v", in.Writes, in.Conflicts)
	}
	if len(in.Changes) != 2 || in.Changes[0].Recheck != plan.AfterSnapshot() || in.Changes[0].CRMKey != nil {
		t.Errorf("inbound: %+v", in.Changes)
	}
	out := snapshotOf(&plan.Snapshot{Target: model.Mail})
	if len(out.Writes) != 1 || !out.Writes[0].Final || len(out.Conflicts) != 1 {
		t.Errorf("outbound: %+v, conflicts %+v", out.Writes, out.Conflicts)
	}
	over := snapshotOf(&plan.Snapshot{Target: model.CRM, Overwrite: true})
	if len(over.Writes) != 1 || over.Writes[0].Side != model.CRM || over.Writes[0].Op.Content.Text("notes") != "mail" {
		t.Errorf("overwriting: %+v", over.Writes)
	}
}

// B21: coming appointments first, the nearest before others.
func TestTheNearestDatesComeFirst(t *testing.T) {
	now := time.Date(2031, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(start string) int64 {
		c := model.Content{}
		c.PutText("start", start)
		place, _ := plan.SnapshotPlace(model.Event, c, time.Time{}, time.Time{}, now)
		return place
	}
	undated, _ := plan.SnapshotPlace(model.Contact, model.Content{}, time.Time{}, time.Time{}, now)
	order := []int64{at("2031-03-02T09:00:00Z"), at("2031-03-14T09:00:00Z"), at("2032-03-14T09:00:00Z"), undated, at("2031-02-01T09:00:00Z"), at("2030-02-01T09:00:00Z")}
	for i := 1; i < len(order); i++ {
		if order[i-1] >= order[i] {
			t.Errorf("the places are %v", order)
		}
	}
	if _, wanted := plan.SnapshotPlace(model.Contact, model.Content{}, now.AddDate(0, 0, -2), now.AddDate(0, 0, -1), now); wanted {
		t.Error("what changed before the day is wanted")
	}
}
