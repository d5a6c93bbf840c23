package metrics

import "slices"

// Metric declares one metric.
type Metric struct {
	Name   string // without its prefix and suffix
	Type   string // counter, gauge or histogram
	Labels []string
	Help   string
}

// Full is the name that Prometheus sees.
func (m Metric) Full() string {
	if m.Type == "counter" {
		return "lockstep_" + m.Name + "_total"
	}
	return "lockstep_" + m.Name
}

// List declares every metric of ours. Temporal's SDK adds its own under
// temporal_, and the Go runtime under go_ and process_.
func List() []Metric {
	return []Metric{
		{"lag_seconds", "gauge", []string{"connection"}, "How long the change that waits longest in an active mailbox of the mail connection may have waited: the time since the oldest latest success of the mailboxes with changes that are not applied; 0 = nothing waits."},
		{"silence_seconds", "gauge", []string{"connection"}, "Time since the oldest latest success of the mail connection's active mailboxes. It grows where nothing is proven to work, even if nothing fails."},
		{"mailboxes", "gauge", []string{"connection", "state"}, "Mailboxes of the mail connection in a state: active, paused, disabled, retired."},
		{"issues", "gauge", []string{"code"}, "Open issues: items that cannot be synced while everything else goes on."},
		{"alerts", "gauge", []string{"code"}, "Open alerts: mailboxes and connections that cannot sync at all until somebody acts."},
		{"standing_age_seconds", "gauge", nil, "Age of the numbers that come from the store. It grows when the store does not answer."},
		{"rounds", "counter", []string{"connection", "result"}, "Rounds of mailboxes by what they came to: quiet (nothing to do), waiting (a system is down, so nothing was asked), written, partial (a write was refused), held (a plan waits for approval), failed."},
		{"operations", "counter", []string{"connector", "side", "kind", "action", "outcome", "class"}, "Writes by what became of them (done, refused, unknown) and, where they were not done, the class of the trouble."},
		{"remote_seconds", "histogram", []string{"connector", "side", "call"}, "How long calls of the systems took; of changes and list each page is one call."},
		{"remote_failures", "counter", []string{"connector", "side", "call", "class"}, "Calls of the systems that failed, by class of the trouble."},
		{"throttled_seconds", "counter", []string{"connector", "side"}, "Time that systems asked us to wait."},
		{"step_seconds", "histogram", []string{"step", "result"}, "How long the steps of rounds and feeds took (Fetch, Diff, Apply, Settle, Feed), by whether they worked."},
	}
}

func declared(name string) Metric {
	all := List()
	return all[slices.IndexFunc(all, func(m Metric) bool { return m.Name == name })]
}
