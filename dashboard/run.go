package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/model"
	"lockstep.dev/starter/cli"
	"lockstep.dev/store"
)

// inputs are what a command was given, by the names of its arguments and flags.
type inputs map[string][]string

func (in inputs) first(name string) string {
	if len(in[name]) == 0 {
		return ""
	}
	return in[name][0]
}

// answer is what a command said.
type answer struct {
	Result json.RawMessage `json:"result"` // what the command prints with --json; null = nothing
	Said   []string        `json:"said"`   // what it told the person
	Done   bool            `json:"done"`   // false: accepted, and not carried out yet, or not everywhere
	file   []byte          // what the command wrote, where it writes a file
}

// failure is what an HTTP answer says that is not what was asked for.
type failure struct {
	status int
	code   string // of the catalogue, or one word of ours
	text   string
}

func (f *failure) Error() string { return f.text }

func failed(status int, code, format string, args ...any) error {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

// Inputs that mean something else here than on a terminal: files would be the
// server's, and secrets never stand among arguments.
const (
	textInput   = "text"   // the text of a file, read from standard input
	secretInput = "secret" // the secret itself
)

// isFile reports whether an argument or flag names a file; readable ones are
// given as text instead, into others nobody writes from here.
func isFile(name string) bool { return readable(name) || name == outputFlag || name == "attach" }

// outputFlag names the file that a command writes; here it is what is answered.
const outputFlag = "output"

// writes reports whether what the command makes is a file.
func (o offered) writes() bool {
	return slices.ContainsFunc(o.Flags, func(f cli.Flag) bool { return f.Name == outputFlag })
}

func readable(name string) bool { return name == "file" || name == "csv" }

// takes lists what a command takes here.
func (o offered) takes() []cli.Flag {
	var out []cli.Flag
	for _, a := range o.Arguments {
		kind := "string"
		if a.Many {
			kind = "strings"
		}
		if !isFile(a.Name) {
			out = append(out, cli.Flag{Name: a.Name, Type: kind, Meaning: "the " + a.Name})
		}
	}
	if o.text() {
		out = append(out, cli.Flag{Name: textInput, Type: "string", Meaning: "the text of the file"})
	}
	for _, f := range o.Flags {
		switch {
		case isFile(f.Name), slices.ContainsFunc(out, func(have cli.Flag) bool { return have.Name == f.Name }):
		case f.Name == secretInput:
			out = append(out, cli.Flag{Name: f.Name, Type: "string", Meaning: "the password or token"})
		default:
			out = append(out, f)
		}
	}
	return out
}

// text reports whether the command reads a file.
func (o offered) text() bool {
	return slices.ContainsFunc(o.Arguments, func(a cli.Argument) bool { return readable(a.Name) }) ||
		slices.ContainsFunc(o.Flags, func(f cli.Flag) bool { return readable(f.Name) })
}

// run carries out a command for somebody. patience is how long it waits for an
// outcome unless the inputs say so.
func (d *Dashboard) run(ctx context.Context, who Account, o offered, in inputs, patience time.Duration) (answer, error) {
	if err := d.allow(ctx, who, o, in); err != nil {
		return answer{}, err
	}
	args, stdin, err := o.line(in, patience)
	if err != nil {
		return answer{}, err
	}
	var written string
	if o.writes() {
		folder, err := os.MkdirTemp("", "lockstep-")
		if err != nil {
			return answer{}, fmt.Errorf("make a folder for a file: %w", err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		written = filepath.Join(folder, "bundle.zip")
		args = slices.Insert(args, len(strings.Fields(o.name)), "--"+outputFlag+"="+written)
	}
	var out, said bytes.Buffer
	err = cli.Do(ctx, args, cli.Parts{
		In: strings.NewReader(stdin), Out: &out, Err: &said, Now: d.now, Pause: pause, By: who.Name, Version: d.Version,
		Systems: d.Systems, Try: d.Systems.Try, Inspect: d.Inspect,
		Open: func(context.Context, string) (*cli.Home, error) {
			return &cli.Home{Store: d.Store, Schema: d.Schema, Dial: d.dial, Close: func() error { return nil }}, nil
		},
	})
	a := answer{Result: json.RawMessage("null"), Said: lines(said.String()), Done: err == nil}
	if text := bytes.TrimSpace(out.Bytes()); json.Valid(text) {
		a.Result = text
	}
	if written != "" && err == nil {
		a.file, err = os.ReadFile(written)
	}
	if cli.OutcomeOf(err) == cli.Partly {
		a.Said = append(a.Said, lines(err.Error())...)
		err = nil
	}
	return a, commandFailure(err)
}

// commandFailure says over HTTP what a command's error means.
func commandFailure(err error) error {
	if err == nil {
		return nil
	}
	f := &failure{status: http.StatusConflict, code: "refused", text: err.Error()}
	switch cli.OutcomeOf(err) {
	case cli.Misused:
		f.status, f.code = http.StatusBadRequest, "usage"
	case cli.SignIn:
		f.status = http.StatusUnprocessableEntity
	}
	var conflict *store.Conflict
	if errors.As(err, &conflict) {
		f.code = conflict.Fault().Code
	} else if known := fault.Of(err); known != nil && known.Code != "" {
		f.code = known.Code
	}
	return f
}

// line is the command as it would be typed, and what is put in at its prompt.
func (o offered) line(in inputs, patience time.Duration) (args []string, stdin string, err error) {
	args = append(strings.Fields(o.name), "--json")
	known := o.takes()
	for name := range in {
		if !slices.ContainsFunc(known, func(f cli.Flag) bool { return f.Name == name }) {
			return nil, "", failed(http.StatusBadRequest, "usage", "%s takes no %q", o.name, name)
		}
	}
	for _, name := range o.needs {
		if in.first(name) == "" {
			return nil, "", failed(http.StatusBadRequest, "usage", "%s needs %q", o.name, name)
		}
	}
	var positional []string
	text := in.first(textInput)
	for _, a := range o.Arguments {
		switch values := in[a.Name]; {
		case isFile(a.Name) && text == "":
		case isFile(a.Name):
			positional, stdin = append(positional, "-"), text
		case len(values) > 1 && !a.Many:
			return nil, "", failed(http.StatusBadRequest, "usage", "%s takes one %s", o.name, a.Name)
		default:
			positional = append(positional, values...)
		}
	}
	for _, f := range o.Flags {
		isArgument := slices.ContainsFunc(o.Arguments, func(a cli.Argument) bool { return a.Name == f.Name })
		switch values := in[f.Name]; {
		case isArgument, isFile(f.Name) && (text == "" || stdin != "" || !readable(f.Name)):
		case readable(f.Name):
			args, stdin = append(args, "--"+f.Name+"=-"), text
		case f.Name == secretInput && in.first(secretInput) != "":
			args, stdin = append(args, "--"+secretInput+"=-"), in.first(secretInput)+"\n"
		case f.Name == "timeout" && len(values) == 0:
			args = append(args, "--timeout="+patience.String())
		case f.Type != "stringToString" && f.Type != "stringSlice": // of several chosen ones, a list
			if v := strings.Join(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }), ","); v != "" {
				args = append(args, "--"+f.Name+"="+v)
			}
		default:
			for _, v := range values {
				args = append(args, "--"+f.Name+"="+v)
			}
		}
	}
	return append(append(args, "--"), positional...), stdin, nil
}

// allow refuses what somebody may not do, and binds a user's commands to their
// own mailbox.
func (d *Dashboard) allow(ctx context.Context, who Account, o offered, in inputs) error {
	if !o.open(who) {
		return failed(http.StatusForbidden, "not-allowed", "You may not do this: it takes the role %s, and yours is %s.", o.role, who.Role)
	}
	if in.first("content") == "true" && !who.seesContent() {
		return failed(http.StatusForbidden, "not-allowed", "You may not see what items say.")
	}
	if err := d.resolve(ctx, who, o, in); err != nil || who.Role != User || o.by == "" {
		return err
	}
	if o.by != byMailbox && len(in["id"])+len(in["conflict"])+len(in["request"]) > 0 {
		return d.ownThings(ctx, who, o, in)
	}
	in["mailbox"] = []string{string(who.Mailbox)}
	return nil
}

// resolve looks the named mailboxes up: one that does not exist and one that is
// somebody else's look the same to a user.
func (d *Dashboard) resolve(ctx context.Context, who Account, o offered, in inputs) error {
	if o.by != byMailbox {
		return nil
	}
	for i, name := range in["mailbox"] {
		if name == "" && who.Role != User {
			continue
		}
		m, err := d.Store.MailboxNamed(ctx, name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !who.own(m.ID) {
			return failed(http.StatusNotFound, "not-found", "There is no mailbox %s.", name)
		}
		if err != nil {
			return err
		}
		in["mailbox"][i] = string(m.ID)
	}
	return nil
}

// ownThings refuses issues, edit conflicts and requests of other mailboxes.
func (d *Dashboard) ownThings(ctx context.Context, who Account, o offered, in inputs) error {
	owner := map[subject]func(string) (model.MailboxID, error){
		byIssue: func(id string) (model.MailboxID, error) {
			rows, err := d.Store.FindIssues(ctx, store.IssueFilter{ID: id, Closed: true})
			if err != nil || len(rows) == 0 {
				return "", err
			}
			return rows[0].Mailbox, nil
		},
		byConflict: func(id string) (model.MailboxID, error) {
			c, err := d.Store.Conflict(ctx, id)
			return c.Mailbox, err
		},
		byRequest: func(id string) (model.MailboxID, error) {
			r, err := d.Store.Request(ctx, id)
			return r.Mailbox, err
		},
	}[o.by]
	for _, id := range slices.Concat(in["id"], in["conflict"], in["request"]) {
		of, err := owner(id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if !who.own(of) {
			return failed(http.StatusNotFound, "not-found", "There is no %s %s.", o.by, id)
		}
	}
	return nil
}

// dial answers with what reaches the workflows.
func (d *Dashboard) dial(context.Context) (cli.Engine, error) {
	if d.Engine == nil {
		return nil, errors.New("this dashboard reaches no Temporal server")
	}
	return d.Engine, nil
}

func lines(text string) []string {
	out := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func pause(ctx context.Context, wait time.Duration) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
