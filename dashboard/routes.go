package dashboard

import (
	"net/http"
	"slices"
	"strings"
)

// route is one address and who may go there.
type route struct {
	method, path string
	// role is the least that may; "" = anybody, also who did not sign in.
	role Role
	// user: users may, too; the handler shows them their own mailbox only.
	user    bool
	handler func(http.ResponseWriter, *http.Request, Account)
	// says documents an address of the API.
	says  string
	query []query
}

// query is a parameter of an address of the API.
type query struct{ name, says string }

// routes is every address that is served.
func (d *Dashboard) routes() []route {
	return slices.Concat(d.doors(), d.looks(), d.lists(), d.commands())
}

// doors are open to everybody.
func (d *Dashboard) doors() []route {
	return []route{
		{method: "GET", path: "/static/{file}", handler: d.file},
		{method: "GET", path: "/sign-in", handler: d.signInPage},
		{method: "POST", path: "/sign-in", handler: d.signIn},
		{method: "GET", path: "/sign-in/link", handler: d.signInByLink},
		{method: "POST", path: "/sign-out", handler: d.signOut},
		{method: "GET", path: "/healthz", handler: func(w http.ResponseWriter, _ *http.Request, _ Account) { w.WriteHeader(http.StatusNoContent) }},
		{method: "POST", path: "/api/v1/session", handler: d.apiSession, says: "Sign in with {name, password}; the answer's token is sent as Authorization: Bearer."},
		{method: "GET", path: "/api/v1/openapi.json", handler: d.apiDescription, says: "This description."},
	}
}

// looks are the pages.
func (d *Dashboard) looks() []route {
	return []route{
		{method: "GET", path: "/{$}", role: Viewer, user: true, handler: d.overview},
		{method: "GET", path: "/mailboxes", role: Viewer, handler: d.mailboxes},
		{method: "GET", path: "/mailboxes/{mailbox}", role: Viewer, user: true, handler: d.mailbox},
		{method: "GET", path: "/mailboxes/{mailbox}/plan", role: Viewer, user: true, handler: d.planPage},
		{method: "GET", path: "/mailboxes/{mailbox}/item", role: Viewer, user: true, handler: d.item},
		{method: "GET", path: "/issues", role: Viewer, user: true, handler: d.issues},
		{method: "GET", path: "/issues/{issue}", role: Viewer, user: true, handler: d.issue},
		{method: "GET", path: "/rounds", role: Viewer, user: true, handler: d.rounds},
		{method: "GET", path: "/alerts", role: Viewer, user: true, handler: d.alerts},
		{method: "GET", path: "/reviews", role: Viewer, user: true, handler: d.reviews},
		{method: "GET", path: "/connections", role: Viewer, handler: d.connections},
		{method: "GET", path: "/policies", role: Viewer, handler: d.policies},
		{method: "GET", path: "/policies/{policy}", role: Viewer, user: true, handler: d.policy},
		{method: "GET", path: "/requests", role: Viewer, handler: d.requests},
		{method: "GET", path: "/requests/{request}", role: Viewer, user: true, handler: d.request},
		{method: "GET", path: "/errors", role: Viewer, user: true, handler: d.errors},
		{method: "GET", path: "/errors/{code}", role: Viewer, user: true, handler: d.errors},
		{method: "GET", path: "/confirm", role: Operator, user: true, handler: d.confirm},
		{method: "POST", path: "/confirm", role: Operator, user: true, handler: d.confirm},
		{method: "POST", path: "/do", role: Operator, user: true, handler: d.carryOut},
	}
}

// mux serves the routes: each to those who may go there.
func (d *Dashboard) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range d.routes() {
		mux.HandleFunc(r.method+" "+r.path, d.admitted(r))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := d.visitor(r); !ok {
			d.turnAway(w, r)
			return
		}
		d.refuse(w, r, http.StatusNotFound, "not-found", "There is no such page.")
	})
	return mux
}

// admitted lets in who may use a route.
func (d *Dashboard) admitted(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, in := d.visitor(r)
		switch {
		case route.role == "":
			route.handler(w, r, who)
		case !in:
			d.turnAway(w, r)
		case who.Role.reaches(route.role) || who.Role == User && route.user:
			route.handler(w, r, who)
		default:
			d.refuse(w, r, http.StatusForbidden, "not-allowed", "Your role, "+string(who.Role)+", may not go there.")
		}
	}
}

// turnAway asks a person to sign in, and tells a program that it has to.
func (d *Dashboard) turnAway(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") || r.Method != http.MethodGet {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Lockstep"`) // RFC 9110 section 11.6.1
		d.refuse(w, r, http.StatusUnauthorized, "not-signed-in", "Sign in first.")
		return
	}
	to := "/sign-in"
	if back := r.URL.RequestURI(); back != "/" {
		to += "?back=" + queryEscape(back)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
