package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// alertView is a sync error: a mailbox, or a whole connection, that cannot sync
// at all. Items that cannot are issues (requirement S-01).
type alertView struct {
	Connection string           `json:"connection,omitempty"` // the whole connection is concerned
	Side       model.Side       `json:"side"`
	Workload   model.Workload   `json:"workload"`
	State      store.AlertState `json:"state"`
	Code       string           `json:"code"`
	Source     string           `json:"source,omitempty"`
	Message    string           `json:"message"`
	Cause      string           `json:"cause,omitempty"`
	Solution   string           `json:"solution,omitempty"`
	Acts       string           `json:"acts,omitempty"`
	Evidence   string           `json:"evidence,omitempty"`
	Times      int              `json:"times"` // failures in a row
	First      optional         `json:"first"`
	Last       optional         `json:"last"`
}

func alertOf(f store.Alert, connection string) alertView {
	v := alertView{
		Connection: connection, Side: f.Side, Workload: f.Workload, State: f.State, Code: f.Code, Message: f.Message, Evidence: f.Evidence,
		Times: f.Times, First: optional(f.First), Last: optional(f.Last),
	}
	if e, ok := issue.Lookup(f.Code); ok {
		v.Source, v.Cause, v.Solution, v.Acts = e.Source, e.Cause, e.Solution, issue.People(e.Who())
	}
	return v
}

// syncErrors are what keeps a mailbox from syncing: its own and those of its
// connections.
func syncErrors(ctx context.Context, st store.Store, m model.Mailbox, names map[model.ConnectionID]string) ([]alertView, error) {
	out := []alertView{}
	own, err := st.Alerts(ctx, store.AlertFilter{Mailbox: m.ID})
	if err != nil {
		return nil, err
	}
	var wide []store.Alert
	for _, c := range []model.ConnectionID{m.CRM, m.Mail} {
		list, err := st.Alerts(ctx, store.AlertFilter{Connection: c})
		if err != nil {
			return nil, err
		}
		wide = append(wide, list...)
	}
	for _, f := range own {
		// What the whole connection has met is said once.
		shared := f.Scope == fault.Server && slices.ContainsFunc(wide, func(w store.Alert) bool { return w.Connection == f.Connection })
		if !shared || f.State == store.AlertOpen {
			out = append(out, alertOf(f, ""))
		}
	}
	for _, f := range wide {
		out = append(out, alertOf(f, names[f.Connection]))
	}
	return out, nil
}

func (a *app) writeSyncError(w io.Writer, v alertView, address string) {
	what := "Sync error on the " + string(v.Side) + " side"
	if v.Connection != "" {
		what = "Sync error of the connection " + v.Connection
	}
	since := fmt.Sprintf("since %s", relative(a.Now(), at(v.First)))
	if v.Times > 1 {
		since += fmt.Sprintf(", %d failures in a row", v.Times)
	}
	fmt.Fprintf(w, "\n%s, %s: %s (%s)\n", what, since, strings.TrimSpace(v.Message+" "+v.Solution), v.Code)
	if v.Evidence != "" {
		fmt.Fprintf(w, "Evidence: %s\n", v.Evidence)
	}
	if v.State == store.AlertRetrying {
		fmt.Fprintln(w, "It is tried again by itself.")
		return
	}
	fmt.Fprintf(w, "Who acts: %s.", v.Acts)
	if v.Connection == "" {
		fmt.Fprintf(w, " Then: lockstep mailbox resume %s", address)
	}
	fmt.Fprintln(w)
}
