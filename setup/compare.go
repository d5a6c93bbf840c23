package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Entry is one thing of a Report.
type Entry struct {
	What    string   `json:"what"` // connection, policy or mailbox
	Name    string   `json:"name"`
	Changes []string `json:"changes,omitempty"` // what is different, for people; no secrets
}

// Report says what applying a file does, or did.
type Report struct {
	Added   []Entry `json:"added"`
	Changed []Entry `json:"changed"`
	Same    []Entry `json:"same"`
	// Left are in the store and not in the file; nothing happens to them.
	Left []Entry `json:"left_alone"`
	// What has to be woken, so that it notices.
	Connections []model.ConnectionID `json:"-"`
	Mailboxes   []model.MailboxID    `json:"-"`
}

// changes is what a file would change in a store.
type changes struct {
	file        File
	report      Report
	connections []connectionChange
	policies    []model.Policy
	mailboxes   []mailboxChange
	known       map[string]model.Connection // by name: as they will be
}

type connectionChange struct {
	at path
	to model.Connection
}

type mailboxChange struct {
	at  path
	in  Mailbox
	old model.Mailbox // ID empty = new or removed before
	// rival is another mailbox of the same CRM user whose immutable id may yet
	// prove that it is the same one under an older address.
	rival *model.Mailbox
}

// compare finds out what a file changes; it writes nothing.
func compare(ctx context.Context, st store.Registry, f File) (*changes, error) {
	c := &changes{file: f, known: map[string]model.Connection{}}
	for _, step := range []func(context.Context, store.Registry) error{c.compareConnections, c.comparePolicies, c.compareMailboxes} {
		if err := step(ctx, st); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *changes) wrong(at path, format string, args ...any) error {
	return Problems{c.file.doc.problem(at, format, args...)}
}

// note files an entry under what happens to it.
func (c *changes) note(e Entry, isNew bool) {
	list := &c.report.Same
	switch {
	case isNew:
		list = &c.report.Added
	case len(e.Changes) > 0:
		list = &c.report.Changed
	}
	*list = append(*list, e)
}

func (c *changes) compareConnections(ctx context.Context, st store.Registry) error {
	stored, err := st.Connections(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		c.known[s.Name] = s
		if !slices.ContainsFunc(c.file.Connections, func(n model.Connection) bool { return n.Name == s.Name }) {
			c.report.Left = append(c.report.Left, Entry{What: "connection", Name: s.Name})
		}
	}
	for i, to := range c.file.Connections {
		old, exists := c.known[to.Name]
		at := path{"connections", i}
		if exists && (old.Side != to.Side || old.Connector != to.Connector) {
			return c.wrong(child(at, "connector"), "the connection %s is %s on the %s side; it cannot become another system: give that one a name of its own", to.Name, old.Connector, old.Side)
		}
		to.ID = old.ID
		e := Entry{What: "connection", Name: to.Name}
		if exists {
			e.Changes = connectionChanges(old, to)
		}
		c.note(e, !exists)
		c.known[to.Name] = to
		if !exists || len(e.Changes) > 0 {
			c.connections = append(c.connections, connectionChange{at, to})
		}
	}
	return nil
}

// connectionChanges names what differs; values may hold secrets.
func connectionChanges(old, to model.Connection) []string {
	var out []string
	keys := slices.Concat(slices.Collect(maps.Keys(old.Settings)), slices.Collect(maps.Keys(to.Settings)))
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if old.Settings[k] != to.Settings[k] {
			out = append(out, "settings."+k)
		}
	}
	if old.Secret != to.Secret {
		out = append(out, "secret")
	}
	return append(out, differing(
		different{"owner", old.Owner, to.Owner}, different{"every", old.Every.String(), to.Every.String()})...)
}

type different struct{ key, old, to string }

