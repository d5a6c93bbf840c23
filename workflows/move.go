package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep.dev/activities"
)

// move brings the mailbox under another address, or ends a CRM-ID conflict. The
// loop does nothing else meanwhile: what was under way has ended.
func (m *mailbox) move(ctx workflow.Context, r Request) {
	m.phase = "move"
	var out activities.MoveOut
	summary := "rename: look at what lies behind the new address, then move"
	if r.Verb == activities.VerbClear {
		summary = "clear the CRM-ID conflict: look at the new mailbox, then take over its settings"
	}
	if err := workflow.ExecuteActivity(remote(ctx, summary), m.acts.Move, activities.MoveIn{Request: r.ID}).Get(ctx, &out); err != nil {
		t := troubleOf(err)
		m.trouble = t.Message
		_ = m.answer(ctx, []string{r.ID}, t.Message, true)
		return
	}
	m.setState(ctx, out.State)
	m.woken = true
}
