package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/store"
)

// apiPatience is how long the API waits for an outcome unless it is told.
const apiPatience = 20 * time.Second

// commands are the commands of the command line as addresses.
func (d *Dashboard) commands() []route {
	var out []route
	names := make([]string, 0, len(d.offers))
	for name := range d.offers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		o := d.offers[name]
		method := http.MethodPost
		if o.reads {
			method = http.MethodGet
		}
		out = append(out, route{
			method: method, path: o.path(), role: o.role, user: o.user, says: o.Short,
			handler: func(w http.ResponseWriter, r *http.Request, who Account) { d.apiCommand(w, r, who, o) },
		})
	}
	return out
}

// lists are the pages' lists as data.
func (d *Dashboard) lists() []route {
	after := query{"after", "where the page before ended: its next"}
	mailbox := query{"mailbox", "address or id of a mailbox"}
	return []route{
		{method: "GET", path: "/api/v1/overview", role: Viewer, handler: d.apiOverview, says: "How everything is, in numbers."},
		{
			method: "GET", path: "/api/v1/mailboxes", role: Viewer, handler: d.apiMailboxes, says: "A page of mailboxes.",
			query: []query{
				{"search", "a part of the address, or a whole CRM user id"}, {"state", "active, paused, disabled or retired"}, {"connection", "id of a connection"},
				{"policy", "name of a policy"}, {"held", "1: something waits for approval"}, {"asking", "1: a question waits"}, {"conflicts", "1: it has open edit conflicts"}, {"issues", "1: it has open issues"},
				{"alerts", "1: it has an open sync error"}, {"first", "1: the first sync is not done"}, {"lag", "age of the last success, such as 5m-15m, 24h- or never"},
				{"sort", "success or issues; otherwise by address"}, {"desc", "1: the other way round"}, after,
			},
		},
		{
			method: "GET", path: "/api/v1/issues", role: Viewer, user: true, handler: d.apiIssues, says: "A page of issues, open ones first, newest first.",
			query: []query{{"code", "code of the catalogue"}, {"kind", "contact, event or task"}, {"side", "crm or mail"}, {"state", "state of the issue"}, {"all", "1: also closed ones"}, mailbox, after},
		},
		{
			method: "GET", path: "/api/v1/rounds", role: Viewer, user: true, handler: d.apiRounds, says: "A page of rounds that did something, newest first.",
			query: []query{{"from", "ended at or after, RFC 3339"}, {"until", "ended before"}, {"refused", "1: only with refused writes"}, mailbox, after},
		},
		{method: "GET", path: "/api/v1/alerts", role: Viewer, user: true, handler: d.apiAlerts, says: "Sync errors that are not over.", query: []query{{"code", "code of the catalogue"}}},
	}
}

