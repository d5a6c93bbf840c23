package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const (
	// poll is the time between two looks at a request's row.
	poll = 200 * time.Millisecond
	// dialFor is how long Temporal may take to answer.
	dialFor = 5 * time.Second
)

// patience is how long a command waits for what it asked for.
type patience struct {
	timeout time.Duration
	noWait  bool
}

func (w *patience) flags(c *cobra.Command, timeout time.Duration) {
	c.Flags().DurationVar(&w.timeout, "timeout", timeout, "how `long` to wait for the outcome")
	c.Flags().BoolVar(&w.noWait, "no-wait", false, "do not wait for the outcome")
}

// ask makes a command of a mailbox: it stores the request, hands it over, and
// waits for its outcome. The request is a row before anything acts on it
// (design decision 12), so whatever happens to this program or to Temporal, it
// is carried out once.
func (a *app) ask(ctx context.Context, m model.Mailbox, verb, argument string, w patience) (store.Request, error) {
	h, err := a.home(ctx)
	if err != nil {
		return store.Request{}, err
	}
	r, err := h.Store.AddRequest(ctx, store.Request{Mailbox: m.ID, Verb: verb, Argument: argument, By: a.By, At: a.Now()})
	if err != nil {
		return r, err
	}
	if err := a.hand(ctx, func(ctx context.Context, e Engine) error { return e.Request(ctx, r) }); err != nil {
		return r, partial("Lockstep does not run (%s). The command is kept as %s and will be carried out when Lockstep runs again", short(err), r.ID)
	}
	if w.noWait {
		a.talk("%s: accepted as %s", m.Address, r.ID)
		return r, nil
	}
	if r, err = a.await(ctx, r.ID, w.timeout); err != nil {
		return r, err
	}
	switch r.Outcome {
	case store.RequestDone:
		return r, nil
	case store.RequestRefused:
		return r, fmt.Errorf("%s: %s", m.Address, r.Message)
	default:
		return r, partial("%s: accepted as %s, and not carried out yet; see: lockstep request show %s", m.Address, r.ID, r.ID)
	}
}

// hand reaches what runs, within a few seconds or not at all.
func (a *app) hand(ctx context.Context, f func(context.Context, Engine) error) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	e, err := h.Dial(ctx)
	if err != nil {
		return err
	}
	return f(ctx, e)
}

// short leaves out the technical part of why Temporal is not reached.
func short(err error) string {
	var u *setup.Unreachable
	if errors.As(err, &u) {
		return u.Short()
	}
	return err.Error()
}

// await looks at a request until it is finished or the time is up.
func (a *app) await(ctx context.Context, id string, timeout time.Duration) (store.Request, error) {
	ends := a.Now().Add(timeout)
	if r, err := a.opened.Store.Request(ctx, id); err == nil && r.Outcome == store.RequestOpen {
		a.sayWaiting(ctx, a.opened.Store, r.Mailbox)
	}
	for {
		r, err := a.opened.Store.Request(ctx, id)
		if err != nil || r.Outcome != store.RequestOpen || !a.Now().Before(ends) {
			return r, err
		}
		if err := a.Pause(ctx, poll); err != nil {
			return r, partial("stopped waiting; the command stays accepted as %s", id)
		}
	}
}

// command carries out a verb on several mailboxes, one after the other.
func (a *app) command(ctx context.Context, names []string, verb, argument string, w patience) error {
	var failed []error
	views := []requestView{}
	for _, name := range names {
		_, m, err := a.named(ctx, name)
		if err == nil {
			var r store.Request
			if r, err = a.ask(ctx, m, verb, argument, w); r.ID != "" {
				views = append(views, requestOf(m.Address, r))
			}
			if err == nil && r.Outcome == store.RequestDone {
				a.talk("%s: %s", m.Address, r.Message)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if a.json {
		if err := a.print(views, nil); err != nil {
			return err
		}
	}
	return several(len(names), failed)
}

func requestOf(address string, r store.Request) requestView {
	outcome := string(r.Outcome)
	if r.Outcome == store.RequestOpen {
		outcome = "open"
	}
	return requestView{ID: r.ID, Mailbox: address, Verb: r.Verb, Argument: r.Argument, By: r.By, At: optional(r.At), Outcome: outcome, Message: r.Message}
}

func (a *app) request() *cobra.Command {
	show := &cobra.Command{
		Use: "show REQUEST", Short: "Show what became of a command", Args: takes(1, 1),
		Example: "  lockstep request show req_06d1...",
		RunE:    func(c *cobra.Command, args []string) error { return a.requestShow(c.Context(), args[0]) },
	}
	list := &cobra.Command{
		Use: "list [MAILBOX]", Short: "List accepted commands that are not finished", Args: takes(0, 1),
		Example: "  lockstep request list", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error { return a.requestList(c.Context(), args) },
	}
	return group("request", "Accepted commands and what became of them", show, list)
}

func (a *app) requestShow(ctx context.Context, id string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	r, err := h.Store.Request(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no request %s", id)
	}
	if err != nil {
		return err
	}
	v := requestOf(a.addressOf(ctx, r.Mailbox), r)
	return a.print(v, func(w io.Writer) {
		pairs(w, [2]string{"Request", v.ID}, [2]string{"Mailbox", v.Mailbox}, [2]string{"Command", v.Verb},
			[2]string{"Argument", v.Argument}, [2]string{"Asked by", v.By}, [2]string{"Asked", relative(a.Now(), r.At)},
			[2]string{"Outcome", v.Outcome}, [2]string{"Message", v.Message})
	})
}

// addressOf names a mailbox, by its id where it is not known any more.
func (a *app) addressOf(ctx context.Context, id model.MailboxID) string {
	m, err := a.opened.Store.Mailbox(ctx, id)
	if err != nil {
		return string(id)
	}
	return m.Address
}

func (a *app) requestList(ctx context.Context, args []string) error {
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	var id model.MailboxID
	if len(args) > 0 {
		_, m, err := a.named(ctx, args[0])
		if err != nil {
			return err
		}
		id = m.ID
	}
	rows, err := h.Store.OpenRequests(ctx, id)
	if err != nil {
		return err
	}
	views := []requestView{}
	t := table{head: []string{"REQUEST", "MAILBOX", "COMMAND", "ASKED BY", "ASKED"}, none: "Every accepted command is finished."}
	for _, r := range rows {
		v := requestOf(a.addressOf(ctx, r.Mailbox), r)
		views = append(views, v)
		t.rows = append(t.rows, []string{v.ID, v.Mailbox, v.Verb, v.By, relative(a.Now(), r.At)})
	}
	return a.list(views, t)
}
