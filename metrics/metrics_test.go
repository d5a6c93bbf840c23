package metrics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.yaml.in/yaml/v3"

	"lockstep.dev/activities"
	"lockstep.dev/connector"
	"lockstep.dev/connector/memory"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// standing is a store whose answers a test gives.
type standing struct {
	is  store.Standing
	err error
}

func (s *standing) Standing(context.Context) (store.Standing, error) { return s.is, s.err }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// scraped is what Prometheus gets, by way of a real server.
func scraped(t *testing.T, m *Metrics) string {
	t.Helper()
	s, err := m.Serve(t.Context(), "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(t.Context())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return string(text)
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(text, l) {
			t.Errorf("there is no %s in\n%s", l, ours(text))
		}
	}
}

// ours are the lines of our own metrics.
func ours(text string) string {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(l, "lockstep_") || strings.HasPrefix(l, "temporal_") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// Issue 5: lag, open issues by code, alerts, mailboxes by state; when the store
// does not answer the numbers stand still and their age tells it.
func TestHowEverythingStands(t *testing.T) {
	now := time.Now()
	st := &standing{is: store.Standing{
		Mailboxes: []store.MailboxCount{{Connection: "office", State: model.Disabled, Number: 3}},
		Behind:    []store.Behind{{Connection: "office", Success: now.Add(-time.Hour), Waiting: now.Add(-time.Minute)}, {Connection: "quiet", Success: now}},
		Issues:    []store.CodeCount{{Code: "sqlcrm.invalid", Count: 7}}, Alerts: []store.CodeCount{{Code: "dav.401", Count: 2}},
	}}
	clock := now
	s := &stander{standing: st, log: quiet(), now: func() time.Time { return clock }}
	m := New(nil, nil, quiet())
	m.registry.MustRegister(s)
	text := scraped(t, m)
	wants(t, text, `lockstep_mailboxes{connection="office",state="disabled"} 3`, `lockstep_silence_seconds{connection="office"} 3600`,
		`lockstep_lag_seconds{connection="office"} 60`, `lockstep_lag_seconds{connection="quiet"} 0`, `lockstep_issues{code="sqlcrm.invalid"} 7`,
		`lockstep_alerts{code="dav.401"} 2`, `lockstep_standing_age_seconds 0`)
	st.err, clock = errors.New("the database is gone"), now.Add(time.Minute)
	wants(t, scraped(t, m), `lockstep_issues{code="sqlcrm.invalid"} 7`, `lockstep_standing_age_seconds 60`)
}

// Issue 5: remote latency per connector and call, operations by class, throttle
// seconds; every call goes through, and is a span where traces are wanted.
func TestCallsAreMeasured(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	m := New(nil, tracesTo(sdktrace.NewSimpleSpanProcessor(spans)), quiet())
	system := memory.New(memory.Config{Side: model.Mail, Refuse: func(op model.Operation) bool { return op.Content.Text("full_name") == "Refused" }})
	system.AddMailbox("ada@example.com", "identity")
	slow := false
	faulty := memory.Faults(system, func(_ context.Context, p memory.Point) error {
		if slow && p.Call == "fetch" {
			f := issue.Fault("dav.429")
			f.After = 17 * time.Second
			return f
		}
		return nil
	})
	c := m.Watched(faulty)
	s, err := c.Open(t.Context(), model.Account{Address: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range s.Changes(t.Context(), all[0], "") {
		break
	}
	create := func(name string) model.Operation {
		c := model.Content{}
		c.PutText("full_name", name)
		return model.Operation{Action: model.Create, Key: model.Key(strings.ToLower(name) + ".0"), Ref: model.Ref{Side: model.Mail, Kind: model.Contact, Collection: all[0].ID}, Content: c}
	}
	if _, err := s.Apply(t.Context(), []model.Operation{create("Taken"), create("Refused")}); err != nil {
		t.Fatal(err)
	}
	slow = true
	_, _ = s.Fetch(t.Context(), nil)
	if _, ok := connector.As[connector.Marker](s); !ok {
		t.Error("what is measured hides what it can do")
	}
	wants(t, scraped(t, m), `lockstep_remote_seconds_count{call="collections",connector="memory",side="mail"} 1`,
		`lockstep_operations_total{action="create",class="",connector="memory",kind="contact",outcome="done",side="mail"} 1`,
		`lockstep_operations_total{action="create",class="Invalid",connector="memory",kind="contact",outcome="refused",side="mail"} 1`,
		`lockstep_throttled_seconds_total{connector="memory",side="mail"} 17`,
		`lockstep_remote_failures_total{call="fetch",class="Throttled",connector="memory",side="mail"} 1`)
	var names []string
	for _, span := range spans.GetSpans() {
		names = append(names, span.Name)
		for _, a := range span.Attributes {
			if strings.Contains(a.Value.AsString(), "ada@") || strings.Contains(a.Value.AsString(), "Taken") {
				t.Errorf("a span tells %s", a.Value.AsString())
			}
		}
	}
	for _, want := range []string{"memory open", "memory changes", "memory apply", "memory fetch"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no span %s among %v", want, names)
		}
	}
}

// Issue 5: rounds by result.
func TestRoundsAreCounted(t *testing.T) {
	m := New(nil, nil, quiet())
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{
		&Interceptor{Metrics: m, Name: func(context.Context, model.MailboxID) string { return "office" }},
	}})
	steps := &steps{}
	env.RegisterActivity(steps)
	run := func(activity, in any) { _, _ = env.ExecuteActivity(activity, in) }
	run(steps.Fetch, activities.FetchIn{Mailbox: "m"})
	steps.waits = true
	run(steps.Fetch, activities.FetchIn{Mailbox: "m"})
	steps.work, steps.waits = true, false
	run(steps.Fetch, activities.FetchIn{Mailbox: "m"}) // goes on
	run(steps.Settle, activities.SettleIn{Mailbox: "m"})
	run(steps.Settle, activities.SettleIn{Mailbox: "m", Refused: 1})
	run(steps.Diff, activities.DiffIn{Mailbox: "m"})
	steps.err = errors.New("it failed")
	run(steps.Fetch, activities.FetchIn{Mailbox: "m"})
	text := scraped(t, m)
	for _, result := range []string{"quiet", "waiting", "written", "partial", "held", "failed"} {
		wants(t, text, `lockstep_rounds_total{connection="office",result="`+result+`"} 1`)
	}
	wants(t, text, `lockstep_step_seconds_count{result="failed",step="Fetch"} 1`)
}