func (d *Dashboard) apiCommand(w http.ResponseWriter, r *http.Request, who Account, o offered) {
	in, err := apiInputs(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	a, err := d.run(r.Context(), who, o, in, apiPatience)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if o.writes() {
		sendFile(w, a)
		return
	}
	status := http.StatusOK
	if !a.Done {
		status = http.StatusAccepted
	}
	writeJSON(w, status, "application/json", a)
}

// sendFile answers with what a command wrote.
func sendFile(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="lockstep-support.zip"`)
	_, _ = w.Write(a.file) // the client may have gone
}

// apiInputs reads a command's inputs: an address's query, or a JSON object whose
// values are texts, numbers, yes or no, lists of texts, or an object of texts.
func apiInputs(r *http.Request) (inputs, error) {
	in := inputs{}
	if r.Method == http.MethodGet {
		for name, values := range r.URL.Query() {
			in[name] = values
		}
		return in, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, failed(http.StatusUnsupportedMediaType, "usage", "The body must be JSON: Content-Type: application/json.")
	}
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	var body map[string]any
	if err := dec.Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, err
		}
		return nil, failed(http.StatusBadRequest, "usage", "The body is not a JSON object.")
	}
	for name, v := range body {
		values, ok := textsOf(v)
		if !ok {
			return nil, failed(http.StatusBadRequest, "usage", "%q is none of: a text, a number, true or false, a list of texts, an object of texts.", name)
		}
		in[name] = values
	}
	return in, nil
}

func textsOf(v any) ([]string, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case string:
		return []string{v}, true
	case bool:
		return []string{strconv.FormatBool(v)}, true
	case json.Number:
		return []string{v.String()}, true
	case []any:
		var out []string
		for _, e := range v {
			one, ok := textsOf(e)
			if !ok || len(one) != 1 {
				return nil, false
			}
			out = append(out, one[0])
		}
		return out, true
	case map[string]any:
		var out []string
		for key, e := range v {
			one, ok := textsOf(e)
			if !ok || len(one) != 1 {
				return nil, false
			}
			out = append(out, key+"="+one[0])
		}
		slices.Sort(out)
		return out, true
	default:
		return nil, false
	}
}

// listed is a page of a list.
type listed struct {
	Rows  any    `json:"rows"`
	Total *int   `json:"total,omitempty"`
	Next  string `json:"next,omitempty"` // give it as after for the page that follows
}

func (d *Dashboard) apiOverview(w http.ResponseWriter, r *http.Request, _ Account) {
	s, err := d.counts(r.Context(), surveyFor)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	lag := []map[string]any{}
	for i, l := range lagSpans() {
		lag = append(lag, map[string]any{"last_success": l.label, "lag": l.key, "mailboxes": s.Lag[i]})
	}
	hours := []map[string]any{}
	for _, h := range s.Hours {
		hours = append(hours, map[string]any{"begins": h.Begins, "rounds": h.Rounds, "done": h.Done, "refused": h.Refused})
	}
	counts := func(list []store.CodeCount) map[string]int {
		out := map[string]int{}
		for _, c := range list {
			out[c.Code] = c.Count
		}
		return out
	}
	writeJSON(w, http.StatusOK, "application/json", map[string]any{
		"mailboxes": s.States, "first_sync": s.FirstSync, "held": s.Held, "asking": s.Asking, "lag": lag, "issues": counts(s.Issues),
		"alerts": counts(s.Alerts), "retrying": s.Retrying, "hours": hours, "edit_conflicts": s.Conflicts, "open_requests": s.OpenCalls,
		"connections": s.PerSystem, "policies": s.PerPolicy,
	})
}

func (d *Dashboard) apiMailboxes(w http.ResponseWriter, r *http.Request, _ Account) {
	q, err := mailboxQuery(r.URL.Query(), d.now())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	found, err := d.Store.FindMailboxes(r.Context(), q)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	rows := []map[string]any{}
	for _, m := range found.Rows {
		rows = append(rows, map[string]any{
			"id": m.ID, "address": m.Address, "state": m.State, "reason": m.Reason, "policy": m.Policy, "crm": m.CRM, "crm_user": m.CRMUser, "mail": m.Mail,
			"initialized": m.Initialized, "round": m.Round, "last_success": instant(m.LastSuccess), "next_at": instant(m.NextAt), "failures": m.Failures,
			"open_issues": m.OpenIssues, "held": m.Held, "asking": m.Asking,
		})
	}
	out := listed{Rows: rows, Total: &found.Total}
	if len(found.Rows) == pageSize {
		out.Next = keyText(found.Rows[len(found.Rows)-1].Key(q.Sort))
	}
	writeJSON(w, http.StatusOK, "application/json", out)
}

// instant is null where there is none.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

func (d *Dashboard) apiIssues(w http.ResponseWriter, r *http.Request, who Account) {
	_, f, err := d.issueFilter(r.Context(), who, r.URL.Query())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	rows, err := d.Store.FindIssues(r.Context(), f)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	total, err := d.Store.CountIssues(r.Context(), f)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	list := []map[string]any{}
	for _, i := range issuesOf(rows, nil) {
		list = append(list, map[string]any{
			"id": i.ID, "mailbox": i.Mailbox, "entity": i.Entity, "kind": i.Kind, "side": i.Side, "item": i.Item, "code": i.Code, "source": i.Entry.Source,
			"message": i.Message, "cause": i.Entry.Cause, "solution": i.Entry.Solution, "acts": i.Acts, "state": i.State, "evidence": i.Evidence,
			"first": instant(i.First), "last": instant(i.Last), "count": i.Count, "open": i.Open,
		})
	}
	out := listed{Rows: list, Total: &total}
	if len(rows) == pageSize {
		out.Next = issueKeyText(rows[len(rows)-1].Key())
	}
	writeJSON(w, http.StatusOK, "application/json", out)
}

func (d *Dashboard) apiRounds(w http.ResponseWriter, r *http.Request, who Account) {
	q, err := d.roundQuery(r, who)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	rows, err := d.Store.FindRounds(r.Context(), q)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	list := []map[string]any{}
	for _, v := range rows {
		list = append(list, map[string]any{
			"mailbox": v.Mailbox, "address": v.Address, "number": v.Number, "started": instant(v.Started), "ended": instant(v.Ended),
			"done": v.Done, "refused": v.Refused, "note": v.Note, "counts": v.Counts,
		})
	}
	out := listed{Rows: list}
	if len(rows) == pageSize {
		out.Next = roundKeyText(rows[len(rows)-1])
	}
	writeJSON(w, http.StatusOK, "application/json", out)
}

func (d *Dashboard) apiAlerts(w http.ResponseWriter, r *http.Request, who Account) {
	rows, err := d.Store.Alerts(r.Context(), store.AlertFilter{Mailbox: ownMailbox(who)})
	if err != nil {
		d.fail(w, r, err)
		return
	}
	list := []map[string]any{}
	for _, a := range rows {
		if code := r.URL.Query().Get("code"); code != "" && a.Code != code {
			continue
		}
		e, _ := issue.Lookup(a.Code)
		list = append(list, map[string]any{
			"id": a.ID, "mailbox": a.Mailbox, "connection": a.Connection, "side": a.Side, "workload": a.Workload, "state": a.State, "code": a.Code,
			"source": e.Source, "message": a.Message, "cause": e.Cause, "solution": e.Solution, "acts": issue.People(e.Who()), "evidence": a.Evidence,
			"times": a.Times, "first": instant(a.First), "last": instant(a.Last),
		})
	}
	writeJSON(w, http.StatusOK, "application/json", listed{Rows: list})
}

// apiDescription is the OpenAPI description, made of the table of routes, so
// that it cannot say anything else than what is served.
func (d *Dashboard) apiDescription(w http.ResponseWriter, _ *http.Request, _ Account) {
	writeJSON(w, http.StatusOK, "application/json", d.description())
}

func (d *Dashboard) description() map[string]any {
	paths := map[string]map[string]any{}
	for _, r := range d.routes() {
		if !strings.HasPrefix(r.path, "/api/") {
			continue
		}
		if paths[r.path] == nil {
			paths[r.path] = map[string]any{}
		}
		paths[r.path][strings.ToLower(r.method)] = d.operation(r)
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Lockstep", "version": "1",
			"description": "Every command of the command line, and the lists that the dashboard shows. Sign in at /api/v1/session and send the token as Authorization: Bearer.",
		},
		"paths": paths,
		"components": map[string]any{
			"securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer"}},
			"schemas":         schemas(),
		},
	}
}

func schemas() map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{
		"Answer": map[string]any{"type": "object", "required": []string{"result", "said", "done"}, "properties": map[string]any{
			"result": map[string]any{"description": "what the command prints with --json; null = nothing"},
			"said":   map[string]any{"type": "array", "items": text, "description": "what it tells a person"},
			"done":   map[string]any{"type": "boolean", "description": "false: accepted, and not carried out yet, or not everywhere"},
		}},
		"List": map[string]any{"type": "object", "required": []string{"rows"}, "properties": map[string]any{
			"rows": map[string]any{"type": "array", "items": map[string]any{"type": "object"}}, "total": map[string]any{"type": "integer"}, "next": text,
		}},
		"Problem": map[string]any{"type": "object", "description": "RFC 9457", "required": []string{"type", "title", "status", "code"}, "properties": map[string]any{
			"type": text, "title": text, "status": map[string]any{"type": "integer"}, "detail": text,
			"code":  map[string]any{"type": "string", "description": "of the catalogue (GET /api/v1/errors), where it has one"},
			"cause": text, "solution": text, "acts": text,
		}},
	}
}

// operation describes one route.
func (d *Dashboard) operation(r route) map[string]any {
	shape := "List"
	op := map[string]any{"summary": r.says, "operationId": operationID(r)}
	var parameters []map[string]any
	for _, q := range r.query {
		parameters = append(parameters, map[string]any{"name": q.name, "in": "query", "description": q.says, "schema": map[string]any{"type": "string"}})
	}
	for _, o := range d.offers {
		if o.path() != r.path || o.reads != (r.method == http.MethodGet) {
			continue
		}
		shape, op["description"] = "Answer", strings.TrimSpace("As on the command line: lockstep "+o.name+"\n\n"+o.Long)
		if o.reads {
			parameters = append(parameters, parametersOf(o)...)
		} else {
			op["requestBody"] = bodyOf(o)
		}
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if r.role != "" {
		op["security"] = []any{map[string]any{"token": []any{}}}
		op["x-role"] = r.role
	}
	schema := map[string]any{"$ref": "#/components/schemas/" + shape}
	if strings.HasSuffix(r.path, "/openapi.json") || strings.HasSuffix(r.path, "/overview") || strings.HasSuffix(r.path, "/session") {
		schema = map[string]any{"type": "object"}
	}
	kind := "application/json"
	if strings.HasSuffix(r.path, "/bundle") {
		kind, schema = "application/zip", map[string]any{"type": "string", "contentMediaType": "application/zip"}
	}
	op["responses"] = map[string]any{
		"200":     map[string]any{"description": "done", "content": map[string]any{kind: map[string]any{"schema": schema}}},
		"default": map[string]any{"description": "not done", "content": map[string]any{"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Problem"}}}},
	}
	if r.method == http.MethodPost && shape == "Answer" {
		op["responses"].(map[string]any)["202"] = map[string]any{
			"description": "accepted, and not carried out yet, or not everywhere", "content": map[string]any{"application/json": map[string]any{"schema": schema}},
		}
	}
	return op
}

func operationID(r route) string {
	return strings.ToLower(r.method) + strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(r.path, "/api/v1"), "/", "_"), ".", "_")
}

func parametersOf(o offered) []map[string]any {
	var out []map[string]any
	for _, f := range o.takes() {
		out = append(out, map[string]any{"name": f.Name, "in": "query", "description": f.Meaning, "schema": schemaOf(f.Type)})
	}
	return out
}

func bodyOf(o offered) map[string]any {
	properties, required := map[string]any{}, slices.Clone(o.needs)
	for _, f := range o.takes() {
		s := schemaOf(f.Type)
		s["description"] = f.Meaning
		properties[f.Name] = s
	}
	for _, a := range o.Arguments {
		if !a.Optional && !isFile(a.Name) && !slices.Contains(required, a.Name) {
			required = append(required, a.Name)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return map[string]any{"content": map[string]any{"application/json": map[string]any{"schema": schema}}}
}

func schemaOf(kind string) map[string]any {
	text := map[string]any{"type": "string"}
	switch kind {
	case "bool":
		return map[string]any{"type": "boolean"}
	case "int":
		return map[string]any{"type": "integer"}
	case "strings", "stringSlice":
		return map[string]any{"type": "array", "items": text}
	case "stringToString":
		return map[string]any{"type": "object", "additionalProperties": text}
	case "duration":
		return map[string]any{"type": "string", "examples": []string{"30s"}}
	default:
		return text
	}
}

// String names a route as the tests and the log do.
func (r route) String() string { return fmt.Sprintf("%s %s", r.method, r.path) }
