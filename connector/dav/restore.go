package dav

import (
	"strings"

	"lockstep.dev/model"
)

// restore writes an object anew that was deleted: its own bytes, under a new key.
// A server that schedules sees a new meeting in it and would invite everybody
// again, so it is told that it does not speak for it (schedule.go).
func (c *converter) restore(op model.Operation, env environment) ([]byte, *failure) {
	raw, fail := c.stamp(op.Raw, op.Ref.Kind, op.Key)
	if fail != nil || op.Ref.Kind == model.Contact || !env.quiet {
		return raw, fail
	}
	doc, fail := open(raw)
	if fail != nil {
		return nil, fail
	}
	edit := doc.Edit()
	for _, part := range doc.First("VCALENDAR").Components(componentName(op.Ref.Kind)) {
		for _, p := range append(part.All("ATTENDEE"), part.All("ORGANIZER")...) {
			if agent := p.Param("SCHEDULE-AGENT"); agent == "" || strings.EqualFold(agent, "SERVER") {
				edit.SetParam(p, "SCHEDULE-AGENT", "CLIENT")
			}
		}
	}
	return finish(edit)
}
