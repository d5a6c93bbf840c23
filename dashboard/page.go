package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

//go:embed web
var files embed.FS

// page is what every template is given.
type page struct {
	Title string
	// Live: the parts of the page that are marked so are fetched anew while
	// somebody looks at it.
	Live   bool
	Who    Account
	Notice *notice
	Path   string // of this page, with its query
	Place  string // the entry of the menu
	Body   any

	Now    time.Time
	offers map[string]offered
	base   string // of Temporal's Web UI and its namespace
}

// Can reports whether who looks may give a command.
func (p page) Can(name string) bool {
	o, ok := p.offers[name]
	return ok && o.open(p.Who)
}

// Act is a command as buttons and links show it.
type act struct {
	Name, Button, Path string
	Danger             bool
	In                 [][2]string
}

// Act makes a button: the command, then names and values that it is given.
func (p page) Act(name string, pairs ...any) act {
	o := p.offers[name]
	a := act{Name: name, Button: o.button, Danger: o.danger, Path: p.Path}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.In = append(a.In, [2]string{fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1])})
	}
	return a
}

// Confirm is the address at which a command is confirmed before it is given.
func (p page) Confirm(name string, pairs ...any) string {
	q := url.Values{"do": {name}, "back": {p.Path}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return "/confirm?" + q.Encode()
}

// Workflow is the address of a mailbox's workflow in Temporal's Web UI, "" where
// nobody knows it or may go there.
func (p page) Workflow(id model.MailboxID) string {
	if p.base == "" || p.Who.Role == User {
		return ""
	}
	return p.base + url.PathEscape("mailbox/"+string(id))
}

// With is the address of this page with some parameters changed.
func (p page) With(pairs ...string) string {
	u, err := url.Parse(p.Path)
	if err != nil {
		return p.Path
	}
	q := u.Query()
	q.Del("after")
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if u.RawQuery = q.Encode(); u.RawQuery == "" {
		return u.Path
	}
	return u.Path + "?" + u.RawQuery
}

// Ago says how long ago an instant was; the exact one is in its title.
func (p page) Ago(t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	t = t.UTC()
	exact := template.HTMLEscapeString(t.Format("2006-01-02 15:04:05 UTC"))
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `" title="` + exact + `">` + relative(p.Now, t) + `</time>`)
}

func relative(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d > -time.Second && d < time.Second:
		return "now"
	case d < 0:
		return "in " + span(-d)
	default:
		return span(d) + " ago"
	}
}

// show writes a page.
func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Now, p.offers, p.Path = d.now(), d.offers, r.URL.RequestURI()
	p.Place = "/" + strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 2)[0]
	if d.Temporal != "" {
		p.base = strings.TrimSuffix(d.Temporal, "/") + "/namespaces/" + url.PathEscape(d.Namespace) + "/workflows/"
	}
	if p.Who.Name != "" && r.Header.Get("X-Lockstep-Live") == "" {
		p.Notice = d.takeNotice(w, r)
	}
	var out bytes.Buffer
	if err := d.pages[name].ExecuteTemplate(&out, "base", p); err != nil {
		d.Log.ErrorContext(r.Context(), "a page could not be written", "page", name, "error", err)
		http.Error(w, "Something broke in this page. Please report it.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the client may have gone
}

// parsePages reads every page together with what all of them share.
func parsePages() (map[string]*template.Template, error) {
	names, err := files.ReadDir("web/pages")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, n := range names {
		t, err := template.New(n.Name()).Funcs(words()).ParseFS(files, "web/shared/*.html", "web/pages/"+n.Name())
		if err != nil {
			return nil, fmt.Errorf("read page %s: %w", n.Name(), err)
		}
		out[strings.TrimSuffix(path.Base(n.Name()), ".html")] = t
	}
	return out, nil
}

// words are what templates say with.
func words() template.FuncMap {
	return template.FuncMap{
		"number": number, "plural": plural, "span": span,
		"side":  sideName,
		"kinds": model.Kinds,
		"known": func(code string) bool { _, ok := issue.Lookup(code); return ok },
		"query": func(v any) string { return queryEscape(fmt.Sprint(v)) },
		"join":  strings.Join,
		"dict":  dict,
		"field": func(name string) string { return strings.ReplaceAll(name, "_", " ") },
		"add":   func(a, b int) int { return a + b },
		"int":   func(n int64) int { return int(n) },
		"most":  func(first int, rest ...int) int { return slices.Max(append(rest, first)) },
		"onoff": onoff,
		"every": func(t model.Duration) string { return span(time.Duration(t)) },
		"masked": func(setting string) string {
			if u, err := url.Parse(setting); err == nil && u.User != nil {
				return u.Redacted()
			}
			return setting
		},
		"people": issue.People,
		"title": func(v any) string {
			s := fmt.Sprint(v)
			if s == "" {
				return s
			}
			return strings.ToUpper(s[:1]) + s[1:]
		},
	}
}

// onoff is a parameter that is there or not.
func onoff(on bool) string {
	if on {
		return "1"
	}
	return ""
}

func dict(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return out
}

func sideName(s model.Side) string {
	switch s {
	case model.CRM:
		return "CRM"
	case model.Mail:
		return "mailbox"
	default:
		return "both"
	}
}

// number writes 12345 as 12,345.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
