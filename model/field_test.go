package model_test

import (
	"testing"

	"lockstep.dev/model"
)

// Attendees hear of what changes their meeting, not of one another's answers.
func TestSignificant(t *testing.T) {
	meeting := func(status, role, state string) model.Content {
		c := model.Content{}
		c.PutText("title", "Review")
		c.PutText("status", state)
		c.PutSet("attendees", []model.Element{{Key: "bob@example.com", Attr: map[string]string{"status": status, "role": role}}})
		return c
	}
	have := meeting("", "", "")
	for _, c := range []struct {
		want    model.Content
		changed string
		heard   bool
	}{
		{meeting("accepted", "", ""), "attendees", false},
		{meeting("", "optional", ""), "attendees", true},
		{model.Content{}, "attendees", true},
		{meeting("", "", "cancelled"), "status", true},
		{meeting("", "", ""), "title", true},
		{meeting("", "", ""), "alarms", false},
		{meeting("", "", ""), "url", false},
	} {
		if got := model.Significant(model.Event, have, c.want, []string{c.changed}); got != c.heard {
			t.Errorf("%s to %s: %v", c.changed, c.want.Encode(), got)
		}
	}
	if !model.Significant(model.Event, nil, have, have.Fields()) {
		t.Error("a new meeting is news")
	}
}
