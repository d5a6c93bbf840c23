package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/starter/cli"
	"lockstep.dev/store"
)

const (
	// pagePatience is how long a page waits for what it asked for; what takes
	// longer is watched under its own address.
	pagePatience = 4 * time.Second
	// previewPatience is how long a dry run may take.
	previewPatience = 20 * time.Second
	// mostAtOnce is how many mailboxes one command may name.
	mostAtOnce = 500
	// manyAtOnce: from so many on nobody waits for each of them.
	manyAtOnce = 4
)

// formField is an input that a person fills in.
type formField struct {
	cli.Flag
	Label, Value string
	Choices      []string
	Required     bool
}

type confirmBody struct {
	Name         string // of the command
	Button, Says string
	Danger       bool
	Targets      []store.SurveyedMailbox
	Missing      int // named, and not there any more
	In           [][2]string
	Fields       []formField
	Preview      *answer
	PreviewText  string
	Problem      string
	Back         string
	// Look: something is still to be given, and then what would happen is shown.
	Look bool
}

// confirm says what a command will do, to whom, before it is given: with a dry
// run where the command has one.
func (d *Dashboard) confirm(w http.ResponseWriter, r *http.Request, who Account) {
	o, in, back, err := d.asked(r)
	if err == nil && !o.open(who) {
		err = failed(http.StatusForbidden, "not-allowed", "You may not do this: it takes the role %s, and yours is %s.", o.role, who.Role)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := confirmBody{Name: o.name, Button: o.button, Says: o.says, Danger: o.danger, Back: back}
	if err := d.everyOne(r.Context(), who, o, in); err != nil {
		d.fail(w, r, err)
		return
	}
	if err := d.targets(r.Context(), who, o, in, &b); err != nil {
		d.fail(w, r, err)
		return
	}
	d.preview(r.Context(), who, o, in, &b)
	for name, values := range in {
		for _, v := range values {
			b.In = append(b.In, [2]string{name, v})
		}
	}
	slices.SortFunc(b.In, func(x, y [2]string) int { return strings.Compare(x[0]+"\x00"+x[1], y[0]+"\x00"+y[1]) })
	if b.Fields, err = d.fields(r.Context(), o, in); err != nil {
		d.fail(w, r, err)
		return
	}
	b.Look = o.dryRun() && b.Preview == nil && b.Problem == ""
	d.show(w, r, http.StatusOK, "confirm", page{Title: o.button, Who: who, Body: b})
}

// asked reads which command a form or an address names, and its inputs.
func (d *Dashboard) asked(r *http.Request) (offered, inputs, string, error) {
	if err := r.ParseForm(); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return offered{}, nil, "/", err
		}
		return offered{}, nil, "/", failed(http.StatusBadRequest, "usage", "The form cannot be read.")
	}
	o, ok := d.offers[r.Form.Get("do")]
	if !ok || o.reads {
		return o, nil, "/", failed(http.StatusNotFound, "not-found", "There is no such command.")
	}
	in := inputs{}
	for name, values := range r.Form {
		if name == "do" || name == "back" {
			continue
		}
		for _, v := range values {
			if v = strings.ReplaceAll(v, "\r\n", "\n"); v != "" {
				in[name] = append(in[name], v)
			}
		}
	}
	for _, f := range o.takes() { // one a line in a form
		if f.Type == "stringToString" && len(in[f.Name]) > 0 {
			in[f.Name] = strings.Fields(strings.Join(in[f.Name], "\n"))
		}
	}
	return o, in, local(r.Form.Get("back")), nil
}

// everyOne replaces "every mailbox that this list shows" by the mailboxes.
func (d *Dashboard) everyOne(ctx context.Context, who Account, o offered, in inputs) error {
	list := in.first("every")
	if list == "" {
		return nil
	}
	delete(in, "every")
	v, err := url.ParseQuery(list)
	if err != nil || who.Role == User || o.by != byMailbox {
		return failed(http.StatusBadRequest, "usage", "The list of mailboxes cannot be read.")
	}
	v.Del("after")
	q, err := mailboxQuery(v, d.now())
	if err != nil {
		return err
	}
	q.Limit, in["mailbox"] = mostAtOnce, nil
	found, err := d.Store.FindMailboxes(ctx, q)
	if err != nil {
		return err
	}
	if found.Total > mostAtOnce {
		return failed(http.StatusBadRequest, "usage", "That would be %s at once; narrow the list to at most %d.", plural(found.Total, "mailbox"), mostAtOnce)
	}
	for _, m := range found.Rows {
		in["mailbox"] = append(in["mailbox"], string(m.ID))
	}
	return nil
}

// targets looks up the mailboxes that a command names.
func (d *Dashboard) targets(ctx context.Context, who Account, o offered, in inputs, b *confirmBody) error {
	if o.by != byMailbox {
		return nil
	}
	if len(in["mailbox"]) > mostAtOnce {
		return failed(http.StatusBadRequest, "usage", "At most %d mailboxes at once.", mostAtOnce)
	}
	for _, name := range in["mailbox"] {
		m, err := d.mailboxAt(ctx, who, name)
		if err != nil {
			b.Missing++
			continue
		}
		b.Targets = append(b.Targets, store.SurveyedMailbox{Mailbox: m})
	}
	return nil
}

// dryRun reports whether the command can show what it would do.
func (o offered) dryRun() bool {
	return slices.ContainsFunc(o.Flags, func(f cli.Flag) bool { return f.Name == "dry-run" })
}

