package activities_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/model"
)

// In black-out hours no round begins, whoever asks for it, and no system is
// reached; the next one comes when they are over. At night rounds are rarer.
func TestScheduleOfAPolicy(t *testing.T) {
	h := build(t, design{kinds: []model.Kind{model.Contact}, policy: func(p *model.Policy) {
		p.Schedule = model.Schedule{
			Peak: []model.Hours{{From: "08:00", To: "18:00"}}, OffPeak: model.Duration(2 * time.Hour),
			BlackOut: []model.Hours{{From: "22:00", To: "04:00"}},
		}
	}})
	defer h.close()
	h.gate.quiet = true
	bob(h)
	h.settle()
	for _, c := range []struct {
		at          int // o'clock
		least, most time.Duration
		read        bool
	}{
		{9, 4 * time.Minute, 6 * time.Minute, true},
		{19, 110 * time.Minute, 130 * time.Minute, true},
		{21, 6 * time.Hour, 8 * time.Hour, true}, // its next round would fall into the black-out
		{23, 4*time.Hour + 59*time.Minute, 5*time.Hour + time.Minute, false},
	} {
		h.clock.now = time.Date(2031, 3, 3, c.at, 0, 0, 0, time.UTC)
		before := h.mail.Requests()["changes"]
		out, err := h.acts.Fetch(context.Background(), activities.FetchIn{Mailbox: h.box("ada").id, Generation: h.box("ada").generation})
		h.must(err)
		if out.Next < c.least || out.Next > c.most {
			t.Errorf("at %d o'clock: next in %s", c.at, out.Next)
		}
		if read := h.mail.Requests()["changes"] > before; read != c.read || strings.Contains(out.Noticed, "Black-out hours") == c.read {
			t.Errorf("at %d o'clock: read %v, says %q", c.at, read, out.Noticed)
		}
	}
}
