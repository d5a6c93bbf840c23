package activities_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep.dev/connector/memory"
)

// scenario is one story. What was before is synced in peace; then each step
// happens and rounds run until nothing happens any more.
type scenario struct {
	name string
	design
	before func(h *house)
	steps  []func(h *house)
	// meanwhile is what people do when something goes wrong; in the unharmed run
	// it is the last step.
	meanwhile func(h *house)
	check     func(h *house) // what is true at the end of every run
	mails     int            // that attendees may get
}

// scene is a house as it was before one activity.
type scene struct {
	db        any
	crm, mail memory.Backup
	boxes     []box
	shelf     map[string]memory.Backup
	ours      remembered
	now       time.Time
	gate      gate
	step      int // of the scenario
	where     place
}

// recording is the unharmed run: what it passed, and the scenes to go back to.
type recording struct {
	scenes []scene
	step   int
}

// shoot saves the house as it is.
func (h *house) shoot(step int, where place) scene {
	s := scene{db: h.base.keep(), crm: h.crm.Backup(), mail: h.mail.Backup(), now: h.clock.now, gate: *h.gate, step: step, where: where}
	s.gate.passed, s.shelf, s.ours = nil, maps.Clone(h.shelf), h.ours
	for _, b := range h.boxes {
		s.boxes = append(s.boxes, *b)
	}
	return s
}

// film saves a scene before an activity of a feed pass or a round; what a step
// of the story does itself is repeated from the step's beginning.
func (h *house) film() {
	r := h.recorder
	if r == nil || h.where.kind == inStep {
		return
	}
	r.scenes = append(r.scenes, h.shoot(r.step, h.where))
	h.gate.scene = len(r.scenes) - 1
}

// rewind makes the house what it was in a scene.
func (h *house) rewind(s scene) {
	h.base.bring(s.db)
	h.crm.Rewind(s.crm)
	h.mail.Rewind(s.mail)
	h.clock.now = s.now
	h.boxes, h.shelf, h.ours = nil, maps.Clone(s.shelf), s.ours
	for _, b := range s.boxes {
		h.boxes = append(h.boxes, &b)
	}
	*h.gate = s.gate
	h.log, h.lost, h.restores = nil, false, 0
	h.logged.Reset()
	h.open()
}

// play runs the steps of a scenario from one on.
func (s scenario) play(h *house, from int) string {
	h.t.Helper()
	for i, step := range s.steps[from:] {
		if r := h.recorder; r != nil {
			r.step = from + i
			r.scenes = append(r.scenes, h.shoot(r.step, place{}))
			h.gate.scene = len(r.scenes) - 1
		}
		step(h)
		h.settle()
	}
	if s.meanwhile != nil && h.gate.deaths == 0 {
		h.gate.quiet = true
		s.meanwhile(h)
		h.settle()
	}
	h.gate.quiet = true
	if s.check != nil {
		s.check(h)
	}
	if got := len(h.mail.Mails()) + len(h.crm.Mails()); got != s.mails {
		h.t.Errorf("%d mails went out to attendees, want %d", got, s.mails)
	}
	return h.picture()
}

// run plays a scenario unharmed, then once for every point at which it can die
// and for every answer that can be lost, and wants the same in the end. In
// memory every way is tried, on a file a few.
func (s scenario) run(t *testing.T) {
	want := s.ruinedEverywhere(t, math.MaxInt)
	s.sqlite = true
	if got := s.ruinedEverywhere(t, few); !t.Failed() && got != want {
		t.Errorf("on SQLite it ends in another state\n--- want:\n%s\n--- got:\n%s", want, got)
	}
}

// few is how many ways to go wrong are tried on a file in each story.
const few = 2

