package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// issueView is an issue with what the catalogue says about it.
type issueView struct {
	store.IssueRow
	Address string
	Entry   issue.Entry
	Acts    string
	Links   map[model.Side]string // where a person opens the item (L-06)
}

func issuesOf(rows []store.IssueRow, addresses map[model.MailboxID]string) []issueView {
	var out []issueView
	for _, i := range rows {
		e, _ := issue.Lookup(i.Code)
		out = append(out, issueView{IssueRow: i, Address: addresses[i.Mailbox], Entry: e, Acts: issue.People(e.Who())})
	}
	return out
}

type issuesBody struct {
	Rows          []issueView
	Total         int
	Codes         []option
	Kinds, Sides  []option
	States        []option
	Mailbox       string // address, where the list is narrowed to one
	MailboxID     model.MailboxID
	Code          string
	Next          string
	Filtered, All bool
	Offset        bool
}

func (d *Dashboard) issues(w http.ResponseWriter, r *http.Request, who Account) {
	b, f, err := d.issueFilter(r.Context(), who, r.URL.Query())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	rows, err := d.Store.FindIssues(r.Context(), f)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if b.Total, err = d.Store.CountIssues(r.Context(), f); err != nil {
		d.fail(w, r, err)
		return
	}
	addresses, err := d.addresses(r.Context(), rows)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b.Rows = issuesOf(rows, addresses)
	if len(rows) == pageSize && b.Total > pageSize {
		b.Next = issueKeyText(rows[len(rows)-1].Key())
	}
	d.show(w, r, http.StatusOK, "issues", page{Title: "Issues", Live: true, Who: who, Body: b})
}

// issueFilter reads what an address asks for.
func (d *Dashboard) issueFilter(ctx context.Context, who Account, v url.Values) (issuesBody, store.IssueFilter, error) {
	f := store.IssueFilter{
		Code: v.Get("code"), Kind: model.Kind(v.Get("kind")), Side: model.Side(v.Get("side")), State: store.IssueState(v.Get("state")), Limit: pageSize,
	}
	f.Closed = v.Get("all") != "" || f.State == store.IssueResolved || f.State == store.IssueIgnored
	b := issuesBody{Code: f.Code, All: f.Closed, Offset: v.Get("after") != ""}
	name := v.Get("mailbox")
	if who.Role == User {
		name = string(who.Mailbox)
	}
	if name != "" {
		m, err := d.mailboxAt(ctx, who, name)
		if err != nil {
			return b, f, err
		}
		f.Mailbox, b.Mailbox, b.MailboxID = m.ID, m.Address, m.ID
	}
	s, err := d.counts(ctx, choicesFor)
	if err != nil {
		return b, f, err
	}
	listed := false
	for _, c := range s.Issues {
		label := fmt.Sprintf("%s (%s)", c.Code, number(c.Count))
		if who.Role == User {
			label = c.Code
		}
		b.Codes = append(b.Codes, option{c.Code, label, c.Code == f.Code})
		listed = listed || c.Code == f.Code
	}
	if f.Code != "" && !listed {
		b.Codes = append(b.Codes, option{f.Code, f.Code, true})
	}
	for _, k := range model.Kinds() {
		b.Kinds = append(b.Kinds, option{string(k), kindName(k), k == f.Kind})
	}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		b.Sides = append(b.Sides, option{string(side), sideName(side), side == f.Side})
	}
	for _, state := range []store.IssueState{store.IssueNew, store.IssueRetrying, store.IssueNeedsUser, store.IssueNeedsAdmin, store.IssueResolved, store.IssueIgnored} {
		b.States = append(b.States, option{string(state), string(state), state == f.State})
	}
	b.Filtered = f.Code != "" || f.Kind != "" || f.Side != "" || f.State != "" || v.Get("mailbox") != ""
	f.After, err = issueKeyOf(v.Get("after"))
	return b, f, err
}

func kindName(k model.Kind) string {
	return map[model.Kind]string{model.Contact: "contacts", model.Event: "appointments", model.Task: "tasks"}[k]
}

func issueKeyText(k store.IssueKey) string {
	open := "0"
	if k.Open {
		open = "1"
	}
	return open + "." + strconv.FormatInt(k.Last.UnixMicro(), 10) + "." + k.ID
}

func issueKeyOf(text string) (store.IssueKey, error) {
	if text == "" {
		return store.IssueKey{}, nil
	}
	parts := strings.SplitN(text, ".", 3)
	if len(parts) == 3 {
		if at, err := strconv.ParseInt(parts[1], 10, 64); err == nil {
			return store.IssueKey{Open: parts[0] == "1", Last: time.UnixMicro(at), ID: parts[2]}, nil
		}
	}
	return store.IssueKey{}, failed(http.StatusBadRequest, "usage", "The place after which the page begins is not one of this list.")
}

