package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

// peerOrder is what the child with one mailbox needs to know.
type peerOrder struct {
	Dir, URL, User, Password string
	Contacts                 int // that the CRM has at the start
	N                        int // writes to wait for, or rounds to do
	Profile                  string
}

// run is a piece of work as the child saw it.
type run struct {
	Seconds float64            // from the start to the end of the last activity
	Inside  map[string]float64 // seconds inside activities, by name
	Times   map[string]int     // how often each ran
	Busy    float64            // seconds of processor time
	Before  float64            // MB resident before
	Peak    float64            // MB, the most that was resident since the process began
}

const (
	peerOwner = "u-1"
	patience  = 15 * time.Minute
)

// peerRole is Lockstep with one mailbox.
type peerRole struct {
	house
	mailbox model.MailboxID
}

func (r *peerRole) obey(o order) (answer, error) {
	ctx := context.Background()
	var a answer
	var err error
	switch o.Do {
	case "open":
		err = r.open(ctx, o.Peer)
	case "first":
		a.Result, err = r.first(ctx, o.Peer)
	case "quiet":
		err = r.quiet(ctx)
	case "idle":
		a.Result, err = r.idle(ctx, o.Peer.N)
	case "from mail":
		a.Result, err = r.round(ctx, o.Peer.N, func() error { return r.waker.WakeMailboxes(ctx, []model.MailboxID{r.mailbox}) })
	case "from crm":
		a.Result, err = r.round(ctx, o.Peer.N, func() error { return r.edit(ctx, o.Peer.N) })
	default:
		err = fmt.Errorf("unknown order")
	}
	return a, err
}

func (r *peerRole) open(ctx context.Context, o peerOrder) error {
	r.dir, r.clock = o.Dir, newClock()
	r.mail = model.Connection{Name: "mail", Side: model.Mail, Connector: "dav", Settings: map[string]string{"url": o.URL, "kinds": "contact"}}
	r.policy = model.Policy{
		Name: "everything", Approval: "never", Interval: model.Duration(time.Hour), SettleGap: model.Duration(time.Second),
		Kinds: map[model.Kind]model.KindPolicy{model.Contact: {FromMail: "all", FromCRM: "all"}},
	}
	if err := r.build(ctx); err != nil {
		return err
	}
	if _, err := r.crm.ExecContext(ctx, `INSERT INTO crm_user (id, name, email) VALUES (?, 'Someone', 'someone@harbor.example')`, peerOwner); err != nil {
		return err
	}
	if err := r.inOneGo(ctx, fillContacts, o.Contacts, func(i int) []any { return someone(i).contact(peerOwner) }); err != nil {
		return err
	}
	err := r.file(ctx, []setup.Mailbox{{
		Address: o.User + "@harbor.example", CRM: "crm", CRMUser: peerOwner, Mail: "mail", User: o.User, Secret: o.Password, Policy: r.policy.Name,
	}})
	if err != nil {
		return err
	}
	m, err := r.store.MailboxNamed(ctx, o.User+"@harbor.example")
	r.mailbox = m.ID
	return err
}

// first starts the engine and waits for the end of the first sync.
func (r *peerRole) first(ctx context.Context, o peerOrder) (run, error) {
	defer profile(o.Profile)()
	return r.round(ctx, o.N, func() error { return r.start(ctx) })
}

// round begins something and waits for the settled round that has written n
// items.
func (r *peerRole) round(ctx context.Context, n int, begin func() error) (run, error) {
	out := run{Before: memory("VmRSS")}
	from, used := time.Now(), processor()
	if err := begin(); err != nil {
		return out, err
	}
	visits, err := r.until(ctx, from, func(seen []visit) bool {
		done := 0
		for _, v := range seen {
			if a, ok := v.Out.(activities.ApplyOut); ok {
				done += a.Done
			}
		}
		return done >= n && seen[len(seen)-1].Name == "Settle"
	})
	if err != nil {
		return out, err
	}
	out.Busy = (processor() - used).Seconds()
	return r.sum(out, from, visits), nil
}

