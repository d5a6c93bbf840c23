package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// tile is one number that leads to its records.
type tile struct {
	Label, Href, Tone string
	Count             int
}

// bar is one bar of a chart, in units of its view box.
type bar struct {
	X, Y, W, H          float64
	Y2, H2              float64 // the second part, on top
	Href, Title         string
	Label, Number, Tone string
}

// system is a connection as the overview shows it.
type system struct {
	model.Connection
	States map[model.MailboxState]int
	Total  int
	Alerts []store.Alert
	// Disabled counts its mailboxes that an error has stopped.
	Disabled int
}

type overviewBody struct {
	Tiles       []tile
	Lag, Codes  []bar
	Hours       []bar
	HourMost    int
	HourFirst   time.Time
	Done        int
	Refused     int
	Systems     []system
	Alerts      []store.CodeCount
	OpenCalls   int
	OldestCall  time.Time
	CodeEntries map[string]issue.Entry
	Empty       bool
}

func (d *Dashboard) overview(w http.ResponseWriter, r *http.Request, who Account) {
	if who.Role == User {
		http.Redirect(w, r, "/mailboxes/"+url.PathEscape(string(who.Mailbox)), http.StatusSeeOther)
		return
	}
	s, err := d.counts(r.Context(), surveyFor)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	systems, err := d.systems(r, s)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := overviewBody{
		Tiles: tiles(s), Lag: lagBars(s, d.now()), Codes: codeBars(s), Systems: systems, Alerts: s.Alerts,
		OpenCalls: s.OpenCalls, OldestCall: s.OldestCall, CodeEntries: entries(s.Alerts),
	}
	b.Hours, b.HourMost = hourBars(s)
	for _, h := range s.Hours {
		b.Done, b.Refused = b.Done+h.Done, b.Refused+h.Refused
	}
	if len(s.Hours) > 0 {
		b.HourFirst = s.Hours[0].Begins
	}
	for _, n := range s.States {
		b.Empty = b.Empty || n > 0
	}
	b.Empty = !b.Empty
	d.show(w, r, http.StatusOK, "overview", page{Title: "Overview", Live: true, Who: who, Body: b})
}

func entries(counts []store.CodeCount) map[string]issue.Entry {
	out := map[string]issue.Entry{}
	for _, c := range counts {
		if e, ok := issue.Lookup(c.Code); ok {
			out[c.Code] = e
		}
	}
	return out
}

func tiles(s store.Survey) []tile {
	issues := 0
	for _, c := range s.Issues {
		issues += c.Count
	}
	alerts := 0
	for _, c := range s.Alerts {
		alerts += c.Count
	}
	tone := func(n int, t string) string {
		if n == 0 {
			return "quiet"
		}
		return t
	}
	return []tile{
		{"Active", "/mailboxes?state=active", "good", s.States[model.Active]},
		{"Disabled", "/mailboxes?state=disabled", tone(s.States[model.Disabled], "bad"), s.States[model.Disabled]},
		{"Paused", "/mailboxes?state=paused", "plain", s.States[model.Paused]},
		{"First sync not done", "/mailboxes?first=1", "plain", s.FirstSync},
		{"Wait for approval", "/mailboxes?held=1", tone(s.Held, "warn"), s.Held},
		{"Ask a question", "/reviews", tone(s.Asking, "warn"), s.Asking},
		{"Open issues", "/issues", tone(issues, "warn"), issues},
		{"Sync errors", "/alerts", tone(alerts, "bad"), alerts},
		{"Edit conflicts", "/reviews?kept=1", "plain", s.Conflicts},
		{"Removed", "/mailboxes?state=retired", "quiet", s.States[model.Retired]},
	}
}

// lagSpan names a step of lag, as an address and for people.
type lagSpan struct{ key, label string }

func lagSpans() []lagSpan {
	out := []lagSpan{}
	from := "0"
	for _, s := range store.LagSteps() {
		out = append(out, lagSpan{from + "-" + s.String(), "up to " + span(s)})
		from = s.String()
	}
	return append(out, lagSpan{from + "-", "more than " + span(store.LagSteps()[len(store.LagSteps())-1])}, lagSpan{"never", "never yet"})
}

func lagBars(s store.Survey, _ time.Time) []bar {
	most := 1
	for _, n := range s.Lag {
		most = max(most, n)
	}
	var out []bar
	for i, l := range lagSpans() {
		tone := []string{"good", "good", "plain", "warn", "bad", "plain"}[min(i, 5)]
		out = append(out, bar{
			W: 100 * float64(s.Lag[i]) / float64(most), Label: l.label, Number: number(s.Lag[i]), Tone: tone,
			Href:  "/mailboxes?state=active&lag=" + queryEscape(l.key),
			Title: plural(s.Lag[i], "active mailbox") + ", last success " + l.label,
		})
	}
	return out
}

// mostCodes is how many codes the chart shows; the list has them all.
const mostCodes = 8

func codeBars(s store.Survey) []bar {
	most := 1
	for _, c := range s.Issues {
		most = max(most, c.Count)
	}
	var out []bar
	for _, c := range s.Issues[:min(mostCodes, len(s.Issues))] {
		e, _ := issue.Lookup(c.Code)
		out = append(out, bar{
			W: 100 * float64(c.Count) / float64(most), Label: c.Code, Number: number(c.Count), Tone: "warn",
			Href: "/issues?code=" + queryEscape(c.Code), Title: e.Message,
		})
	}
	return out
}

// The chart of hours is 24 bars of 20 units, 100 units high.
const (
	hourWidth  = 20.0
	hourHeight = 100.0
)

// hourBars draws what was written and what was refused, hour by hour. An hour
// with anything in it is seen, however high the highest is.
func hourBars(s store.Survey) (bars []bar, most int) {
	for _, h := range s.Hours {
		most = max(most, h.Done+h.Refused)
	}
	scale := func(n int) float64 {
		if n == 0 {
			return 0
		}
		return max(2, hourHeight*float64(n)/float64(max(most, 1)))
	}
	for i, h := range s.Hours {
		done, refused := scale(h.Done), scale(h.Refused)
		until := h.Begins.Add(time.Hour)
		bars = append(bars, bar{
			X: float64(i)*hourWidth + 2, W: hourWidth - 4, Y: hourHeight - done, H: done, Y2: hourHeight - done - refused, H2: refused,
			Href: "/rounds?from=" + queryEscape(h.Begins.Format(time.RFC3339)) + "&until=" + queryEscape(until.Format(time.RFC3339)),
			Title: fmt.Sprintf("%s to %s UTC: %s, %s written, %s refused", h.Begins.Format("15:04"), until.Format("15:04"),
				plural(h.Rounds, "round"), number(h.Done), number(h.Refused)),
		})
	}
	return bars, most
}

// systems are the connections with what is to be said about each.
func (d *Dashboard) systems(r *http.Request, s store.Survey) ([]system, error) {
	list, err := d.Store.Connections(r.Context())
	if err != nil {
		return nil, err
	}
	var out []system
	for _, c := range list {
		c.Secret = ""
		v := system{Connection: c, States: s.PerSystem[c.ID], Disabled: s.PerSystem[c.ID][model.Disabled]}
		for _, n := range v.States {
			v.Total += n
		}
		if v.Alerts, err = d.Store.Alerts(r.Context(), store.AlertFilter{Connection: c.ID}); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