// steps stand for a round's.
type steps struct {
	work, waits bool
	err         error
}

func (s *steps) Fetch(context.Context, activities.FetchIn) (activities.FetchOut, error) {
	return activities.FetchOut{State: model.Active, Connection: "office", Work: s.work, Waits: s.waits}, s.err
}

func (s *steps) Diff(context.Context, activities.DiffIn) (activities.DiffOut, error) {
	return activities.DiffOut{Held: 2}, s.err
}

func (s *steps) Settle(context.Context, activities.SettleIn) (activities.SettleOut, error) {
	return activities.SettleOut{}, s.err
}

// The SDK's metrics keep one set of labels per name, whatever it tags them with.
func TestTemporalsMetricsKeepTheirLabels(t *testing.T) {
	m := New(nil, nil, quiet())
	h := m.Temporal()
	h.WithTags(map[string]string{"namespace": "default", "workflow_id": "mailbox/secret"}).Counter("temporal_request").Inc(2)
	h.WithTags(map[string]string{"operation": "Poll", "activity_type": "none"}).Counter("temporal_request").Inc(1)
	h.Gauge("temporal_worker_task_slots_used").Update(3)
	h.Timer("temporal_request_latency").Record(20 * time.Millisecond)
	text := scraped(t, m)
	wants(t, text, `temporal_request_total{activity_type="",failure_reason="",namespace="default"`, `operation="Poll"`, "temporal_worker_task_slots_used{", "temporal_request_latency_seconds_count{")
	if strings.Contains(text, "mailbox/") {
		t.Error("a workflow's id is a label")
	}
}

// Metrics are for those who are told: no address means no network.
func TestMetricsListenWhereTheyAreTold(t *testing.T) {
	m := New(nil, nil, quiet())
	for _, address := range []string{":9464", "9464", "", "nowhere"} {
		if s, err := m.Serve(t.Context(), address, quiet()); err == nil {
			s.Stop(t.Context())
			t.Errorf("%q is taken for an address", address)
		}
	}
	for _, collector := range []string{"127.0.0.1:4317", "ftp://x", "http://user:secret@x:4317"} {
		if _, err := StartTraces(t.Context(), collector); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", collector, err)
		}
	}
}

// The alert rules name metrics and labels that exist, and say what to do.
func TestAlertRulesNameWhatExists(t *testing.T) {
	text, err := os.ReadFile("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	known := map[string]Metric{}
	for _, m := range List() {
		known[m.Full()] = m
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if m.Type == "histogram" {
				known[m.Full()+suffix] = m
			}
		}
	}
	name := regexp.MustCompile(`lockstep_[a-z_]+`)
	label := regexp.MustCompile(`\$labels\.([a-z]+)`)
	used := map[string]bool{}
	for _, r := range file.Groups[0].Rules {
		if _, err := time.ParseDuration(r.For); err != nil || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["action"] == "" {
			t.Errorf("%s lacks what people need: %+v", r.Alert, r)
		}
		var labels []string
		for _, n := range name.FindAllString(r.Expr, -1) {
			m, ok := known[n]
			if !ok {
				t.Errorf("%s names %s, which does not exist", r.Alert, n)
			}
			labels, used[m.Name] = append(labels, m.Labels...), true
		}
		for _, l := range label.FindAllStringSubmatch(r.Annotations["summary"]+r.Annotations["action"], -1) {
			if !slices.Contains(labels, l[1]) {
				t.Errorf("%s names the label %s, which its metrics lack", r.Alert, l[1])
			}
		}
	}
	for _, must := range []string{"lag_seconds", "silence_seconds", "alerts", "rounds", "issues"} {
		if !used[must] {
			t.Errorf("nobody is woken for %s", must)
		}
	}
}

// docs/metrics.md says what the code says.
func TestThePageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../docs/metrics.md")
	if err != nil || !bytes.Equal(have, []byte(Page())) {
		t.Errorf("docs/metrics.md is not what the code says (%v); run go generate ./metrics", err)
	}
}

// No label can hold what names a person or an item.
func TestLabelsAreFew(t *testing.T) {
	for _, m := range List() {
		for _, l := range m.Labels {
			if !slices.Contains([]string{"connection", "connector", "side", "kind", "action", "outcome", "class", "code", "state", "result", "call", "step"}, l) {
				t.Errorf("%s has the label %s", m.Name, l)
			}
		}
		if m.Help == "" {
			t.Errorf("%s is not explained", m.Name)
		}
	}
}
