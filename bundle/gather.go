package bundle

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// gatherer collects what goes into a bundle.
type gatherer struct {
	Case
	st        store.Store
	crm, mail model.Connection
	key       []byte // makes the marks of items
	blinds
}

func newGatherer(ctx context.Context, st store.Store, c Case) (*gatherer, error) {
	g := &gatherer{Case: c, st: st, key: make([]byte, 32)}
	_, _ = rand.Read(g.key) // it never fails (crypto/rand)
	var err error
	if g.crm, err = st.Connection(ctx, c.Mailbox.CRM); err != nil {
		return nil, err
	}
	if g.mail, err = st.Connection(ctx, c.Mailbox.Mail); err != nil {
		return nil, err
	}
	all, err := st.Mailboxes(ctx, store.MailboxFilter{})
	if err != nil {
		return nil, err
	}
	for _, m := range append(all, c.Mailbox) {
		g.hide(m.Address, m.User, m.Secret, m.Identity)
	}
	for _, conn := range []model.Connection{g.crm, g.mail} {
		g.hide(conn.Secret, conn.Owner)
		for _, v := range conn.Settings {
			if u, err := url.Parse(v); err == nil && u.User != nil {
				secret, _ := u.User.Password()
				g.hide(u.User.Username(), secret)
			}
		}
	}
	return g, nil
}

// mark stands for an id of an item, which may be a path with a name in it.
func (g *gatherer) mark(id string) string {
	if id == "" {
		return ""
	}
	sum := hmac.New(sha256.New, g.key)
	sum.Write([]byte(id))
	return "item-" + hex.EncodeToString(sum.Sum(nil)[:5])
}

func (g *gatherer) mailbox(context.Context) (any, error) {
	m := g.Mailbox
	return map[string]any{
		"id": m.ID, "state": m.State, "reason": m.Reason, "policy": m.Policy, "generation": m.Generation, "round": m.Round,
		"initialized": m.Initialized, "failures": m.Failures, "created": instant(m.Created), "last_success": instant(m.LastSuccess),
		"next_at": instant(m.NextAt), "crm_user": g.mark(m.CRMUser),
	}, nil
}

// instant is a time, or nothing.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

func (g *gatherer) settings(ctx context.Context) (any, error) {
	policy, err := g.st.Policy(ctx, g.Mailbox.Policy)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return map[string]any{"crm": settingsOf(g.crm), "mail": settingsOf(g.mail), "policy": policy}, nil
}

// settingsOf tells a connection's settings: those that say how, not who and
// where exactly.
func settingsOf(c model.Connection) map[string]any {
	values := map[string]string{}
	for k, v := range c.Settings {
		values[k] = setting(k, v)
	}
	return map[string]any{"id": c.ID, "side": c.Side, "connector": c.Connector, "settings": values, "has_secret": c.Secret != ""}
}

func setting(key, value string) string {
	if slices.Contains([]string{"allow_insecure", "auth", "kinds"}, key) {
		return value
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		return fmt.Sprintf("%s://%s/…", u.Scheme, u.Host)
	}
	return "(set)"
}

// explained is a code with what the catalogue says of it; what was filled into
// its texts is left out.
func explained(code string) map[string]any {
	out := map[string]any{"code": code}
	if e, ok := issue.Lookup(code); ok {
		out["source"], out["class"], out["scope"], out["message"] = e.Source, e.Class, e.Scope, e.Message
	}
	return out
}

func (g *gatherer) errors(ctx context.Context) (any, error) {
	own, err := g.st.Alerts(ctx, store.AlertFilter{Mailbox: g.Mailbox.ID, Over: true})
	if err != nil {
		return nil, err
	}
	for _, c := range []model.ConnectionID{g.Mailbox.CRM, g.Mailbox.Mail} {
		shared, err := g.st.Alerts(ctx, store.AlertFilter{Connection: c, Over: true})
		if err != nil {
			return nil, err
		}
		own = append(own, shared...)
	}
	out := []map[string]any{}
	for _, a := range own[:min(len(own), mostIssues)] {
		v := explained(a.Code)
		v["id"], v["whole_connection"], v["workload"], v["side"], v["state"] = a.ID, a.Mailbox == "", a.Workload, a.Side, a.State
		v["evidence"], v["times"], v["first"], v["last"], v["over"] = a.Evidence, a.Times, instant(a.First), instant(a.Last), instant(a.Over)
		out = append(out, v)
	}
	return out, nil
}

func (g *gatherer) issues(ctx context.Context) (any, error) {
	rows := []store.IssueRow{}
	if g.Issue != nil {
		rows = append(rows, *g.Issue)
	} else {
		all, err := g.st.FindIssues(ctx, store.IssueFilter{Mailbox: g.Mailbox.ID, Closed: true})
		if err != nil {
			return nil, err
		}
		rows = append(rows, all[:min(len(all), mostIssues)]...)
	}
	out := []map[string]any{}
	for _, i := range rows {
		out = append(out, g.issue(i))
	}
	return out, nil
}

func (g *gatherer) issue(i store.IssueRow) map[string]any {
	v := explained(i.Code)
	v["id"], v["state"], v["side"], v["kind"], v["entity"], v["item"] = i.ID, i.State, i.Side, i.Kind, i.Entity, g.mark(i.Item)
	v["evidence"], v["count"], v["first"], v["last"], v["open"] = i.Evidence, i.Count, instant(i.First), instant(i.Last), i.Open
	return v
}

// item explains the item of an issue.
func (g *gatherer) item(ctx context.Context) (any, error) {
	if g.Issue == nil || g.Issue.Item == "" {
		return nil, nil
	}
	found, err := g.st.Explain(ctx, g.Mailbox.ID, g.Issue.Item)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, x := range found {
		out = append(out, map[string]any{
			"entity": x.Entity, "kind": x.Kind, "why": x.Answer(), "state": x.State, "private": x.Private, "crm": g.ref(x.CRM), "mail": g.ref(x.Mail),
			"pending": x.Pending, "last_sync": instant(x.LastSync), "differing_fields": x.Fields, "writes": writesOf(x.Writes),
		})
	}
	return out, nil
}

func (g *gatherer) ref(r *model.Ref) any {
	if r == nil {
		return nil
	}
	return map[string]any{"item": g.mark(r.ID), "collection": g.mark(r.Collection), "order": r.Order}
}

func writesOf(list []store.Write) []map[string]any {
	out := []map[string]any{}
	for _, w := range list {
		out = append(out, map[string]any{"round": w.Round, "at": instant(w.At), "side": w.Side, "action": w.Action, "fields": w.Fields})
	}
	return out
}

func (g *gatherer) rounds(ctx context.Context) (any, error) {
	return g.st.Rounds(ctx, g.Mailbox.ID, mostRounds)
}

func (g *gatherer) plan(ctx context.Context) (any, error) {
	p, err := g.st.Plan(ctx, g.Mailbox.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := g.st.PlanWrites(ctx, p.ID, 0, mostWrites)
	if err != nil {
		return nil, err
	}
	writes := []map[string]any{}
	for _, w := range rows {
		writes = append(writes, map[string]any{
			"number": w.Number, "side": w.Side, "kind": w.Kind, "action": w.Op.Action, "entity": w.Entity, "item": g.mark(w.Op.Ref.ID),
			"fields": w.Op.Changed, "state": w.State, "held": w.Held != "", "notify": w.Op.Notify,
		})
	}
	return map[string]any{"round": p.Round, "state": p.State, "hash": p.Hash, "why": p.Why, "counts": p.Counts, "at": instant(p.At), "writes": writes}, nil
}
