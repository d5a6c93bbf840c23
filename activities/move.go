package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Renaming brings one mailbox under a new address.
type Renaming struct {
	Mailbox model.MailboxID `json:"mailbox"`
	Address string          `json:"address"`
	// User is the new sign-in name; nil = it stays.
	User *string `json:"user,omitempty"`
}

// RenameArgument is the argument of a request that renames mailboxes, all of
// them or none: those whose addresses form a chain or change places.
func RenameArgument(list []Renaming) string {
	b, err := json.Marshal(list)
	if err != nil {
		return "" // ids and addresses cannot fail to encode
	}
	return string(b)
}

// MoveIn names a request that brings mailboxes under other addresses.
type MoveIn struct{ Request string }

// MoveOut says where the mailbox that asked stands afterwards.
type MoveOut struct{ State model.MailboxState }

// Move carries out a rename, or clears a CRM-ID conflict (requirement R-12): it
// waits until nothing of the mailboxes is under way, looks at what lies behind
// the new addresses, and moves all of them in one transaction, or none. It
// writes to no system, and doing it twice is doing it once.
func (a *Activities) Move(ctx context.Context, in MoveIn) (MoveOut, error) {
	r, err := a.Store.Request(ctx, in.Request)
	if err != nil {
		return MoveOut{}, err
	}
	if r.Outcome == store.RequestOpen {
		err = a.relocate(ctx, r)
	}
	var no *refusal
	if errors.As(err, &no) {
		err = a.Store.FinishRequest(ctx, r.ID, store.RequestRefused, no.Error())
	}
	if err != nil {
		return MoveOut{}, err
	}
	m, err := a.Store.Mailbox(ctx, r.Mailbox)
	return MoveOut{State: m.State}, err
}

// refusal is why a command is not carried out, for people. Nothing was changed.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

func (a *Activities) relocate(ctx context.Context, r store.Request) error {
	plans, err := a.moves(ctx, r)
	if err != nil {
		return err
	}
	if len(plans) == 0 {
		return a.Store.FinishRequest(ctx, r.ID, store.RequestDone, "The mailbox has this address already.")
	}
	slices.SortFunc(plans, func(x, y moving) int { return cmp.Compare(x.Mailbox, y.Mailbox) })
	var moves []store.Move
	var said []string
	for _, p := range plans {
		l, err := a.lease(ctx, p.Mailbox)
		if err != nil {
			return err
		}
		defer l.release(ctx)
		if err := a.inspect(ctx, &p); err != nil {
			return err
		}
		moves = append(moves, p.Move)
		said = append(said, p.said())
	}
	err = a.Store.Move(ctx, moves, r.ID, strings.Join(said, " "), a.Now())
	switch {
	case errors.Is(err, store.ErrExists):
		return refuse("An address, or what lies behind it, belongs to another mailbox already. Nothing was changed; see: lockstep mailbox list")
	case errors.Is(err, store.ErrStale):
		return refuse("The mailbox is not in this state any more. Nothing was changed; look at it and give the command again.")
	case err != nil:
		return err
	}
	for _, m := range moves {
		if m.Mailbox != r.Mailbox {
			if err := a.Waker.WakeMailboxes(ctx, []model.MailboxID{m.Mailbox}); err != nil {
				return err
			}
		}
	}
	return nil
}

// moving is a move with what has to be known to judge it.
type moving struct {
	store.Move
	old  mailbox          // as it is
	conn model.Connection // that the new address lies on
	acc  model.Account    // with which it is opened
}

// said is the outcome in words.
func (p *moving) said() string {
	text := fmt.Sprintf("%s is %s now.", p.old.Address, p.acc.Address)
	if p.From != "" {
		text = fmt.Sprintf("The CRM-ID conflict of %s is cleared: CRM user %s goes on where %s stopped.", p.acc.Address, p.old.CRMUser, p.old.Address)
	}
	if p.Rebuild {
		return text + " Another mailbox lies there: its items are compared with the links, and what is to be written waits for approval."
	}
	return text + " Links, cursors and journal were kept, and no item was written on either side."
}

