package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// VerbReview answers a question of the review list; its argument is a
// store.Resolution as JSON.
const VerbReview = "answer-review"

// answerReview carries out a person's answer. The round that follows acts on it.
func (a *Activities) answerReview(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	var v store.Resolution
	if err := json.Unmarshal([]byte(r.Argument), &v); err != nil {
		return store.RequestRefused, "The answer cannot be read.", nil //nolint:nilerr // it is the person's mistake
	}
	err := a.Store.Resolve(ctx, m.ID, v, a.Now())
	switch {
	case errors.Is(err, store.ErrNotFound) && activity.GetInfo(ctx).Attempt > 1:
		// An attempt before this one has done it.
	case errors.Is(err, store.ErrNotFound):
		return store.RequestRefused, fmt.Sprintf("There is no question %s about these items any more. Look again with: lockstep review list %s", v.Question, m.Address), nil
	case err != nil:
		return "", "", err
	}
	if m.State != model.Active {
		return store.RequestDone, fmt.Sprintf("Noted; the mailbox is %s, and acts on it when it is resumed.", m.State), nil
	}
	out.Round = true
	return "", "", nil
}
