package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// mostProblems is how many systems or mailboxes that do not work are named
// before trying stops: one wrong address may concern thousands.
const mostProblems = 5

// Apply brings a store to what a file says and reports what it did. Doing it
// again changes nothing. What is new or different is tried against the real
// systems first, and if anything fails, nothing is saved. What the file does
// not name is left alone.
//
// Errors: Problems for what was tried and failed, each with its *fault.Fault.
// Where all that is wrong are CRM-ID conflicts (OnlyConflicts), the rest was
// saved, and of those mailboxes the settings.
func Apply(ctx context.Context, st store.Registry, f File, try Try) (Report, error) {
	c, err := compare(ctx, st, f)
	if err != nil {
		return Report{}, err
	}
	identities, err := c.check(ctx, try)
	if err != nil {
		return Report{}, err
	}
	if err := c.save(ctx, st, identities); err != nil {
		return Report{}, err
	}
	return c.report, c.conflicts.orNil()
}

// OnlyConflicts reports whether CRM-ID conflicts are all that an Apply found
// wrong: they stop the mailboxes that have them, and nothing else.
func OnlyConflicts(err error) bool {
	var all Problems
	if !errors.As(err, &all) {
		return false
	}
	return !slices.ContainsFunc(all, func(p *Problem) bool {
		var c *store.Conflict
		return !errors.As(p, &c)
	})
}

// Preview reports what Apply would do, without trying or saving anything.
func Preview(ctx context.Context, st store.Registry, f File) (Report, error) {
	c, err := compare(ctx, st, f)
	if err != nil {
		return Report{}, err
	}
	for _, m := range c.mailboxes {
		if m.rival != nil && (m.rival.Identity == "" || m.rival.Mail != m.box.mail) {
			c.conflicts = append(c.conflicts, c.taken(m)) // no immutable id can disprove it
		}
	}
	return c.report, c.conflicts.orNil()
}

// check tries every CRM that is new or different, or gets a new mailbox, and
// every mailbox that is new or different, or whose connection is. It returns
// the mailboxes' immutable ids by address.
func (c *changes) check(ctx context.Context, try Try) (map[string]string, error) {
	var problems Problems
	failed := map[string]bool{} // connections that do not work: their mailboxes are not asked too
	crms := c.toTry()
	for _, name := range slices.Sorted(maps.Keys(crms)) {
		conn, at := c.known[name], crms[name]
		answer, err := try(ctx, conn, model.Account{Connection: conn.ID})
		if err != nil {
			failed[name] = true
			problems = append(problems, c.file.doc.wrap(at, fmt.Errorf("connection %s does not work: %w", name, err)))
			continue
		}
		problems = append(problems, c.checkUsers(name, answer.Users)...)
	}
	identities := map[string]string{}
	for _, m := range c.mailboxesToTry() {
		if failed[m.in.Mail] || len(problems) >= mostProblems {
			continue
		}
		conn := c.known[m.in.Mail]
		answer, err := try(ctx, conn, model.Account{
			Connection: conn.ID, Mailbox: m.old.ID, Address: m.in.Address, User: m.in.User, Secret: m.in.Secret,
		})
		if err != nil {
			f := fault.Of(err)
			failed[m.in.Mail] = f != nil && f.Scope == fault.Server
			problems = append(problems, c.file.doc.wrap(m.at, fmt.Errorf("mailbox %s does not work: %w", m.in.Address, err)))
			continue
		}
		identities[model.FoldAddress(m.in.Address)] = answer.Identity
	}
	slices.SortStableFunc(problems, func(a, b *Problem) int { return a.Line - b.Line })
	return identities, problems.orNil()
}

// toTry lists the CRM connections to be tried, with the place that asks for it.
func (c *changes) toTry() map[string]path {
	out := map[string]path{}
	for _, m := range c.mailboxes {
		out[m.in.CRM] = child(m.at, "crm")
	}
	for _, conn := range c.connections {
		if conn.to.Side == model.CRM {
			out[conn.to.Name] = conn.at
		}
	}
	return out
}

// checkUsers looks for the CRM users of new mailboxes among those that the CRM
// lists.
func (c *changes) checkUsers(crm string, users []connector.User) Problems {
	if users == nil {
		return nil
	}
	var out Problems
	for _, m := range c.mailboxes {
		if m.in.CRM != crm || m.old.ID != "" {
			continue
		}
		if !slices.ContainsFunc(users, func(u connector.User) bool { return u.ID == m.in.CRMUser }) {
			out = append(out, c.file.doc.problem(child(m.at, "crm_user"), "crm side: the CRM knows no user %q", m.in.CRMUser))
		}
	}
	return out
}

// mailboxesToTry are those that change themselves, and those whose connection
// does.
func (c *changes) mailboxesToTry() []mailboxChange {
	out := slices.Clone(c.mailboxes)
	listed, changed := map[box]bool{}, map[string]bool{}
	for _, m := range c.mailboxes {
		listed[m.box] = true
	}
	for _, n := range c.connections {
		changed[n.to.Name] = true
	}
	for i, m := range c.file.Mailboxes {
		if changed[m.Mail] && !listed[box{c.known[m.Mail].ID, model.FoldAddress(m.Address)}] {
			out = append(out, mailboxChange{at: path{"mailboxes", i}, in: m})
		}
	}
	return out
}

// save writes what changed, in the order in which one refers to the other.
func (c *changes) save(ctx context.Context, st store.Registry, identities map[string]string) error {
	for _, change := range c.connections {
		saved, err := st.SaveConnection(ctx, change.to)
		if err != nil {
			return fmt.Errorf("save connection %s: %w", change.to.Name, err)
		}
		c.known[saved.Name] = saved
		c.report.Connections = append(c.report.Connections, saved.ID)
	}
	for _, p := range c.policies {
		if err := st.SavePolicy(ctx, p); err != nil {
			return fmt.Errorf("save policy %s: %w", p.Name, err)
		}
	}
	for _, m := range c.mailboxes {
		id, err := c.saveMailbox(ctx, st, m, identities[model.FoldAddress(m.in.Address)])
		var conflict *store.Conflict
		switch {
		case errors.As(err, &conflict):
			c.conflicts = append(c.conflicts, c.file.doc.wrap(child(m.at, "crm_user"), conflict))
			c.report.Added = slices.DeleteFunc(c.report.Added, func(e Entry) bool { return e.What == "mailbox" && e.Name == m.in.Address })
			continue
		case err != nil:
			return fmt.Errorf("save mailbox %s: %w", m.in.Address, err)
		}
		c.report.Mailboxes = append(c.report.Mailboxes, id)
	}
	return nil
}

func (c *changes) saveMailbox(ctx context.Context, st store.Registry, change mailboxChange, identity string) (model.MailboxID, error) {
	m := change.old
	m.Address, m.User, m.Secret, m.Policy = change.in.Address, change.in.User, change.in.Secret, change.in.Policy
	if identity != "" {
		m.Identity = identity
	}
	if m.ID != "" {
		return m.ID, st.SaveMailbox(ctx, m)
	}
	m.CRM, m.CRMUser, m.Mail = c.known[change.in.CRM].ID, change.in.CRMUser, c.known[change.in.Mail].ID
	policy, err := st.Policy(ctx, cmp.Or(m.Policy, defaultPolicy))
	if err != nil {
		return "", err
	}
	m.State, m.Reason = policy.Begins()
	saved, err := st.Register(ctx, m)
	return saved.ID, err
}
