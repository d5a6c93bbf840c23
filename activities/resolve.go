package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// resolve carries out what a person chose about an edit conflict (requirement
// B13). The request names it by id; values stay in the store. Where something is
// to be written, the next round's plan does it.
func (a *Activities) resolve(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	id, take, _ := strings.Cut(r.Argument, " ")
	c, err := a.Store.Conflict(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && c.Mailbox != m.ID:
		return store.RequestRefused, fmt.Sprintf("There is no edit conflict %s in this mailbox.", id), nil
	case err != nil:
		return "", "", err
	case take != plan.TakeCRM && take != plan.TakeMail && take != plan.TakeLoser:
		return store.RequestRefused, fmt.Sprintf("%q cannot be taken; take crm, mail or loser.", take), nil
	case c.Resolution != "" && c.Resolved.After(r.At):
		return store.RequestDone, "The edit conflict is settled.", nil
	case m.State != model.Active:
		return store.RequestRefused, fmt.Sprintf("The mailbox is %s: %s. Resume it first.", m.State, m.Reason), nil
	case c.Winner == "" && c.Resolution != "":
		return store.RequestRefused, "This question was settled before: " + ended(c.Resolution) + ".", nil
	case c.Winner == "" && take == plan.TakeLoser:
		return store.RequestRefused, "Nobody has lost yet: both sides keep their own value. Take crm or mail.", nil
	case take == string(c.Winner) && c.Resolution != "":
		return store.RequestRefused, "This conflict was settled before: " + ended(c.Resolution) + ".", nil
	case take == string(c.Winner):
		return store.RequestDone, "What is there stays as it is; the conflict is settled.", a.Store.EndConflict(ctx, id, take, a.Now())
	case c.Winner != "":
		take = plan.TakeLoser
	}
	err = a.Store.Choose(ctx, id, take)
	if errors.Is(err, store.ErrNotFound) {
		return store.RequestRefused, "The item is not linked any more, so nothing can be written. What was lost: lockstep conflict list --all --content", nil
	}
	out.Round = err == nil
	return "", "", err
}

// ended says for people how a conflict ended.
func ended(resolution string) string {
	switch resolution {
	case plan.TakeCRM:
		return "the CRM's value was taken"
	case plan.TakeMail:
		return "the mailbox's value was taken"
	case plan.TakeLoser:
		return "the value that had lost was taken"
	case "equal":
		return "both sides came to say the same"
	case "later edit":
		return "the field was edited again since, and that stays"
	default:
		return "the policy decided"
	}
}
