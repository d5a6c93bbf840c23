package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/simulator/dav"
	"lockstep.dev/workflows"
)

// What every mailbox of the fleet holds at the start; the other side has none
// of it.
const (
	fleetCards    = 2
	fleetMeetings = 1
	fleetContacts = 1 // in the CRM
)

func fleetUser(i int) string    { return fmt.Sprintf("u%05d", i) }
func fleetAddress(i int) string { return fleetUser(i) + "@fleet.example" }

const fleetSecret = "secret"

// mailOrder makes the mail server of the fleet.
type mailOrder struct {
	Dir       string
	Mailboxes int
}

// mailRole is the simulated CalDAV/CardDAV server, in a process of its own so
// that its memory and time are not Lockstep's.
type mailRole struct {
	server *dav.Server
	http   *http.Server
	url    string
}

func (r *mailRole) obey(o order) (answer, error) {
	switch o.Do {
	case "open":
		err := r.open(context.Background(), o.Mail)
		return answer{URL: r.url}, err
	case "processor":
		return answer{Result: run{Seconds: processor().Seconds()}}, nil
	default:
		return answer{}, fmt.Errorf("unknown order")
	}
}

func (r *mailRole) open(ctx context.Context, o mailOrder) error {
	var err error
	if r.server, err = dav.Open(ctx, filepath.Join(o.Dir, "mail.db")); err != nil {
		return err
	}
	for i := range o.Mailboxes {
		if err := r.fill(ctx, i); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.url = "http://" + l.Addr().String() + "/"
	r.http = &http.Server{Handler: r.server, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.http.Serve(l) }() // ends with close
	return nil
}

func (r *mailRole) fill(ctx context.Context, i int) error {
	user := fleetAddress(i)
	if err := r.server.AddUser(ctx, dav.User{Name: user, Password: fleetSecret}); err != nil {
		return err
	}
	objects := map[string]func(n int) (name, text string){
		"contacts": func(n int) (string, string) { return cardName(n), someone(i*fleetCards + n).card("") },
		"calendar": func(n int) (string, string) { return fmt.Sprintf("event-%d.ics", n), meeting(i, n) },
	}
	for _, c := range []struct {
		dav.Collection
		n int
	}{
		{dav.Collection{User: user, Kind: dav.AddressBook, Name: "contacts"}, fleetCards},
		{dav.Collection{User: user, Kind: dav.Calendar, Name: "calendar"}, fleetMeetings},
		{dav.Collection{User: user, Kind: dav.Calendar, Name: "tasks", Components: []string{"VTODO"}}, 0},
	} {
		path, err := r.server.AddCollection(ctx, c.Collection)
		if err != nil {
			return err
		}
		for n := range c.n {
			name, text := objects[c.Name](n)
			if _, err := r.server.Put(ctx, path+name, []byte(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// meeting is an appointment of one person, some days ahead.
func meeting(mailbox, n int) string {
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1+(mailbox+n)%60).Add(9 * time.Hour)
	const form = "20060102T150405Z"
	return strings.ReplaceAll(fmt.Sprintf(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Calendar 4//EN
BEGIN:VEVENT
UID:6a2d8f1b-0000-4000-8000-%06d%06d
DTSTAMP:20260101T000000Z
DTSTART:%s
DTEND:%s
SUMMARY:Review %d
LOCATION:Room %d
END:VEVENT
END:VCALENDAR
`, mailbox, n, start.Format(form), start.Add(time.Hour).Format(form), n, mailbox%20), "\n", "\r\n")
}

func (r *mailRole) close() {
	if r.http != nil {
		r.http.Close()
	}
	if r.server != nil {
		r.server.Close()
	}
}

// crewOrder makes and runs the fleet.
type crewOrder struct {
	Dir, URL         string
	Mailboxes        int
	Interval, Window time.Duration
}

// fleetResult is what a window of time showed.
type fleetResult struct {
	Seconds       float64
	Rounds        int
	Lateness      []float64 // of each round, in seconds, sorted
	Missed        int       // rounds due within the window that had not begun at its end, counted in Lateness, too
	Early         int       // woken by a change, before they were due
	InFetch       []float64 // seconds inside Fetch, sorted
	Processor     float64   // seconds of processor time
	Peak, Now     float64   // MB resident
	Heap          float64   // MB of it that Go's heap has in use
	Stacks        float64   // MB of goroutines' stacks
	Outside       float64   // MB resident that Go's runtime does not know of: SQLite
	EventsARound  float64   // of history
	BytesARound   float64   // that Temporal's file grew by
	Ramp          float64   // seconds until every mailbox had done its first sync (restart: was woken)
	RampProcessor float64   // processor seconds in them
	Failures      map[string]int
	Delays        delays
}

// crewRole is Lockstep with a fleet of mailboxes.
type crewRole struct {
	house
	order crewOrder
	book  *logbook
}

func (r *crewRole) obey(o order) (answer, error) {
	ctx := context.Background()
	var a answer
	var err error
	switch o.Do {
	case "open":
		err = r.open(ctx, o.Crew)
	case "steady":
		a.Fleet, err = r.steady(ctx)
	case "restart":
		a.Fleet, err = r.restart(ctx)
	default:
		err = fmt.Errorf("unknown order")
	}
	return a, err
}

func (r *crewRole) open(ctx context.Context, o crewOrder) error {
	r.order, r.dir, r.clock, r.book = o, o.Dir, newClock(), newLogbook()
	r.clock.begin, r.clock.end = r.book.begin, r.book.end
	all := model.KindPolicy{FromMail: "all", FromCRM: "all"}
	r.mail = model.Connection{Name: "mail", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": o.URL}}
	r.policy = model.Policy{
		Name: "everything", Approval: "never", Interval: model.Duration(o.Interval),
		Kinds: map[model.Kind]model.KindPolicy{model.Contact: all, model.Event: all, model.Task: all},
	}
	if err := r.build(ctx); err != nil {
		return err
	}
	err := r.inOneGo(ctx, `INSERT INTO crm_user (id, name, email) VALUES (?, ?, ?)`, o.Mailboxes, func(i int) []any {
		return []any{fleetUser(i), fleetUser(i), fleetAddress(i)}
	})
	if err != nil {
		return err
	}
	return r.inOneGo(ctx, fillContacts, o.Mailboxes*fleetContacts, func(i int) []any {
		return someone(1_000_000 + i).contact(fleetUser(i / fleetContacts))
	})
}

// steady lets the mailboxes join one after the other, evenly over an interval,
// as an administrator would have them, and then watches a window.
func (r *crewRole) steady(ctx context.Context) (fleetResult, error) {
	if err := r.file(ctx, nil); err != nil {
		return fleetResult{}, err
	}
	if err := r.start(ctx); err != nil {
		return fleetResult{}, err
	}
	from, used := time.Now(), processor()
	if err := r.join(ctx, from); err != nil {
		return fleetResult{}, err
	}
	if err := r.settled(ctx); err != nil {
		return fleetResult{}, err
	}
	ramp, rampUsed := time.Since(from).Seconds(), (processor() - used).Seconds()
	out, err := r.watch(ctx, "steady")
	out.Ramp, out.RampProcessor = ramp, rampUsed
	return out, err
}

func (r *crewRole) join(ctx context.Context, from time.Time) error {
	crm, err := r.store.ConnectionNamed(ctx, "crm")
	if err != nil {
		return err
	}
	mail, err := r.store.ConnectionNamed(ctx, "mail")
	if err != nil {
		return err
	}
	n := r.order.Mailboxes
	for i := range n {
		time.Sleep(time.Until(from.Add(r.order.Interval * time.Duration(i) / time.Duration(n))))
		m, err := r.store.Register(ctx, model.Mailbox{
			Address: fleetAddress(i), CRM: crm.ID, CRMUser: fleetUser(i), Mail: mail.ID,
			User: fleetAddress(i), Secret: fleetSecret, Policy: r.policy.Name, State: model.Active,
		})
		if err != nil {
			return err
		}
		if err := r.waker.WakeMailboxes(ctx, []model.MailboxID{m.ID}); err != nil {
			return err
		}
		if (i+1)%max(n/10, 1) == 0 {
			r.say(fmt.Sprintf("%d mailboxes joined", i+1))
		}
	}
	return nil
}

// settled waits until every mailbox has done its first sync and, for another
// while, whatever follows from it.
func (r *crewRole) settled(ctx context.Context) error {
	defer profile("fleet-joining")()
	end := time.Now().Add(patience)
	for {
		n, err := r.initialized(ctx)
		if err != nil {
			return err
		}
		r.say(fmt.Sprintf("%d mailboxes have done their first sync", n))
		if n == r.order.Mailboxes {
			time.Sleep(calming)
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %s only %d of %d mailboxes have done their first sync", patience, n, r.order.Mailboxes)
		}
		time.Sleep(5 * time.Second)
	}
}

// calming is how long the last mailbox's rounds follow each other quickly.
const calming = 30 * time.Second

// say tells on the terminal how it goes.
func (r *crewRole) say(what string) {
	fmt.Fprintf(os.Stderr, "%s  %s, %.0f MB, load %s\n", time.Now().Format("15:04:05"), what, memory("VmRSS"), load())
}

// watch observes the fleet for a window of time.
func (r *crewRole) watch(ctx context.Context, name string) (fleetResult, error) {
	sample := workflows.MailboxWorkflowID(r.anyMailbox(ctx))
	events, size, used := r.events(ctx, sample), r.fileSize(), processor()
	stop := profile("fleet-" + name)
	from := r.book.open(sample)
	for end := from.Add(r.order.Window); time.Now().Before(end); {
		time.Sleep(min(time.Until(end), 30*time.Second))
		r.say(r.book.progress())
	}
	out := r.book.close()
	stop()
	out.Seconds, out.Processor = time.Since(from).Seconds(), (processor() - used).Seconds()
	out.Peak, out.Now = memory("VmHWM"), memory("VmRSS")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	const mb = 1 << 20
	out.Heap, out.Stacks = float64(m.HeapInuse)/mb, float64(m.StackInuse)/mb
	out.Outside = max(out.Now-float64(m.Sys-m.HeapReleased)/mb, 0)
	if n := r.book.samples(); n > 0 {
		out.EventsARound = float64(r.events(ctx, sample)-events) / float64(n)
	}
	out.BytesARound = float64(r.fileSize()-size) / float64(max(out.Rounds, 1))
	var err error
	out.Delays, err = r.delays(ctx, from)
	return out, err
}
