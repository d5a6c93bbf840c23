package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lockstep.dev/model"
)

// Proving is the freshness alarm (requirement B11): whoever has shown no success
// for too long is told of, even if nothing reported an error. It is computed from
// what the store holds, so it notices workers, timers and a Temporal that stood
// still as well.
type Proving interface {
	// CheckFreshness raises and ends alerts of the workload Freshness and returns
	// how many of each. It disables nothing.
	CheckFreshness(ctx context.Context, w Watch, now time.Time) (raised, ended int, err error)
	// SetExpiry notes when the credentials of a mailbox, or of a connection itself
	// (the mailbox is empty), expire; a zero time = nobody knows.
	SetExpiry(ctx context.Context, m model.MailboxID, c model.ConnectionID, at time.Time) error
	// Expiries lists what is known, of mailboxes that were not removed.
	Expiries(ctx context.Context) ([]Term, error)
}

// Watch says from when on silence is an alarm, and what it says.
type Watch struct {
	Intervals map[string]Patience // by policy; a mailbox of another policy is not watched
	Mailbox   Said
	System    Said // of every mailbox of a connection
	Feed      Said // of a CRM that nobody has read
	Expiry    Dated
}

// Patience is how long a mailbox may be silent after its next round was due.
type Patience struct {
	Late time.Duration
	// Early is when it counts towards its whole connection: less than Late by the
	// time in which all mailboxes of a system that went silent have come that far.
	Early time.Duration
}

// Said is the code and the message of an alert.
type Said struct{ Code, Message string }

// Life is what is known of an active mailbox.
type Life struct {
	Mailbox   model.MailboxID
	Mail, CRM model.ConnectionID
	Policy    string
	// Proven is the end of the last round that worked; zero = never. Due is from
	// when on the next one was to be expected.
	Proven, Due time.Time
}

// Pulse is what is known of a CRM connection.
type Pulse struct {
	Connection model.ConnectionID
	Every      time.Duration
	Begun      time.Time // of the last pass that was finished; zero = none
}

const (
	// passes is how many readings of a CRM may fail to happen, and leastPass the
	// time below which that means nothing: a pass may take long.
	passes    = 6
	leastPass = time.Hour
)

// Verdicts is what CheckFreshness has to write.
type Verdicts struct {
	Raise  []Alert  // without id
	End    []string // ids
	Silent []string // ids of those of End whose end is nobody's news
	Still  []string // ids of whole connections that are silent as before
}

// Judge decides it, from all active mailboxes, all CRM connections, what is known
// of credentials, and the alerts that are open.
func Judge(w Watch, lives []Life, pulses []Pulse, terms []Term, open []Alert, now time.Time) Verdicts {
	j := judge{
		w: w, now: now, stopped: map[model.ConnectionID]bool{}, silent: map[model.ConnectionID]bool{},
		alerts: map[key]Alert{}, expiring: map[key]Alert{},
	}
	for _, a := range open {
		switch {
		case a.Workload == Freshness:
			j.alerts[key{a.Mailbox, a.Connection, a.Side}] = a
		case a.Workload == Credentials:
			j.expiring[key{a.Mailbox, a.Connection, a.Side}] = a
		case a.Mailbox == "" && a.Stops():
			j.stopped[a.Connection] = true
		}
	}
	j.feeds(lives, pulses)
	j.systems(lives)
	j.mailboxes(lives)
	j.rest()
	j.expiries(terms)
	return j.out
}

type key struct {
	mailbox    model.MailboxID
	connection model.ConnectionID
	side       model.Side
}

type judge struct {
	w       Watch
	now     time.Time
	stopped map[model.ConnectionID]bool // it is known that nothing works through it
	silent  map[model.ConnectionID]bool // told of as a whole
	alerts  map[key]Alert               // open, and not looked at yet
	// expiring are the open warnings of credentials, less those that still hold.
	expiring map[key]Alert
	out      Verdicts
}

// take returns the open alert of a subject and counts it as looked at.
func (j *judge) take(k key) (Alert, bool) {
	a, ok := j.alerts[k]
	delete(j.alerts, k)
	return a, ok
}

