package activities_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lockstep.dev/connector/memory"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// errDead is what everything answers once the process is gone.
var errDead = errors.New("the process is gone")

// point is a place at which a process can die: around every commit and every
// remote call.
type point struct {
	name     string
	activity int // number of the activity that was running
	what     string
	changes  int // commits and remote writes so far
	remote   bool
	scene    int // the scene from which it is reached
}

// gate counts the points that a run passes, and lets it die or a call fail at
// one of them.
type gate struct {
	n        int     // points passed
	passed   []point // the same by name
	scene    int
	changes  int
	activity int
	what     string // name of the activity
	quiet    bool   // points are not counted: this is not the part under test

	dieAt  int // number of the point, -1 = never
	failAt int // the next remote call fails there, or its answer is lost
	actAt  int // people act there, and nothing goes wrong
	dead   bool
	deaths int

	// hook sees every point; tests interfere there.
	hook func(name string) error
	// spoil sees every point of a remote call; tests spoil answers there.
	spoil func(p memory.Point) error
	// meanwhile is what people do at the moment when something goes wrong.
	meanwhile func()
}

func newGate() *gate { return &gate{dieAt: -1, failAt: -1, actAt: -1} }

// pass passes one point: of a remote call to a side, or (empty) another.
func (g *gate) pass(name string, side model.Side) error {
	remote := side != ""
	if g.dead {
		return errDead
	}
	if !g.quiet {
		n := g.n
		g.n++
		g.passed = append(g.passed, point{name: name, activity: g.activity, what: g.what, changes: g.changes, remote: remote, scene: g.scene})
		if n == g.dieAt {
			g.dead = true
			g.wrong()
			return errDead
		}
		if n == g.actAt {
			g.wrong()
		}
		if g.failAt >= 0 && n >= g.failAt && remote {
			g.failAt = -1
			g.wrong()
			return noAnswer(name, side)
		}
	}
	if g.hook != nil {
		return g.hook(name)
	}
	return nil
}

// wrong notes that something went wrong.
func (g *gate) wrong() {
	g.deaths++
	if g.meanwhile != nil {
		g.meanwhile()
		g.meanwhile = nil
	}
}

func noAnswer(name string, side model.Side) error {
	return &fault.Fault{Class: fault.Transient, Scope: fault.Server, Side: side, Source: "memory", Code: "memory.lost", Message: "The connection broke off " + name + "."}
}

// remote is the hook of the connectors.
func (g *gate) remote(_ context.Context, p memory.Point) error {
	if p.After && (p.Call == "apply" || p.Call == "unstamp" || p.Call == "mark") {
		g.changes++
	}
	if err := g.pass(p.String(), p.Side); err != nil || g.spoil == nil {
		return err
	}
	return g.spoil(p)
}

// mortal is a store whose process can die before and after every commit.
type mortal struct {
	store.Store
	gate *gate
}

// commit makes one writing call.
func commit[T any](m mortal, name string, call func() (T, error)) (T, error) {
	var zero T
	if err := m.gate.pass("before "+name, ""); err != nil {
		return zero, err
	}
	out, err := call()
	if err != nil {
		return out, err
	}
	m.gate.changes++
	if err := m.gate.pass("after "+name, ""); err != nil {
		return zero, err
	}
	return out, nil
}

