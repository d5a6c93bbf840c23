package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// ReinitType is what a re-initialization does (requirement R-15).
type ReinitType string

// The types of the category General; Clear Mailbox Id Conflict and Rename User
// are commands of their own.
const (
	FullResync       ReinitType = "full-resync"       // read in full, then decide everything anew
	InboundSnapshot  ReinitType = "inbound-snapshot"  // read in full, then write the CRM only
	OutboundSnapshot ReinitType = "outbound-snapshot" // read in full, then write the mailbox only
	Resync           ReinitType = "resync"            // decide everything anew, without reading again
	FromDate         ReinitType = "from-date"         // the same for what is of that day or later
	ResetCursors     ReinitType = "reset-cursors"     // only list in full next time
	NoReinit         ReinitType = "none"              // cancel the one that has not run yet
)

// ReinitTypes lists them.
func ReinitTypes() []ReinitType {
	return []ReinitType{FullResync, InboundSnapshot, OutboundSnapshot, Resync, FromDate, ResetCursors, NoReinit}
}

// Reinit is a wish to re-initialize a mailbox. Identities always survive it:
// links, bases and journal are kept, and nothing is deleted.
type Reinit struct {
	Type      ReinitType   `json:"type"`
	Kinds     []model.Kind `json:"kinds,omitempty"` // none = all
	Since     string       `json:"since,omitempty"` // a day, 2006-01-02
	Overwrite bool         `json:"overwrite,omitempty"`
	Window    string       `json:"window,omitempty"` // 22:00-06:00
	Stage     int          `json:"stage,omitempty"`  // items of a stage
	// Approved: it goes in stages without waiting. Otherwise its whole plan waits.
	Approved bool `json:"approved,omitempty"`
}

// Argument is the wish as the argument of a request.
func (r Reinit) Argument() string {
	b, err := json.Marshal(r)
	if err != nil {
		return "" // texts and numbers cannot fail to encode
	}
	return string(b)
}

// wholePlan is why the plan of a re-initialization waits.
const wholePlan = "a re-initialization was asked for; look at its plan, then approve it"

// stageItems is how many items a stage has unless the command says otherwise.
const stageItems = 2000

// Snapshot is the pass that a wish asks for; the error says, for people, what is
// wrong with it.
func (r Reinit) Snapshot() (store.Snapshot, error) {
	s := store.Snapshot{Kinds: r.Kinds, Overwrite: r.Overwrite, Window: r.Window, Stage: r.Stage}
	switch r.Type {
	case FullResync:
		s.Reread = true
	case InboundSnapshot:
		s.Reread, s.Target = true, model.CRM
	case OutboundSnapshot:
		s.Reread, s.Target = true, model.Mail
	case Resync, FromDate, ResetCursors, NoReinit:
	default:
		return s, fmt.Errorf("there is no re-initialization of type %q", r.Type)
	}
	if r.Type == FromDate || r.Since != "" {
		var err error
		if s.Since, err = time.Parse(time.DateOnly, r.Since); err != nil {
			return s, fmt.Errorf("the day %q is not understood; write it as 2025-03-14", r.Since)
		}
	}
	if r.Overwrite && s.Target == "" {
		return s, errors.New("only a snapshot into one side can overwrite that side")
	}
	for _, k := range r.Kinds {
		if !slices.Contains(model.Kinds(), k) {
			return s, fmt.Errorf("there is no kind %q", k)
		}
	}
	if _, err := opens(r.Window, "", time.Unix(0, 0)); err != nil {
		return s, err
	}
	if s.Stage <= 0 {
		s.Stage = stageItems
	}
	if !r.Approved || r.Overwrite {
		s.Stage, s.Hold = 0, wholePlan
	}
	return s, nil
}

// opens is the first moment from now on at which a stage may begin.
func opens(window, zone string, now time.Time) (time.Time, error) {
	if window == "" {
		return now, nil
	}
	from, to, ok := strings.Cut(window, "-")
	for _, clock := range []string{from, to} {
		if _, err := time.Parse("15:04", clock); err != nil || !ok {
			return now, fmt.Errorf("the hours %q are not understood; write them as 22:00-06:00", window)
		}
	}
	if from == to {
		return now, nil
	}
	rest := model.Schedule{Zone: zone, BlackOut: []model.Hours{{From: to, To: from}}}
	return rest.Allowed(now), nil
}