// addresses names the mailboxes of a page of issues.
func (d *Dashboard) addresses(ctx context.Context, rows []store.IssueRow) (map[model.MailboxID]string, error) {
	out := map[model.MailboxID]string{}
	for _, i := range rows {
		if _, known := out[i.Mailbox]; known {
			continue
		}
		m, err := d.Store.Mailbox(ctx, i.Mailbox)
		if err != nil {
			return nil, err
		}
		out[i.Mailbox] = m.Address
	}
	return out, nil
}

type issueBody struct {
	issueView
	Explained []store.Explanation
	Content   bool
	Report    string // mailto: address with a report for whoever helps (L-07)
}

// issue is one issue: what happened, why, what to do, and where the item is.
func (d *Dashboard) issue(w http.ResponseWriter, r *http.Request, who Account) {
	rows, err := d.Store.FindIssues(r.Context(), store.IssueFilter{ID: r.PathValue("issue"), Closed: true})
	if err == nil && (len(rows) == 0 || !who.own(rows[0].Mailbox)) {
		err = failed(http.StatusNotFound, "not-found", "There is no such issue.")
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	m, err := d.Store.Mailbox(r.Context(), rows[0].Mailbox)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := issueBody{issueView: issuesOf(rows, map[model.MailboxID]string{m.ID: m.Address})[0], Content: who.seesContent()}
	refs := map[model.Side]string{b.Side: b.Item}
	if b.Item != "" {
		if b.Explained, err = d.Store.Explain(r.Context(), m.ID, b.Item); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	for _, x := range b.Explained {
		if x.Entity == b.Entity {
			addRefs(refs, x)
		}
	}
	if b.Links, err = d.linksTo(r.Context(), m, b.Kind, refs); err != nil {
		d.fail(w, r, err)
		return
	}
	b.Report = d.report(b.issueView)
	d.show(w, r, http.StatusOK, "issue", page{Title: b.Code, Live: true, Who: who, Body: b})
}

func addRefs(refs map[model.Side]string, x store.Explanation) {
	for side, ref := range map[model.Side]*model.Ref{model.CRM: x.CRM, model.Mail: x.Mail} {
		if ref != nil {
			refs[side] = ref.ID
		}
	}
}

// linksTo are the addresses under which people open an item: each connection's
// setting link, with {id}, {kind} and {address} filled in. Other schemes than
// those of web pages are left out: a link must not run a script.
func (d *Dashboard) linksTo(ctx context.Context, m model.Mailbox, kind model.Kind, refs map[model.Side]string) (map[model.Side]string, error) {
	out := map[model.Side]string{}
	for side, id := range map[model.Side]model.ConnectionID{model.CRM: m.CRM, model.Mail: m.Mail} {
		c, err := d.Store.Connection(ctx, id)
		if err != nil {
			return nil, err
		}
		link := c.Settings["link"]
		if refs[side] == "" || !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") {
			continue
		}
		out[side] = strings.NewReplacer("{id}", url.PathEscape(refs[side]), "{kind}", string(kind), "{address}", url.PathEscape(m.Address)).Replace(link)
	}
	return out, nil
}

// report is a mail to whoever helps, with everything that they will ask for and
// nothing that an item says.
func (d *Dashboard) report(i issueView) string {
	if d.Support == "" {
		return ""
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"Issue", i.ID}, {"Code", i.Code}, {"Source", i.Entry.Source}, {"Message", i.Message}, {"Side", sideName(i.Side)}, {"Kind", string(i.Kind)},
		{"Item", i.Item}, {"Entity", string(i.Entity)}, {"Mailbox", string(i.Mailbox)}, {"State", string(i.State)}, {"Times in a row", strconv.Itoa(i.Count)},
		{"First", i.First.UTC().Format(time.RFC3339)}, {"Last", i.Last.UTC().Format(time.RFC3339)}, {"Evidence", i.Evidence}, {"Version", d.Version},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", line[0], line[1])
		}
	}
	b.WriteString("\r\nWhat I did before, and what I see (add a picture if it helps):\r\n")
	return "mailto:" + url.PathEscape(d.Support) + "?subject=" + url.PathEscape("Lockstep: "+cmp.Or(i.Code, "issue")+" "+i.ID) + "&body=" + url.PathEscape(b.String())
}