// commit0 makes one writing call that answers nothing.
func commit0(m mortal, name string, call func() error) error {
	_, err := commit(m, name, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (m mortal) SaveCollections(ctx context.Context, c model.ConnectionID, id model.MailboxID, found []model.Collection, now time.Time) error {
	return commit0(m, "SaveCollections", func() error { return m.Store.SaveCollections(ctx, c, id, found, now) })
}

func (m mortal) SavePage(ctx context.Context, in store.PageIn) (store.PageOut, error) {
	return commit(m, "SavePage", func() (store.PageOut, error) { return m.Store.SavePage(ctx, in) })
}

func (m mortal) SetPrivacy(ctx context.Context, id model.MailboxID, private string) (bool, error) {
	return commit(m, "SetPrivacy", func() (bool, error) { return m.Store.SetPrivacy(ctx, id, private) })
}

func (m mortal) ResetCursors(ctx context.Context, c model.ConnectionID, id model.MailboxID, only ...model.Collection) error {
	return commit0(m, "ResetCursors", func() error { return m.Store.ResetCursors(ctx, c, id, only...) })
}

func (m mortal) FinishFetch(ctx context.Context, id model.MailboxID, begun, now, next time.Time) (int64, error) {
	return commit(m, "FinishFetch", func() (int64, error) { return m.Store.FinishFetch(ctx, id, begun, now, next) })
}

func (m mortal) FinishPass(ctx context.Context, c model.ConnectionID, begun time.Time) (int64, bool, error) {
	type answer struct {
		pass   int64
		ageing bool
	}
	a, err := commit(m, "FinishPass", func() (answer, error) {
		pass, ageing, err := m.Store.FinishPass(ctx, c, begun)
		return answer{pass, ageing}, err
	})
	return a.pass, a.ageing, err
}

func (m mortal) CountFailure(ctx context.Context, f store.Alert, now time.Time) (int, error) {
	return commit(m, "CountFailure", func() (int, error) { return m.Store.CountFailure(ctx, f, now) })
}

func (m mortal) Suspect(ctx context.Context, f store.Alert, t store.Trial, now time.Time) (store.Suspicion, error) {
	return commit(m, "Suspect", func() (store.Suspicion, error) { return m.Store.Suspect(ctx, f, t, now) })
}

func (m mortal) BeginProbe(ctx context.Context, c model.ConnectionID, now, ends time.Time) (model.Circuit, error) {
	return commit(m, "BeginProbe", func() (model.Circuit, error) { return m.Store.BeginProbe(ctx, c, now, ends) })
}

func (m mortal) FailProbe(ctx context.Context, c model.ConnectionID, was model.Circuit, f store.Alert, t store.Trial, now time.Time) (model.Circuit, error) {
	return commit(m, "FailProbe", func() (model.Circuit, error) { return m.Store.FailProbe(ctx, c, was, f, t, now) })
}

func (m mortal) Recover(ctx context.Context, c model.ConnectionID, opened int64, now time.Time, gap time.Duration) (int, error) {
	return commit(m, "Recover", func() (int, error) { return m.Store.Recover(ctx, c, opened, now, gap) })
}

func (m mortal) EndAlerts(ctx context.Context, id model.MailboxID, c model.ConnectionID, side model.Side, now time.Time) error {
	return commit0(m, "EndAlerts", func() error { return m.Store.EndAlerts(ctx, id, c, side, now) })
}

func (m mortal) SaveMarks(ctx context.Context, id model.MailboxID, marks []store.ItemMark) error {
	return commit0(m, "SaveMarks", func() error { return m.Store.SaveMarks(ctx, id, marks) })
}

func (m mortal) RaiseAlert(ctx context.Context, f store.Alert, reason string, now time.Time) error {
	return commit0(m, "RaiseAlert", func() error { return m.Store.RaiseAlert(ctx, f, reason, now) })
}

func (m mortal) Due(ctx context.Context, id model.MailboxID, now time.Time) (store.Due, error) {
	return commit(m, "Due", func() (store.Due, error) { return m.Store.Due(ctx, id, now) })
}

func (m mortal) Lease(ctx context.Context, id model.MailboxID, token string, now, ends time.Time) (time.Time, error) {
	until, err := time.Time{}, error(nil)
	_, failed := commit(m, "Lease", func() (time.Time, error) {
		until, err = m.Store.Lease(ctx, id, token, now, ends)
		return until, err
	})
	return until, failed
}

func (m mortal) Release(ctx context.Context, id model.MailboxID, token string) error {
	return commit0(m, "Release", func() error { return m.Store.Release(ctx, id, token) })
}

func (m mortal) Advance(ctx context.Context, id model.MailboxID, atLeast int64) (int64, error) {
	return commit(m, "Advance", func() (int64, error) { return m.Store.Advance(ctx, id, atLeast) })
}

func (m mortal) DropPlan(ctx context.Context, id model.MailboxID) error {
	return commit0(m, "DropPlan", func() error { return m.Store.DropPlan(ctx, id) })
}

func (m mortal) Adopt(ctx context.Context, id model.MailboxID, found []store.Found, now time.Time) error {
	return commit0(m, "Adopt", func() error { return m.Store.Adopt(ctx, id, found, now) })
}

func (m mortal) Reconsider(ctx context.Context, id model.MailboxID) error {
	return commit0(m, "Reconsider", func() error { return m.Store.Reconsider(ctx, id) })
}

func (m mortal) Rejoin(ctx context.Context, id model.MailboxID, entities []model.EntityID) (int, error) {
	return commit(m, "Rejoin", func() (int, error) { return m.Store.Rejoin(ctx, id, entities) })
}

func (m mortal) Resolve(ctx context.Context, id model.MailboxID, v store.Resolution, now time.Time) error {
	return commit0(m, "Resolve", func() error { return m.Store.Resolve(ctx, id, v, now) })
}

func (m mortal) Join(ctx context.Context, id model.MailboxID, joins []plan.Join) error {
	return commit0(m, "Join", func() error { return m.Store.Join(ctx, id, joins) })
}

func (m mortal) Claim(ctx context.Context, c model.ConnectionID, id model.MailboxID, claims []store.Claim) ([]store.Claim, error) {
	return commit(m, "Claim", func() ([]store.Claim, error) { return m.Store.Claim(ctx, c, id, claims) })
}

func (m mortal) BeginPlan(ctx context.Context, p store.PlanRow) (string, error) {
	return commit(m, "BeginPlan", func() (string, error) { return m.Store.BeginPlan(ctx, p) })
}

func (m mortal) SaveChunk(ctx context.Context, id model.MailboxID, planID string, c store.Chunk) error {
	return commit0(m, "SaveChunk", func() error { return m.Store.SaveChunk(ctx, id, planID, c) })
}

func (m mortal) SealPlan(ctx context.Context, p store.PlanRow) error {
	return commit0(m, "SealPlan", func() error { return m.Store.SealPlan(ctx, p) })
}

func (m mortal) Decide(ctx context.Context, id model.MailboxID, d store.Decision) error {
	return commit0(m, "Decide", func() error { return m.Store.Decide(ctx, id, d) })
}

func (m mortal) SetFilter(ctx context.Context, c model.ConnectionID, id model.MailboxID, filter string) error {
	return commit0(m, "SetFilter", func() error { return m.Store.SetFilter(ctx, c, id, filter) })
}

func (m mortal) SetUndo(ctx context.Context, id model.MailboxID, request string) error {
	return commit0(m, "SetUndo", func() error { return m.Store.SetUndo(ctx, id, request) })
}

func (m mortal) Judge(ctx context.Context, id model.MailboxID, planID string, list []store.Judged) error {
	return commit0(m, "Judge", func() error { return m.Store.Judge(ctx, id, planID, list) })
}

func (m mortal) Relieve(ctx context.Context, c model.Connection, now time.Time) error {
	return commit0(m, "Relieve", func() error { return m.Store.Relieve(ctx, c, now) })
}

func (m mortal) Renew(ctx context.Context, id model.MailboxID, token string, ends time.Time) error {
	return commit0(m, "Renew", func() error { return m.Store.Renew(ctx, id, token, ends) })
}

func (m mortal) Begin(ctx context.Context, id model.MailboxID, token, planID string, creates []store.Planned, generation int64, now time.Time) ([]model.Key, error) {
	return commit(m, "Begin", func() ([]model.Key, error) { return m.Store.Begin(ctx, id, token, planID, creates, generation, now) })
}

func (m mortal) Commit(ctx context.Context, id model.MailboxID, token, planID string, results []store.Result, now time.Time) ([]model.MailboxID, error) {
	return commit(m, "Commit", func() ([]model.MailboxID, error) { return m.Store.Commit(ctx, id, token, planID, results, now) })
}

func (m mortal) FinishPlan(ctx context.Context, id model.MailboxID, token, planID string, r store.Round) error {
	return commit0(m, "FinishPlan", func() error { return m.Store.FinishPlan(ctx, id, token, planID, r) })
}

func (m mortal) SetMailboxState(ctx context.Context, id model.MailboxID, s model.MailboxState, reason string) error {
	return commit0(m, "SetMailboxState", func() error { return m.Store.SetMailboxState(ctx, id, s, reason) })
}

func (m mortal) FinishRequest(ctx context.Context, id string, o store.RequestOutcome, message string) error {
	return commit0(m, "FinishRequest", func() error { return m.Store.FinishRequest(ctx, id, o, message) })
}

func (m mortal) Choose(ctx context.Context, id, take string) error {
	return commit0(m, "Choose", func() error { return m.Store.Choose(ctx, id, take) })
}

func (m mortal) EndConflict(ctx context.Context, id, how string, now time.Time) error {
	return commit0(m, "EndConflict", func() error { return m.Store.EndConflict(ctx, id, how, now) })
}

func (m mortal) NoteCollections(ctx context.Context, id model.MailboxID, in store.CollectionNews) error {
	if len(in.Closed) == 0 {
		return m.Store.NoteCollections(ctx, id, in)
	}
	return commit0(m, "NoteCollections", func() error { return m.Store.NoteCollections(ctx, id, in) })
}

func (m mortal) DeclareRestored(ctx context.Context) error {
	return commit0(m, "DeclareRestored", func() error { return m.Store.DeclareRestored(ctx) })
}

func (m mortal) Reread(ctx context.Context, c model.ConnectionID, id model.MailboxID) error {
	return commit0(m, "Reread", func() error { return m.Store.Reread(ctx, c, id) })
}

func (m mortal) Restored(ctx context.Context, c model.ConnectionID, id model.MailboxID) error {
	return commit0(m, "Restored", func() error { return m.Store.Restored(ctx, c, id) })
}

func (m mortal) ScheduleAudit(ctx context.Context, c model.ConnectionID, id model.MailboxID, at time.Time) error {
	return commit0(m, "ScheduleAudit", func() error { return m.Store.ScheduleAudit(ctx, c, id, at) })
}

func (m mortal) BeginAudit(ctx context.Context, a store.Audit) (store.Audit, error) {
	return commit(m, "BeginAudit", func() (store.Audit, error) { return m.Store.BeginAudit(ctx, a) })
}

func (m mortal) Sight(ctx context.Context, audit string, refs []model.Ref) error {
	return commit0(m, "Sight", func() error { return m.Store.Sight(ctx, audit, refs) })
}

func (m mortal) Compare(ctx context.Context, audit string, listed []model.Collection, asOf time.Time) error {
	return commit0(m, "Compare", func() error { return m.Store.Compare(ctx, audit, listed, asOf) })
}

func (m mortal) ConfirmDrift(ctx context.Context, audit string) ([]store.Drift, error) {
	return commit(m, "ConfirmDrift", func() ([]store.Drift, error) { return m.Store.ConfirmDrift(ctx, audit) })
}

func (m mortal) NoteDrift(ctx context.Context, audit string, d []store.Drift) error {
	return commit0(m, "NoteDrift", func() error { return m.Store.NoteDrift(ctx, audit, d) })
}

func (m mortal) EndAudit(ctx context.Context, audit string, unproven []store.Drift, now, next time.Time) (store.Audit, error) {
	return commit(m, "EndAudit", func() (store.Audit, error) { return m.Store.EndAudit(ctx, audit, unproven, now, next) })
}

// String is for failure messages.
func (p point) String() string {
	return fmt.Sprintf("%s (%s, activity %d)", p.name, p.what, p.activity)
}

func (m mortal) Move(ctx context.Context, moves []store.Move, request, message string, now time.Time) error {
	return commit0(m, "Move", func() error { return m.Store.Move(ctx, moves, request, message, now) })
}

func (m mortal) StartSnapshot(ctx context.Context, s store.Snapshot) error {
	return commit0(m, "StartSnapshot", func() error { return m.Store.StartSnapshot(ctx, s) })
}

func (m mortal) FillSnapshot(ctx context.Context, id model.MailboxID, now time.Time, limit int) (bool, error) {
	return commit(m, "FillSnapshot", func() (bool, error) { return m.Store.FillSnapshot(ctx, id, now, limit) })
}

func (m mortal) StageSnapshot(ctx context.Context, id model.MailboxID, limit int) (int, error) {
	return commit(m, "StageSnapshot", func() (int, error) { return m.Store.StageSnapshot(ctx, id, limit) })
}

func (m mortal) EndSnapshot(ctx context.Context, id model.MailboxID, o store.RequestOutcome, message string, now time.Time) error {
	return commit0(m, "EndSnapshot", func() error { return m.Store.EndSnapshot(ctx, id, o, message, now) })
}
