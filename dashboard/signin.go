package dashboard

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// ownerName is the account of whoever comes through a one-time link to a
// Lockstep without accounts: a standalone program on one's own machine.
const ownerName = "owner"

// Owner is that account.
func Owner() Account { return Account{Name: ownerName, Role: Admin, Content: true} }

func (d *Dashboard) signInPage(w http.ResponseWriter, r *http.Request, who Account) {
	d.show(w, r, http.StatusOK, "signin", page{Title: "Sign in", Who: who, Body: map[string]any{
		"Back": local(r.URL.Query().Get("back")), "Passwords": d.hasPasswords(),
	}})
}

func (d *Dashboard) hasPasswords() bool {
	for _, a := range d.accounts {
		if a.Password != "" {
			return true
		}
	}
	return false
}

// local is where to go back to: a place of ours, nothing else.
func local(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.Contains(back, `\`) {
		return "/"
	}
	return back
}

func queryEscape(s string) string { return url.QueryEscape(s) }

func (d *Dashboard) signIn(w http.ResponseWriter, r *http.Request, _ Account) {
	a, err := d.checked(r, r.PostFormValue("name"), r.PostFormValue("password"))
	if err != nil {
		f := d.failureOf(r, err)
		d.show(w, r, f.status, "signin", page{Title: "Sign in", Body: map[string]any{
			"Back": local(r.PostFormValue("back")), "Passwords": true, "Problem": f.text, "Name": r.PostFormValue("name"),
		}})
		return
	}
	d.letIn(w, r, a, local(r.PostFormValue("back")))
}

// checked is the account with this name and password. Attempts are counted
// before they are tried, by name and by address.
func (d *Dashboard) checked(r *http.Request, name, password string) (Account, error) {
	keys := []string{"name " + name, "from " + remote(r)}
	if wait := d.limiter.wait(d.now(), keys...); wait > 0 {
		return Account{}, failed(http.StatusTooManyRequests, "too-many", "That was wrong too often. Wait %s, then try again.", span(wait+time.Second))
	}
	d.limiter.failed(d.now(), keys...)
	select {
	case d.checking <- struct{}{}:
		defer func() { <-d.checking }()
	case <-r.Context().Done():
		return Account{}, r.Context().Err()
	}
	a, known := d.accounts.named(name)
	if right := rightPassword(a.Password, password); !known || !right {
		d.Log.WarnContext(r.Context(), "a sign-in was refused", "from", remote(r))
		return Account{}, failed(http.StatusUnauthorized, "wrong-password", "The name or the password is wrong.")
	}
	d.limiter.passed(keys...)
	return a, nil
}

func (d *Dashboard) letIn(w http.ResponseWriter, r *http.Request, a Account, to string) {
	token, _ := d.token(a)
	d.setCookie(w, r, sessionCookie, token, sessionFor)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (d *Dashboard) signInByLink(w http.ResponseWriter, r *http.Request, _ Account) {
	name, ok := d.links.use(r.URL.Query().Get("token"), d.now())
	a, known := d.accounts.named(name)
	if !ok || !known {
		d.refuse(w, r, http.StatusForbidden, "used-link", "This link was used before, or is too old. Start Lockstep again for a new one.")
		return
	}
	d.letIn(w, r, a, "/")
}

func (d *Dashboard) signOut(w http.ResponseWriter, r *http.Request, _ Account) {
	d.setCookie(w, r, sessionCookie, "", 0)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (d *Dashboard) apiSession(w http.ResponseWriter, r *http.Request, _ Account) {
	var in struct{ Name, Password string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		d.refuse(w, r, http.StatusBadRequest, "usage", "The body must be JSON with name and password.")
		return
	}
	a, err := d.checked(r, in.Name, in.Password)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	token, ends := d.token(a)
	writeJSON(w, http.StatusOK, "application/json", map[string]any{"token": token, "ends": ends.UTC(), "role": a.Role})
}

// file serves what pages need, from this program only.
func (d *Dashboard) file(w http.ResponseWriter, r *http.Request, _ Account) {
	name := path.Base(r.PathValue("file"))
	b, err := fs.ReadFile(d.static, name)
	if err != nil {
		d.refuse(w, r, http.StatusNotFound, "not-found", "There is no such file.")
		return
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", kinds[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(b) // the client may have gone
}

// span says a duration in its largest unit, rounded down.
func span(t time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if t >= unit.size {
			return plural(int(t/unit.size), unit.name)
		}
	}
	return plural(int(t/time.Second), "second")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", number(n), noun)
}
