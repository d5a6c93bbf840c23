package fault

import "time"

// How a system that is down is treated (design decision 11).
const (
	// Witnesses is how many faults of a whole system have to be met in a row, with
	// no mailbox that works in between, before it counts as down. Where there are
	// fewer mailboxes, as many as there are.
	Witnesses = 3
	// FirstProbe is the time from there to the first probe.
	FirstProbe = 10 * time.Second
	// ProbePatience is the number of failed probes in a row after which somebody
	// has to know.
	ProbePatience = 10
	// Relapse: a system that is down again so soon after it came back was never
	// really back, and its failed probes go on counting.
	Relapse = 10 * time.Minute
	// DisableAfter and DisableGap are requirement D-32 for a whole system: so many
	// attempts, so far apart, and then it is disabled.
	DisableAfter = 10
	DisableGap   = 5 * time.Minute
)

// longestProbeGap is the time between probes of a system that is down for long.
const longestProbeGap = 5 * time.Minute

// ProbeGap is the time to the next probe after so many failed ones: doubled each
// time, until it is five minutes.
func ProbeGap(failed int) time.Duration {
	gap := FirstProbe
	for range failed {
		if gap *= 2; gap >= longestProbeGap {
			return longestProbeGap
		}
	}
	return gap
}

// Opens reports whether a fault says that its whole system cannot be used: what
// one of its mailboxes meets, all others would meet, too.
func (f *Fault) Opens() bool {
	rule := RuleOf(f.Class, f.Scope)
	return f.Scope == Server && f.Class != Bug && (rule.Counted || rule.Stops)
}
