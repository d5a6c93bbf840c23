// Package dashboard is the web page that an administrator keeps open, in which a
// user finds their own mailbox, and the HTTP API behind it (requirements D-01,
// D-02, L-02 to L-07, B25).
//
// Pages are templates with forms; they work without a script, and web/app.js
// only keeps them fresh. What a page or the API does is a command of the
// command line, carried out in this process under the name of whoever signed in
// (action.go); what they list comes from the store's Surveying. routes.go is
// the one table of addresses, with the role that each of them takes.
package dashboard

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/starter/cli"
	"lockstep.dev/store"
)

// Config is what a dashboard is made of.
type Config struct {
	Store   store.Store
	Schema  cli.Schema
	Engine  cli.Engine
	Systems setup.Systems
	// Inspect tells what a CRM's own database has; nil = nobody can say.
	Inspect  func(ctx context.Context, c model.Connection) (cli.DatabaseReport, error)
	Log      *slog.Logger
	Key      []byte // the installation's; the key that signs sessions is derived from it
	Accounts Accounts
	// URL is how people reach the dashboard where that is not this machine.
	URL string
	// Temporal is the address of Temporal's Web UI, "" = no links to it;
	// Namespace is the one that the workflows are in.
	Temporal, Namespace string
	// Support is the address to which people are invited to write; may be empty.
	Support string
	Version string
	Now     func() time.Time // nil = the clock
}

// Dashboard serves the pages and the API.
type Dashboard struct {
	Config
	accounts Accounts
	signer   signer
	links    links
	limiter  limiter
	checking chan struct{} // passwords that are checked at once: each takes 19 MiB
	offers   map[string]offered
	pages    map[string]*template.Template
	static   fs.FS
	handler  http.Handler

	mu       sync.Mutex
	surveyed time.Time
	survey   store.Survey
}

// leastKey is the least length of the installation's key.
const leastKey = 16

// New makes a dashboard.
func New(c Config) (*Dashboard, error) {
	if len(c.Key) < leastKey {
		return nil, errors.New("make dashboard: the key is too short")
	}
	if c.URL != "" {
		if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("make dashboard: %q is not the address of a web page", c.URL)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Dashboard{Config: c, accounts: c.Accounts, signer: newSigner(c.Key), checking: make(chan struct{}, 2), offers: offers()}
	var err error
	if d.pages, err = parsePages(); err != nil {
		return nil, err
	}
	if d.static, err = fs.Sub(files, "web/static"); err != nil {
		return nil, err
	}
	d.handler = d.guarded(d.mux())
	return d, nil
}

// ServeHTTP implements http.Handler.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

func (d *Dashboard) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// surveyFor is how long a survey is good enough: everybody who looks at the
// overview costs one together.
const surveyFor = 2 * time.Second

// choicesFor is how long it is good enough for what a list can be narrowed by.
const choicesFor = time.Minute

// counts returns a survey that is at most so old.
func (d *Dashboard) counts(ctx context.Context, old time.Duration) (store.Survey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if now.Sub(d.surveyed) < old && !d.surveyed.IsZero() {
		return d.survey, nil
	}
	s, err := d.Store.Survey(ctx, now)
	if err == nil {
		d.survey, d.surveyed = s, now
	}
	return s, err
}
