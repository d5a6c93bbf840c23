package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	sessionCookie = "lockstep_session"
	noticeCookie  = "lockstep_notice"
	// sessionFor is how long a session lasts.
	sessionFor = 12 * time.Hour
	// linkFor is how long a one-time link opens the door.
	linkFor = 24 * time.Hour
)

// signer signs what a browser keeps for us. Sessions are not stored: every
// worker that has the installation's key knows them, and one ends when its
// account changes.
type signer struct{ key []byte }

func newSigner(key []byte) signer {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("lockstep dashboard sessions"))
	return signer{mac.Sum(nil)}
}

func (s signer) sum(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// seal writes a value for a purpose; open reads it where it is genuine.
func (s signer) seal(purpose string, v any) string {
	b, _ := json.Marshal(v) // structs of texts and numbers cannot fail to encode
	text := base64.RawURLEncoding.EncodeToString(b)
	return text + "." + s.sum(purpose, text)
}

func (s signer) open(purpose, sealed string, v any) bool {
	text, sum, found := strings.Cut(sealed, ".")
	if !found || subtle.ConstantTimeCompare([]byte(sum), []byte(s.sum(purpose, text))) != 1 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(b, v) == nil
}

// session is what the cookie or a bearer token says.
type session struct {
	Name  string `json:"n"`
	Print string `json:"p"`
	Ends  int64  `json:"e"`
}

// token makes a session for an account.
func (d *Dashboard) token(a Account) (text string, ends time.Time) {
	ends = d.now().Add(sessionFor)
	return d.signer.seal("session", session{Name: a.Name, Print: a.print(), Ends: ends.Unix()}), ends
}

// visitor is the account whose session a request carries.
func (d *Dashboard) visitor(r *http.Request) (Account, bool) {
	text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		c, err := r.Cookie(sessionCookie)
		if err != nil {
			return Account{}, false
		}
		text = c.Value
	}
	var s session
	if !d.signer.open("session", text, &s) || !time.Unix(s.Ends, 0).After(d.now()) {
		return Account{}, false
	}
	a, ok := d.accounts.named(s.Name)
	return a, ok && a.print() == s.Print
}

func (d *Dashboard) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || strings.HasPrefix(d.URL, "https://"), MaxAge: int(age / time.Second),
	}
	if age <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// notice is said once, at the top of the page that comes next.
type notice struct {
	Text string `json:"t"`
	Bad  bool   `json:"b,omitempty"`
}

func (d *Dashboard) notify(w http.ResponseWriter, r *http.Request, n notice) {
	if letters := []rune(n.Text); len(letters) > 600 { // a cookie has 4 KB (RFC 6265 6.1)
		n.Text = string(letters[:600]) + "…"
	}
	d.setCookie(w, r, noticeCookie, d.signer.seal("notice", n), time.Minute)
}

// takeNotice reads the notice and takes it away.
func (d *Dashboard) takeNotice(w http.ResponseWriter, r *http.Request) *notice {
	c, err := r.Cookie(noticeCookie)
	if err != nil {
		return nil
	}
	d.setCookie(w, r, noticeCookie, "", 0)
	var n notice
	if !d.signer.open("notice", c.Value, &n) {
		return nil
	}
	return &n
}

// links are one-time links: they are known only to this process and to whoever
// read them on its terminal.
type links struct {
	mu   sync.Mutex
	open map[string]oneTime
}

type oneTime struct {
	name string
	ends time.Time
}

func (l *links) make(name string, ends time.Time) string {
	text := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[string]oneTime{}
	}
	l.open[text] = oneTime{name, ends}
	return text
}

// use opens a link once.
func (l *links) use(text string, now time.Time) (name string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, ok := l.open[text]
	delete(l.open, text)
	return o.name, ok && now.Before(o.ends)
}

// Link makes an address that signs somebody in once, as the account with that
// name. base is where the dashboard is served.
func (d *Dashboard) Link(base, account string) string {
	return strings.TrimSuffix(base, "/") + "/sign-in/link?token=" + d.links.make(account, d.now().Add(linkFor))
}