// ruinedEverywhere plays a scenario with up to so many ways to go wrong and
// returns how the unharmed run ends.
func (s scenario) ruinedEverywhere(t *testing.T, limit int) string {
	h := build(t, s.design)
	defer func() { h.close() }()
	h.gate.quiet = true
	if s.before != nil {
		s.before(h)
		h.settle()
	}
	h.gate.quiet, h.recorder = false, &recording{}
	want := s.play(h, 0)
	film, points := h.recorder.scenes, h.gate.passed
	h.recorder = nil
	if t.Failed() {
		t.Logf("the unharmed run:\n%s", h.story())
		return want
	}
	if limit > few && s.turned(h, film[0]) != want { // whose turn it is, is no matter of the database
		t.Errorf("with the mailboxes' turns the other way round it ends in another state\n--- want:\n%s\n--- story:\n%s", want, h.story())
		return want
	}
	all := ruins(points)
	if s.meanwhile != nil {
		all = append(all, moments(points)...)
	}
	chosen := spread(all, limit)
	for _, r := range chosen {
		if bad := s.ruined(h, film, r, points, want); bad != "" {
			t.Errorf("%s %s: %s", r.kind, points[r.at], bad)
			return want
		}
	}
	t.Logf("%d points, %d ways to go wrong, %d tried", len(points), len(all), len(chosen))
	return want
}

// turned plays a scenario with the mailboxes in the other order (I8).
func (s scenario) turned(h *house, start scene) string {
	h.rewind(start)
	slices.Reverse(h.boxes)
	return s.play(h, 0)
}

// ruin is one thing that goes wrong in a run.
type ruin struct {
	kind string
	at   int
}

const (
	dies     = "dying"
	diesLost = "dying, with Temporal's data,"
	fails    = "losing the answer"
	acts     = "people acting" // and nothing goes wrong
)

// ruins lists what is worth trying: dying between two points of one activity
// between which nothing was written is the same as dying at the earlier one.
func ruins(points []point) []ruin {
	var out []ruin
	died, failed := map[string]bool{}, map[string]bool{}
	for i, p := range points {
		state := fmt.Sprint(p.activity, "/", p.changes)
		if !died[state] {
			died[state] = true
			out = append(out, ruin{dies, i})
			if i%3 == 0 {
				out = append(out, ruin{diesLost, i})
			}
		}
		if p.remote && !failed[state] {
			failed[state] = true
			out = append(out, ruin{fails, i})
		}
	}
	return out
}

// moments are the times at which people can act unnoticed: after a system gave
// its answer, before anything is done with it.
func moments(points []point) []ruin {
	var out []ruin
	for i, p := range points {
		if p.remote && strings.HasPrefix(p.name, "after") {
			out = append(out, ruin{acts, i})
		}
	}
	return out
}

// spread takes up to so many of all ways, the last ones of as many equal parts:
// most of what is written is written late.
func spread(all []ruin, limit int) []ruin {
	if len(all) <= limit {
		return all
	}
	var out []ruin
	for i := range limit {
		out = append(out, all[(i+1)*len(all)/limit-1])
	}
	return out
}

// ruined plays a scenario from the last scene before something goes wrong; it
// returns what is wrong in the end.
func (s scenario) ruined(h *house, film []scene, r ruin, points []point, want string) string {
	h.t.Helper()
	start := film[points[r.at].scene]
	h.rewind(start)
	h.lost = r.kind == diesLost
	if s.meanwhile != nil {
		h.gate.meanwhile = func() { s.meanwhile(h) }
	}
	switch r.kind {
	case fails:
		h.gate.failAt = r.at
	case acts:
		h.gate.actAt = r.at
	default:
		h.gate.dieAt = r.at
	}
	next := start.step
	if start.where.kind != inStep {
		next++
		h.resume(start.where)
		h.settle()
	}
	got := s.play(h, next)
	if h.gate.deaths != 1 {
		return fmt.Sprintf("the run went another way before: %d deaths, %d points", h.gate.deaths, h.gate.n)
	}
	if name := h.gate.passed[r.at-start.gate.n].name; name != points[r.at].name {
		return "the run went another way before: it passed " + name
	}
	if got != want {
		return "ends in another state\n--- want:\n" + want + "\n--- story:\n" + h.story()
	}
	if h.t.Failed() {
		return "see above\n" + h.story()
	}
	return ""
}

// resume goes on with the activity before which a scene was saved.
func (h *house) resume(at place) {
	switch at.kind {
	case inFeed:
		h.pass()
	case inProbe:
		h.see(at.box)
	default:
		h.turn(at.box)
	}
}
