package activities

import (
	"fmt"
	"hash/fnv"
	"time"
)

// blackOut reports whether no round may begin now, whoever asked for it, and
// says until when.
func (a *Activities) blackOut(m mailbox, out *FetchOut) bool {
	now := a.Now()
	until := m.policy.Schedule.Allowed(now)
	if !until.After(now) {
		return false
	}
	out.Round, out.Next = m.Round, until.Sub(now)
	out.Noticed = fmt.Sprintf("Black-out hours of the policy %s: the next round begins at %s.", m.policy.Name, until.Format("2006-01-02 15:04 MST"))
	return true
}

// next is the time to the next round: as the policy's schedule has it, or its
// shorter gap while something ages, spread by a fixed tenth so that mailboxes do
// not march in step.
func (a *Activities) next(m mailbox, soon bool) time.Duration {
	gap := time.Duration(m.policy.Interval)
	if soon {
		gap = min(gap, time.Duration(m.policy.SettleGap))
	} else {
		gap = m.policy.Schedule.Gap(a.Now(), gap)
	}
	h := fnv.New32a()
	h.Write([]byte(m.ID))
	return gap - gap/20 + time.Duration(int64(gap/10)*int64(h.Sum32()%1000)/1000)
}