// reinitialize accepts a wish; the rounds that follow carry it out.
func (a *Activities) reinitialize(ctx context.Context, m model.Mailbox, r store.Request, out *ObeyOut) (store.RequestOutcome, string, error) {
	var wish Reinit
	if err := json.Unmarshal([]byte(r.Argument), &wish); err != nil {
		return store.RequestRefused, "The command is not understood.", nil //nolint:nilerr // the person hears of it as the outcome
	}
	s, err := wish.Snapshot()
	switch {
	case err != nil:
		return store.RequestRefused, err.Error() + ". Nothing was changed.", nil //nolint:nilerr // the same
	case m.State == model.Conflicted:
		return store.RequestRefused, inConflict(m), nil
	case wish.Type == NoReinit:
		return a.cancelReinit(ctx, m, r)
	case m.State != model.Active:
		return store.RequestRefused, fmt.Sprintf("The mailbox is %s: %s. Resume it first.", m.State, m.Reason), nil
	case wish.Type == ResetCursors:
		if err := a.resetCursors(ctx, m, wish.Kinds); err != nil {
			return "", "", err
		}
		return store.RequestDone, "The next round lists the mailbox in full and compares it with what is known. Links and bases were kept.", nil
	}
	s.Mailbox, s.Request, s.Begun = m.ID, r.ID, a.Now()
	err = a.Store.StartSnapshot(ctx, s)
	if errors.Is(err, store.ErrExists) {
		return store.RequestRefused, "Another re-initialization of this mailbox is under way; see: lockstep snapshot show " + m.Address, nil
	}
	out.Begun = err == nil
	return "", "", err
}

func (a *Activities) resetCursors(ctx context.Context, m model.Mailbox, kinds []model.Kind) error {
	if len(kinds) == 0 {
		return a.Store.ResetCursors(ctx, m.Mail, m.ID)
	}
	all, err := a.Store.Collections(ctx, m.Mail, m.ID)
	if err != nil {
		return err
	}
	var only []model.Collection
	for _, c := range all {
		if slices.Contains(kinds, c.Kind) {
			only = append(only, c.Collection)
		}
	}
	if len(only) == 0 {
		return nil
	}
	return a.Store.ResetCursors(ctx, m.Mail, m.ID, only...)
}

// cancelReinit ends a pass; what it has written stays.
func (a *Activities) cancelReinit(ctx context.Context, m model.Mailbox, r store.Request) (store.RequestOutcome, string, error) {
	if m.Snapshot == "" {
		return store.RequestRefused, "No re-initialization of this mailbox is under way: there is nothing to cancel.", nil
	}
	s, err := a.Store.Snapshot(ctx, m.ID)
	if err != nil {
		return "", "", err
	}
	if err := a.Store.EndSnapshot(ctx, m.ID, store.RequestRefused, "cancelled by "+r.By, a.Now()); err != nil {
		return "", "", err
	}
	if s.Stages == 0 || s.Hold != "" {
		return store.RequestDone, "The re-initialization was cancelled before it wrote anything.", nil
	}
	return store.RequestDone, fmt.Sprintf("The re-initialization was cancelled after %d stages; what they wrote stays.", s.Stages), nil
}

// advance begins the next stage of a full pass once the one before is done, and
// ends the pass after the last. It reports whether the next round comes soon.
func (a *Activities) advance(ctx context.Context, m mailbox, in FetchIn, out *FetchOut) (soon bool, err error) {
	if m.Snapshot == "" || in.Show || out.LookOnly {
		return false, nil
	}
	s, err := a.Store.Snapshot(ctx, m.ID)
	if err != nil {
		return false, err
	}
	before, err := a.Store.Due(ctx, m.ID, a.Now())
	if err != nil || before.Held {
		return false, err
	}
	if s.Stages > 0 && (before.Fresh || before.Open) {
		return true, nil
	}
	from, err := opens(s.Window, m.policy.Schedule.Zone, a.Now())
	if err != nil || from.After(a.Now()) {
		out.Noticed = strings.TrimSpace(out.Noticed + fmt.Sprintf(" The snapshot goes on at %s.", from.Format("2006-01-02 15:04 MST")))
		return false, err
	}
	for !s.Filled {
		if s.Filled, err = a.Store.FillSnapshot(ctx, m.ID, a.Now(), pageOfPairs); err != nil {
			return false, err
		}
	}
	if err := a.Store.Analyze(ctx); err != nil { // the hook between stages (N-16)
		return false, err
	}
	staged, err := a.Store.StageSnapshot(ctx, m.ID, s.Stage)
	if err != nil || staged > 0 {
		return true, err
	}
	if s, err = a.Store.Snapshot(ctx, m.ID); err != nil {
		return false, err
	}
	return true, a.Store.EndSnapshot(ctx, m.ID, store.RequestDone, fmt.Sprintf(
		"%d items were looked at in %d stages. Nothing was deleted; what each side changed since it last agreed was kept.", s.Total, s.Stages), a.Now())
}

// passing is what a full pass under way lets a plan write.
func (d *differ) passing(ctx context.Context) error {
	if d.m.Snapshot == "" {
		return nil
	}
	s, err := d.a.Store.Snapshot(ctx, d.m.ID)
	if err == nil && s.Stages > 0 {
		d.input.Snapshot = &plan.Snapshot{Target: s.Target, Overwrite: s.Overwrite}
	}
	return err
}
