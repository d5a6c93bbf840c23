package activities

import (
	"testing"

	"go.uber.org/mock/gomock"

	"lockstep.dev/connector"
	"lockstep.dev/connector/connectormock"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// Algorithm 1.7: what must be gone is asked for again right before the write,
// once per side and batch, and only where a write depends on it.
func TestWhatCameBackIsNotDeletedElsewhere(t *testing.T) {
	control := gomock.NewController(t)
	crm, mail := connectormock.NewMockSession(control), connectormock.NewMockSession(control)
	ap := applier{
		crm:  side{Session: crm, caps: connector.Capabilities{Side: model.CRM}},
		mail: side{Session: mail, caps: connector.Capabilities{Side: model.Mail}},
	}
	back := model.Ref{Side: model.CRM, Kind: model.Task, ID: "came-back", Version: "1"}
	gone := model.Ref{Side: model.CRM, Kind: model.Task, ID: "gone", Version: "1"}
	again := back
	again.Version = "2"
	crm.EXPECT().Fetch(gomock.Any(), []model.Ref{back, gone}).Return([]model.Item{{Ref: again}}, nil)
	batch := []store.Planned{
		{Number: 1, Write: plan.Write{MustBeGone: &back}},
		{Number: 2, Write: plan.Write{MustBeGone: &gone}},
		{Number: 3},
	}
	rest, dropped, err := ap.stillGone(t.Context(), batch)
	if err != nil || len(rest) != 2 || rest[0].Number != 2 || rest[1].Number != 3 {
		t.Errorf("rest %+v, %v", rest, err)
	}
	if len(dropped) != 1 || dropped[0].Planned.Number != 1 || !dropped[0].Again {
		t.Errorf("dropped %+v", dropped)
	}
}