// preview makes a dry run where the command has one.
func (d *Dashboard) preview(ctx context.Context, who Account, o offered, in inputs, b *confirmBody) {
	if !o.dryRun() || slices.ContainsFunc(o.needs, func(name string) bool { return in.first(name) == "" }) {
		return
	}
	dry := inputs{"dry-run": {"true"}}
	for name, values := range in {
		dry[name] = slices.Clone(values)
	}
	a, err := d.run(ctx, who, o, dry, previewPatience)
	if err != nil {
		b.Problem = err.Error()
		return
	}
	b.Preview = &a
	if string(a.Result) != "null" {
		text, err := json.MarshalIndent(a.Result, "", "  ")
		if err == nil {
			b.PreviewText = string(text)
		}
	}
}

// fields are the inputs that are still to be given.
func (d *Dashboard) fields(ctx context.Context, o offered, in inputs) ([]formField, error) {
	choices, err := d.choices(ctx)
	if err != nil {
		return nil, err
	}
	var out []formField
	for _, f := range o.takes() {
		switch {
		case len(in[f.Name]) > 0, slices.Contains([]string{"timeout", "no-wait", "limit", "all", "dry-run"}, f.Name):
		case f.Name == "yes" && o.asks, f.Name == "content", f.Name == "mailbox" && o.by != byMailbox:
		case slices.Contains([]string{"plan approve", "plan reject"}, o.name), slices.Contains([]subject{byIssue, byConflict}, o.by) && f.Name != "description":
		default:
			required := slices.Contains(o.needs, f.Name) || slices.ContainsFunc(o.Arguments, func(a cli.Argument) bool { return a.Name == f.Name && !a.Optional })
			out = append(out, formField{Flag: f, Label: label(f.Name), Choices: choices[f.Name], Required: required})
		}
	}
	return out, nil
}

func label(name string) string {
	words := map[string]string{
		"crm": "CRM connection", "mail": "Email server profile", "crm-user": "CRM user id", "user": "Sign-in name", "set": "Settings, one key=value a line",
		"every": "Time between two readings (CRM)", "owner": "E-mail address of the person to notify", "yes": "Apply the first sync without waiting for approval",
		"forget": "Also delete what Lockstep knows of it", "text": "Text", "secret": "Password or token", "why": "Why, for the logbook", "description": "What happened, in your own words",
		"old": "The mailbox, by its address now", "new": "Its new address",
	}
	if w := words[name]; w != "" {
		return w
	}
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " ")
}

// choices are the names that inputs can have.
func (d *Dashboard) choices(ctx context.Context) (map[string][]string, error) {
	out := map[string][]string{"side": {"crm", "mail"}, "connector": d.Systems.Names, "kind": {"contact", "event", "task"}}
	connections, err := d.Store.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range connections {
		out[string(c.Side)] = append(out[string(c.Side)], c.Name)
	}
	policies, err := d.Store.Policies(ctx)
	for _, p := range policies {
		out["policy"] = append(out["policy"], p.Name)
	}
	return out, err
}

// carryOut gives a command and goes back to where it was asked for, where the
// outcome is told.
func (d *Dashboard) carryOut(w http.ResponseWriter, r *http.Request, who Account) {
	o, in, back, err := d.asked(r)
	if err == nil {
		err = d.everyOne(r.Context(), who, o, in)
	}
	if err == nil && len(in["mailbox"]) > mostAtOnce {
		err = failed(http.StatusBadRequest, "usage", "At most %d mailboxes at once.", mostAtOnce)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if o.asks {
		in["yes"] = []string{"true"}
	}
	hasPatience := slices.ContainsFunc(o.Flags, func(f cli.Flag) bool { return f.Name == "no-wait" })
	if hasPatience && len(in["mailbox"]) > manyAtOnce {
		in["no-wait"] = []string{"true"}
	}
	wait := pagePatience
	if o.name == "plan show" {
		wait = previewPatience
	}
	a, err := d.run(r.Context(), who, o, in, wait)
	if f := new(failure); errors.As(err, &f) && f.status == http.StatusForbidden {
		d.fail(w, r, err)
		return
	}
	if err != nil {
		d.notify(w, r, notice{Text: d.failureOf(r, err).text, Bad: true})
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	if o.writes() {
		sendFile(w, a)
		return
	}
	if o.name == "plan show" && len(in["mailbox"]) == 1 {
		back = "/mailboxes/" + url.PathEscape(in.first("mailbox")) + "/plan"
	}
	d.notify(w, r, notice{Text: outcome(o, in, a)})
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// outcome says in words what became of a command.
func outcome(o offered, in inputs, a answer) string {
	said := slices.DeleteFunc(slices.Clone(a.Said), func(s string) bool { return strings.HasPrefix(s, "lockstep ") })
	if n := len(said); n > 6 {
		said = append(said[:5], "and "+strconv.Itoa(n-5)+" more lines like these")
	}
	text := strings.Join(said, "\n")
	switch {
	case text != "":
		return text
	case len(in["mailbox"]) > 1:
		return o.button + ": done for " + plural(len(in["mailbox"]), "mailbox")
	default:
		return o.button + ": done."
	}
}

// StateName is for templates: a mailbox's state as people call it.
func (p page) StateName(s model.MailboxState) string { return stateName(s) }