func differing(list ...different) []string {
	var out []string
	for _, d := range list {
		if d.old != d.to {
			out = append(out, fmt.Sprintf("%s: %s -> %s", d.key, orNothing(d.old), orNothing(d.to)))
		}
	}
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

func (c *changes) comparePolicies(ctx context.Context, st store.Registry) error {
	stored, err := st.Policies(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if s.Name != defaultPolicy && !slices.ContainsFunc(c.file.Policies, func(p model.Policy) bool { return p.Name == s.Name }) {
			c.report.Left = append(c.report.Left, Entry{What: "policy", Name: s.Name})
		}
	}
	for _, to := range c.file.Policies {
		e := Entry{What: "policy", Name: to.Name}
		i := slices.IndexFunc(stored, func(p model.Policy) bool { return p.Name == to.Name })
		if i >= 0 {
			e.Changes = PolicyChanges(stored[i], to)
		}
		c.note(e, i < 0)
		if i < 0 || len(e.Changes) > 0 {
			c.policies = append(c.policies, to)
		}
	}
	return nil
}

func (c *changes) compareMailboxes(ctx context.Context, st store.Registry) error {
	stored, err := st.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return err
	}
	for _, s := range stored {
		named := func(m Mailbox) bool {
			return model.FoldAddress(m.Address) == model.FoldAddress(s.Address) && c.known[m.Mail].ID == s.Mail
		}
		if s.State != model.Retired && !slices.ContainsFunc(c.file.Mailboxes, named) {
			c.report.Left = append(c.report.Left, Entry{What: "mailbox", Name: s.Address})
		}
	}
	for i, in := range c.file.Mailboxes {
		if err := c.compareMailbox(ctx, st, path{"mailboxes", i}, in, stored); err != nil {
			return err
		}
	}
	return nil
}

func (c *changes) compareMailbox(ctx context.Context, st store.Registry, at path, in Mailbox, stored []model.Mailbox) error {
	crm, err := c.connection(child(at, "crm"), in.CRM, model.CRM)
	if err != nil {
		return err
	}
	mail, err := c.connection(child(at, "mail"), in.Mail, model.Mail)
	if err != nil {
		return err
	}
	if err := c.policyExists(ctx, st, child(at, "policy"), in.Policy); err != nil {
		return err
	}
	change, e := mailboxChange{at: at, in: in}, Entry{What: "mailbox", Name: in.Address}
	for _, s := range stored {
		same := model.FoldAddress(s.Address) == model.FoldAddress(in.Address)
		switch {
		case s.CRM == crm.ID && crm.ID != "" && s.CRMUser == in.CRMUser && (!same || s.Mail != mail.ID):
			if change.rival = &s; s.Identity == "" || s.Mail != mail.ID {
				return Problems{c.taken(change)}
			}
		case same && s.Mail == mail.ID && s.State != model.Retired:
			if s.CRM != crm.ID || s.CRMUser != in.CRMUser {
				return c.wrong(child(at, "crm_user"), "the mailbox %s belongs to another CRM user already; remove it there first: lockstep mailbox remove %s", in.Address, in.Address)
			}
			change.old = s
		}
	}
	if change.old.ID != "" {
		e.Changes = mailboxChanges(change.old, in)
	}
	c.note(e, change.old.ID == "")
	if change.old.ID == "" || len(e.Changes) > 0 {
		c.mailboxes = append(c.mailboxes, change)
	}
	return nil
}

// taken says that the CRM user belongs to another mailbox.
func (c *changes) taken(m mailboxChange) *Problem {
	return c.file.doc.wrap(child(m.at, "crm_user"), &store.Conflict{CRMUser: m.in.CRMUser, Mailbox: m.rival.ID})
}

func mailboxChanges(old model.Mailbox, in Mailbox) []string {
	out := differing(different{"policy", old.Policy, in.Policy}, different{"user", old.User, in.User})
	if old.Secret != in.Secret {
		out = append(out, "secret")
	}
	return out
}

func (c *changes) connection(at path, name string, side model.Side) (model.Connection, error) {
	found, ok := c.known[name]
	if !ok || found.Side != side {
		return found, c.wrong(at, "there is no connection %q of the %s side", name, side)
	}
	return found, nil
}

func (c *changes) policyExists(ctx context.Context, st store.Registry, at path, name string) error {
	if slices.ContainsFunc(c.file.Policies, func(p model.Policy) bool { return p.Name == name }) {
		return nil
	}
	_, err := st.Policy(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return c.wrong(at, "there is no policy %q", name)
	}
	return err
}
