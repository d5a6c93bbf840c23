//go:build unix

package peer

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// secret is the password of every user of every throw-away server.
const secret = "secret"

// Names of the collections prepared for every user.
const (
	calendarName = "calendar"
	taskListName = "tasks"
)

// DAVServer is a throw-away CalDAV and CardDAV server. Addresses of
// collections are absolute and end in a slash.
type DAVServer struct {
	// URL is the address to start discovery from, without a slash at the end.
	URL string
	// Users are the names to sign in with; User is the first of them.
	Users []string
	User  string
	// Password is that of every user (Basic authentication).
	Password string
	// Program is "cyrus" or "radicale".
	Program string
	// IMAP and LMTP are host:port of the mail services (no TLS; LMTP without
	// sign-in), or empty where the server has none.
	IMAP, LMTP string

	in      *instance
	ports   ports
	proc    *process
	command []string
	layout  layout
	welcome func(user string) error // makes the server know the user; nil if it does already
}

// layout says where a server keeps a user's collections; %s is the user.
type layout struct {
	addressBooks, calendars string // homes
	addressBook             string // the prepared address book, in its home
}

// AddressBookHome is the folder of a user's address books.
func (s *DAVServer) AddressBookHome(user string) string {
	return s.URL + fmt.Sprintf(s.layout.addressBooks, user)
}

// CalendarHome is the folder of a user's calendars and task lists.
func (s *DAVServer) CalendarHome(user string) string {
	return s.URL + fmt.Sprintf(s.layout.calendars, user)
}

// AddressBook is the prepared address book of a user.
func (s *DAVServer) AddressBook(user string) string {
	return s.AddressBookHome(user) + s.layout.addressBook + "/"
}

// Calendar is the prepared calendar of a user; it takes VEVENT only.
func (s *DAVServer) Calendar(user string) string { return s.CalendarHome(user) + calendarName + "/" }

// TaskList is the prepared task list of a user; it takes VTODO only.
func (s *DAVServer) TaskList(user string) string { return s.CalendarHome(user) + taskListName + "/" }

// start starts the server and waits until it answers its first user.
func (s *DAVServer) start() error {
	s.ports.release()
	proc, err := s.in.start(syscall.SIGTERM, s.command[0], s.command[1:]...)
	if err != nil {
		return err
	}
	if err := proc.ready(s.ping); err != nil {
		proc.stop()
		return err
	}
	s.proc = proc
	return nil
}

// Stop ends the server; its data and its port stay, and clients are refused.
func (s *DAVServer) Stop(t TB) {
	t.Helper()
	if s.proc == nil {
		return
	}
	s.proc.stop()
	s.proc = nil
	if err := s.ports.hold(); err != nil {
		t.Fatalf("stop %s: %v", s.Program, err)
	}
}

// Start starts a stopped server again, on its data and its port.
func (s *DAVServer) Start(t TB) {
	t.Helper()
	if s.proc != nil {
		return
	}
	if err := s.start(); err != nil {
		t.Fatalf("start %s again: %v", s.Program, err)
	}
}

// run starts the server for the first time, prepares the users' collections
// and has everything ended with the test.
func (s *DAVServer) run(t TB) {
	t.Helper()
	t.Cleanup(func() {
		if s.proc != nil {
			s.proc.stop()
		}
		s.ports.release()
		s.in.remove()
	})
	if err := s.start(); err != nil {
		t.Fatalf("start %s: %v", s.Program, err)
	}
	for _, user := range s.Users {
		if err := s.prepare(user); err != nil {
			t.Fatalf("prepare collections of %s on %s: %v", user, s.Program, err)
		}
	}
}

// ping asks for something every DAV server answers, without signing in. An
// error of the server (5xx) means that it is not ready yet.
func (s *DAVServer) ping() error {
	status, _, err := s.send("OPTIONS", s.URL+"/", "", "", nil)
	if err != nil {
		return err
	}
	if status >= http.StatusInternalServerError {
		return fmt.Errorf("ask for options: status %d", status)
	}
	return nil
}

func (s *DAVServer) prepare(user string) error {
	if s.welcome != nil {
		if err := s.welcome(user); err != nil {
			return err
		}
	}
	if status, _, err := s.send("PROPFIND", s.AddressBook(user), user, "", nil); err != nil {
		return err
	} else if status == http.StatusNotFound {
		if err := s.makeAddressBook(user, s.layout.addressBook); err != nil {
			return err
		}
	}
	if err := s.makeCalendar(user, calendarName, "VEVENT"); err != nil {
		return err
	}
	return s.makeCalendar(user, taskListName, "VTODO")
}

// MakeAddressBook creates one more address book and returns its address.
func (s *DAVServer) MakeAddressBook(t TB, user, name string) string {
	t.Helper()
	if err := s.makeAddressBook(user, name); err != nil {
		t.Fatalf("%v", err)
	}
	return s.AddressBookHome(user) + name + "/"
}

// MakeCalendar creates one more calendar for the given components (VEVENT,
// VTODO) and returns its address.
func (s *DAVServer) MakeCalendar(t TB, user, name string, components ...string) string {
	t.Helper()
	if err := s.makeCalendar(user, name, components...); err != nil {
		t.Fatalf("%v", err)
	}
	return s.CalendarHome(user) + name + "/"
}

// makeAddressBook uses the extended MKCOL (RFC 5689 3, RFC 6352 6.3.1).
func (s *DAVServer) makeAddressBook(user, name string) error {
	body := `<mkcol xmlns="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav"><set><prop>` +
		`<resourcetype><collection/><A:addressbook/></resourcetype><displayname>` + escape(name) +
		`</displayname></prop></set></mkcol>`
	return s.make("MKCOL", s.AddressBookHome(user)+name+"/", user, body)
}

// makeCalendar uses MKCALENDAR (RFC 4791 5.3.1).
func (s *DAVServer) makeCalendar(user, name string, components ...string) error {
	var set strings.Builder
	for _, component := range components {
		set.WriteString(`<C:comp name="` + escape(component) + `"/>`)
	}
	body := `<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><displayname>` +
		escape(name) + `</displayname><C:supported-calendar-component-set>` + set.String() +
		`</C:supported-calendar-component-set></prop></set></C:mkcalendar>`
	return s.make("MKCALENDAR", s.CalendarHome(user)+name+"/", user, body)
}

func (s *DAVServer) make(method, url, user, body string) error {
	status, answer, err := s.send(method, url, user, body, map[string]string{"Content-Type": "application/xml; charset=utf-8"})
	if err != nil {
		return err
	}
	if status != http.StatusCreated {
		return fmt.Errorf("create collection %s: status %d: %s", url, status, lastLines(answer))
	}
	return nil
}

// send makes one request as a user, or as nobody.
func (s *DAVServer) send(method, url, user, body string, header map[string]string) (int, []byte, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("build request: %w", err)
	}
	if user != "" {
		request.SetBasicAuth(user, s.Password)
	}
	for key, value := range header {
		request.Header.Set(key, value)
	}
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("ask server: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	return response.StatusCode, answer, nil
}

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a bytes.Buffer takes everything
	return out.String()
}