func (r *peerRole) sum(out run, from time.Time, visits []visit) run {
	out.Inside, out.Times, out.Peak = map[string]float64{}, map[string]int{}, memory("VmHWM")
	out.Seconds = visits[len(visits)-1].Ended.Sub(from).Seconds()
	for _, v := range visits {
		out.Inside[v.Name] += v.Ended.Sub(v.Begun).Seconds()
		out.Times[v.Name]++
	}
	return out
}

// until waits until what happened since a moment is enough.
func (r *peerRole) until(ctx context.Context, from time.Time, enough func([]visit) bool) ([]visit, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		seen, news := r.clock.since(from)
		if len(seen) > 0 && enough(seen) {
			return seen, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, errors.Join(errors.New("it never came to an end"), r.story(seen))
		}
	}
}

// story is what happened, as an error.
func (r *peerRole) story(seen []visit) error {
	text := ""
	for _, v := range seen[max(0, len(seen)-20):] {
		text += fmt.Sprintf("%s %s: %+v %v\n", v.Begun.Format("15:04:05.000"), v.Name, v.Out, v.Err)
	}
	issues, err := r.store.Issues(context.Background(), r.mailbox)
	for _, i := range issues[:min(len(issues), 5)] {
		text += fmt.Sprintf("issue %s %s: %s\n", i.Side, i.Code, i.Message)
	}
	m, err2 := r.store.Mailbox(context.Background(), r.mailbox)
	return errors.Join(fmt.Errorf("the mailbox is %s %q\n%s", m.State, m.Reason, text), err, err2)
}

// wake asks for a round and waits for its Fetch.
func (r *peerRole) wake(ctx context.Context) (visit, time.Duration, error) {
	from := time.Now()
	if err := r.waker.WakeMailboxes(ctx, []model.MailboxID{r.mailbox}); err != nil {
		return visit{}, 0, err
	}
	seen, err := r.until(ctx, from, func(seen []visit) bool { return seen[len(seen)-1].Name == "Fetch" })
	if err != nil {
		return visit{}, 0, err
	}
	v := seen[len(seen)-1]
	return v, v.Ended.Sub(from), nil
}

// quiet waits until nothing happens any more: what the last round wrote was
// seen by the feed, and rounds find nothing to do.
func (r *peerRole) quiet(ctx context.Context) error {
	for range 100 {
		v, _, err := r.wake(ctx)
		if err != nil {
			return err
		}
		f, ok := v.Out.(activities.FetchOut)
		if !ok || f.Work {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		from := time.Now()
		time.Sleep(2500 * time.Millisecond) // the SQLite feed looks once a second
		if seen, _ := r.clock.since(from); len(seen) == 0 {
			return nil
		}
	}
	return errors.New("rounds go on finding something to do")
}

// idle does rounds that find nothing and returns their medians.
func (r *peerRole) idle(ctx context.Context, n int) (run, error) {
	var all, inside []float64
	used := processor()
	for range n {
		v, took, err := r.wake(ctx)
		if err != nil {
			return run{}, err
		}
		if f, ok := v.Out.(activities.FetchOut); !ok || f.Work {
			return run{}, fmt.Errorf("a round without changes found %+v", v.Out)
		}
		all, inside = append(all, took.Seconds()), append(inside, v.Ended.Sub(v.Begun).Seconds())
	}
	return run{
		Seconds: median(all), Inside: map[string]float64{"Fetch": median(inside)}, Times: map[string]int{"Fetch": n},
		Busy: (processor() - used).Seconds() / float64(n), Peak: memory("VmHWM"),
	}, nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// edit changes n contacts in the CRM and has the feed look.
func (r *peerRole) edit(ctx context.Context, n int) error {
	_, err := r.crm.ExecContext(ctx, `UPDATE contact SET nickname = 'Edited' WHERE id IN (SELECT id FROM contact ORDER BY id LIMIT ?)`, n)
	if err != nil {
		return err
	}
	connections, err := r.store.Connections(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(connections, func(c model.Connection) bool { return c.Side == model.CRM })
	if i < 0 {
		return store.ErrNotFound
	}
	return r.waker.WakeConnection(ctx, connections[i].ID)
}
