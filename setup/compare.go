package setup

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"lockstep.dev/connector"
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
	// Renamed have another address by now than the file says; nothing happens to
	// them, either.
	Renamed []Entry `json:"renamed,omitempty"`
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
	conflicts   Problems                    // CRM-ID conflicts that are known already, or cannot be disproved
	known       map[string]model.Connection // by name: as they will be
	policyNames map[string]bool
}

type connectionChange struct {
	at path
	to model.Connection
}

type mailboxChange struct {
	at   path
	in   Mailbox
	old  model.Mailbox // ID empty = new or removed before
	box  box
	seat seat
	// rival is another mailbox of the same CRM user whose immutable id may yet
	// prove that it is the same one under an older address.
	rival *model.Mailbox
}

// compare finds out what a file changes; it writes nothing.
func compare(ctx context.Context, st store.Registry, f File) (*changes, error) {
	c := &changes{file: f, known: map[string]model.Connection{}, policyNames: map[string]bool{}}
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
		different{"owner", old.Owner, to.Owner}, different{"every", old.Every.String(), to.Every.String()},
		different{"outage", old.Outage, to.Outage})...)
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
		c.policyNames[s.Name] = true
		if s.Name != defaultPolicy && !slices.ContainsFunc(c.file.Policies, func(p model.Policy) bool { return p.Name == s.Name }) {
			c.report.Left = append(c.report.Left, Entry{What: "policy", Name: s.Name})
		}
	}
	for _, to := range c.file.Policies {
		c.policyNames[to.Name] = true
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

// seat is a CRM user of a connection; box is an address at a mail connection.
type (
	seat struct {
		crm  model.ConnectionID
		user string
	}
	box struct {
		mail    model.ConnectionID
		address string // folded
	}
)

func (c *changes) compareMailboxes(ctx context.Context, st store.Registry) error {
	list, err := st.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return err
	}
	live, seats := map[box]model.Mailbox{}, map[seat][]model.Mailbox{}
	for _, s := range list {
		seats[seat{s.CRM, s.CRMUser}] = append(seats[seat{s.CRM, s.CRMUser}], s)
		if s.State != model.Retired {
			live[box{s.Mail, model.FoldAddress(s.Address)}] = s
		}
	}
	named := map[box]bool{}
	for i, in := range c.file.Mailboxes {
		change, err := c.resolve(path{"mailboxes", i}, in)
		if err != nil {
			return err
		}
		named[change.box] = true
		since, err := renamedSince(ctx, st, change, seats[change.seat])
		if err != nil {
			return err
		}
		if since.ID != "" {
			named[box{since.Mail, model.FoldAddress(since.Address)}] = true
			c.report.Renamed = append(c.report.Renamed, Entry{
				What: "mailbox", Name: in.Address, Changes: []string{"renamed to " + since.Address + " since; write that into the file"},
			})
			continue
		}
		if err := c.compareMailbox(change, live[change.box], seats[change.seat]); err != nil {
			return err
		}
	}
	for _, s := range list {
		if s.State != model.Retired && !named[box{s.Mail, model.FoldAddress(s.Address)}] {
			c.report.Left = append(c.report.Left, Entry{What: "mailbox", Name: s.Address})
		}
	}
	return nil
}

// resolve finds what a mailbox refers to. A connection that is not saved yet
// has no id, and then nothing in the store can be in the mailbox's place.
func (c *changes) resolve(at path, in Mailbox) (mailboxChange, error) {
	crm, err := c.connection(child(at, "crm"), in.CRM, model.CRM)
	if err != nil {
		return mailboxChange{}, err
	}
	mail, err := c.connection(child(at, "mail"), in.Mail, model.Mail)
	if err != nil {
		return mailboxChange{}, err
	}
	if refused, _ := connector.Combine(crm, mail); refused != "" {
		return mailboxChange{}, c.wrong(child(at, "mail"), "%s and %s cannot work together: %s", in.CRM, in.Mail, refused)
	}
	return mailboxChange{
		at: at, in: in, box: box{mail.ID, model.FoldAddress(in.Address)}, seat: seat{crm.ID, in.CRMUser},
	}, c.policyExists(child(at, "policy"), in.Policy)
}

// renamedSince finds the mailbox of a CRM user that had the address of a change
// before it was renamed.
func renamedSince(ctx context.Context, st store.Registry, change mailboxChange, ofUser []model.Mailbox) (model.Mailbox, error) {
	for _, s := range ofUser {
		if !s.State.TakesPart() || s.Mail != change.box.mail || model.FoldAddress(s.Address) == change.box.address {
			continue
		}
		former, err := st.Former(ctx, s.ID)
		if err != nil || slices.Contains(former, change.box.address) {
			return s, err
		}
	}
	return model.Mailbox{}, nil
}

// compareMailbox compares a mailbox with the live one at its address, if there
// is one, and with those that its CRM user has or had.
func (c *changes) compareMailbox(change mailboxChange, live model.Mailbox, ofUser []model.Mailbox) error {
	for _, s := range ofUser {
		if s.State == model.Conflicted || s.Successor != "" || (box{s.Mail, model.FoldAddress(s.Address)}) == change.box {
			continue
		}
		change.rival = &s
		if live.State == model.Conflicted && len(mailboxChanges(live, change.in)) == 0 {
			c.conflicts = append(c.conflicts, c.taken(change))
			return nil
		}
	}
	if live.ID != "" && (seat{live.CRM, live.CRMUser}) != change.seat {
		return c.wrong(child(change.at, "crm_user"), "the mailbox %s belongs to another CRM user already; remove it there first: lockstep mailbox remove %s", live.Address, live.Address)
	}
	if live.State == model.Conflicted {
		live = model.Mailbox{} // only settings are kept of it; they are replaced
	}
	change.old = live
	e := Entry{What: "mailbox", Name: change.in.Address}
	if live.ID != "" {
		e.Changes = mailboxChanges(live, change.in)
	}
	c.note(e, live.ID == "")
	if live.ID == "" || len(e.Changes) > 0 {
		c.mailboxes = append(c.mailboxes, change)
	}
	return nil
}

// taken says that the CRM user belongs to another mailbox.
func (c *changes) taken(m mailboxChange) *Problem {
	return c.file.doc.wrap(child(m.at, "crm_user"), &store.Conflict{CRMUser: m.in.CRMUser, Mailbox: m.rival.ID, Address: m.rival.Address})
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

func (c *changes) policyExists(at path, name string) error {
	if !c.policyNames[name] {
		return c.wrong(at, "there is no policy %q", name)
	}
	return nil
}