// moves reads what a request asks for and checks it against our own store.
func (a *Activities) moves(ctx context.Context, r store.Request) ([]moving, error) {
	if r.Verb == VerbClear {
		p, err := a.clearing(ctx, r)
		return []moving{p}, err
	}
	var list []Renaming
	if err := json.Unmarshal([]byte(r.Argument), &list); err != nil || len(list) == 0 {
		return nil, refuse("The command is not understood: give the mailbox and its new address.")
	}
	var out []moving
	for _, n := range list {
		p, err := a.renaming(ctx, n)
		if err != nil {
			return nil, err
		}
		if p.Address != p.old.Address || p.User != p.old.User {
			out = append(out, p)
		}
	}
	return out, a.free(ctx, out)
}

func (a *Activities) renaming(ctx context.Context, n Renaming) (moving, error) {
	old, err := a.load(ctx, n.Mailbox)
	if errors.Is(err, store.ErrNotFound) {
		return moving{}, refuse("There is no mailbox %s any more. Nothing was changed.", n.Mailbox)
	}
	if err != nil {
		return moving{}, err
	}
	if parsed, err := mail.ParseAddress(n.Address); err != nil || parsed.Address != n.Address {
		return moving{}, refuse("%s cannot be renamed: %q is not an e-mail address. Nothing was changed.", old.Address, n.Address)
	}
	switch old.State {
	case model.Retired:
		return moving{}, refuse("%s was removed; add it again under its old address first, or under the new one and clear the conflict. Nothing was changed.", old.Address)
	case model.Conflicted:
		return moving{}, refuse("%s", inConflict(old.Mailbox))
	}
	p := moving{old: old, conn: old.mail, Move: store.Move{Mailbox: old.ID, Address: n.Address, User: old.User}}
	if n.User != nil {
		p.User = *n.User
	}
	p.acc = model.Account{Connection: old.mail.ID, Mailbox: old.ID, Address: n.Address, User: p.User, Secret: old.Secret}
	return p, nil
}

// free makes sure that nobody else has the new addresses.
func (a *Activities) free(ctx context.Context, list []moving) error {
	all, err := a.Store.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return err
	}
	leaving := map[model.MailboxID]bool{}
	for _, p := range list {
		leaving[p.Mailbox] = true
	}
	taken := map[string]string{}
	for _, m := range all {
		if m.State != model.Retired && !leaving[m.ID] {
			taken[string(m.Mail)+" "+model.FoldAddress(m.Address)] = m.Address
		}
	}
	for _, p := range list {
		place := string(p.conn.ID) + " " + model.FoldAddress(p.Address)
		if other := taken[place]; other != "" {
			return refuse("%s cannot become %s: that address is in use by another mailbox. Nothing was changed.", p.old.Address, other)
		}
		taken[place] = p.Address
	}
	return nil
}

// clearing reads a request to clear a CRM-ID conflict: it is addressed to the
// mailbox that the CRM user is registered for, and names the one in conflict.
func (a *Activities) clearing(ctx context.Context, r store.Request) (moving, error) {
	old, err := a.load(ctx, r.Mailbox)
	if err != nil {
		return moving{}, err
	}
	from, err := a.load(ctx, model.MailboxID(r.Argument))
	if errors.Is(err, store.ErrNotFound) {
		return moving{}, refuse("There is no mailbox %s. Nothing was changed.", r.Argument)
	}
	switch {
	case err != nil:
		return moving{}, err
	case from.State != model.Conflicted:
		return moving{}, refuse("There is no CRM-ID conflict on %s: it is %s. Nothing was changed.", from.Address, from.State)
	case from.CRM != old.CRM || from.CRMUser != old.CRMUser:
		return moving{}, refuse("The CRM-ID conflict of %s is not with %s. Nothing was changed.", from.Address, old.Address)
	}
	return moving{
		old: old, conn: from.mail,
		Move: store.Move{Mailbox: old.ID, From: from.ID, Address: from.Address, User: from.User},
		acc:  model.Account{Connection: from.mail.ID, Mailbox: old.ID, Address: from.Address, User: from.User, Secret: from.Secret},
	}, nil
}

// inConflict says what can be done about a mailbox in CRM-ID conflict.
func inConflict(m model.Mailbox) string {
	return fmt.Sprintf("%s is in CRM-ID conflict: %s If it is the same person, run: lockstep mailbox clear-conflict %s", m.Address, m.Reason, m.Address)
}