func (j *judge) raise(k key, said Said, since time.Time) {
	j.out.Raise = append(j.out.Raise, Alert{
		Mailbox: k.mailbox, Connection: k.connection, Workload: Freshness, Side: k.side, Code: said.Code, Message: said.Message, First: since,
	})
}

func (j *judge) end(a Alert, silent bool) {
	j.out.End = append(j.out.End, a.ID)
	if silent {
		j.out.Silent = append(j.out.Silent, a.ID)
	}
}

// feeds looks at CRMs that somebody uses.
func (j *judge) feeds(lives []Life, pulses []Pulse) {
	used := map[model.ConnectionID]time.Time{} // since when at least
	for _, l := range lives {
		if t, ok := used[l.CRM]; !ok || l.Due.Before(t) {
			used[l.CRM] = l.Due
		}
	}
	for _, p := range pulses {
		k := key{"", p.Connection, model.CRM}
		a, open := j.take(k)
		since, ok := used[p.Connection]
		if p.Begun.After(since) || !p.Begun.IsZero() {
			since = p.Begun
		}
		late := ok && j.now.Sub(since) > max(passes*p.Every, leastPass)
		switch {
		case open && !late:
			j.end(a, !ok)
		case open:
			j.silent[p.Connection] = true
		case late && !j.stopped[p.Connection]:
			j.silent[p.Connection] = true
			j.raise(k, j.w.Feed, since)
		}
	}
}

// systems looks at mail connections of which every mailbox is silent.
func (j *judge) systems(lives []Life) {
	type sum struct {
		all, early int
		since      time.Time // the last success of any
		longest    time.Duration
	}
	sums := map[model.ConnectionID]*sum{}
	var order []model.ConnectionID
	for _, l := range lives {
		p, watched := j.w.Intervals[l.Policy]
		if !watched {
			continue
		}
		s := sums[l.Mail]
		if s == nil {
			s = &sum{}
			sums[l.Mail] = s
			order = append(order, l.Mail)
		}
		s.all++
		s.longest = max(s.longest, p.Late)
		if l.Proven.After(s.since) {
			s.since = l.Proven
		}
		if j.now.Sub(l.Due) > p.Early {
			s.early++
		}
	}
	slices.Sort(order)
	for _, c := range order {
		s, k := sums[c], key{"", c, model.Mail}
		a, open := j.take(k)
		whole := s.all > 1 && s.early == s.all
		switch {
		case open && whole:
			j.out.Still = append(j.out.Still, a.ID)
			j.silent[c] = true
		case open && s.early > 0 && j.now.Sub(a.Last) <= s.longest:
			j.silent[c] = true // it comes back, one mailbox after the other
		case open:
			j.end(a, false)
		case whole && !j.stopped[c]:
			j.silent[c] = true
			if s.since.IsZero() {
				s.since = j.now
			}
			j.raise(k, j.w.System, s.since)
		}
	}
}

// mailboxes looks at single mailboxes. Those of a connection that is known not
// to work, or is silent as a whole, are part of that.
func (j *judge) mailboxes(lives []Life) {
	for _, l := range lives {
		k := key{l.Mailbox, l.Mail, model.Mail}
		a, open := j.take(k)
		p, watched := j.w.Intervals[l.Policy]
		late := watched && j.now.Sub(l.Due) > p.Late
		wide := j.silent[l.Mail] || j.silent[l.CRM] || j.stopped[l.Mail] || j.stopped[l.CRM]
		switch {
		case open && !late:
			j.end(a, false)
		case open && wide:
			j.end(a, true)
		case late && !open && !wide:
			since := l.Proven
			if since.IsZero() {
				since = l.Due
			}
			j.raise(k, j.w.Mailbox, since)
		}
	}
}

// rest ends what is about nobody active any more.
func (j *judge) rest() {
	var left []Alert
	for _, a := range j.alerts {
		left = append(left, a)
	}
	slices.SortFunc(left, func(a, b Alert) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range left {
		j.end(a, true)
	}
}
