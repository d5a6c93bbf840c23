package setup

import (
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// written is the file as YAML has it.
type written struct {
	Connections []writtenConnection `yaml:"connections"`
	Policies    []model.Policy      `yaml:"policies"`
	Mailboxes   []writtenMailbox    `yaml:"mailboxes"`
	Alerts      model.Delivery      `yaml:"alerts"`
}

type writtenConnection struct {
	Name      string            `yaml:"name"`
	Side      model.Side        `yaml:"side"`
	Connector string            `yaml:"connector"`
	Owner     string            `yaml:"owner"`
	Every     model.Duration    `yaml:"every"`
	Outage    string            `yaml:"outage"`
	Settings  map[string]string `yaml:"settings"`
	Secret    string            `yaml:"secret"`
}

type writtenMailbox struct {
	Address string `yaml:"address"`
	CRM     string `yaml:"crm"`
	CRMUser string `yaml:"crm_user"`
	Mail    string `yaml:"mail"`
	User    string `yaml:"user"`
	Secret  string `yaml:"secret"`
	Policy  string `yaml:"policy"`
}

// Read reads a configuration file and checks everything that can be checked
// without talking to anybody: keys, values, secrets, references between the
// parts, and each connection's settings. The error is Problems.
func Read(file string, s Systems) (File, error) {
	r, err := openFile(file, s)
	if err != nil {
		return File{}, err
	}
	r.connections()
	r.policies()
	r.mailboxes()
	r.delivery()
	return r.out, r.problems.orNil()
}

// ReadPolicies reads only the policies of a configuration file; its other
// parts are checked for unknown keys and otherwise not looked at.
func ReadPolicies(name string, text []byte) ([]model.Policy, error) {
	r, err := open(name, text, Systems{})
	if err != nil {
		return nil, err
	}
	r.policies()
	if len(r.out.Policies) == 0 && len(r.problems) == 0 {
		return nil, Problems{r.doc.problem(nil, "names no policy; write them as a list under the key policies")}
	}
	return r.out.Policies, r.problems.orNil()
}

// ReadConnections reads only the connections of a configuration file.
func ReadConnections(file string, s Systems) ([]model.Connection, error) {
	r, err := openFile(file, s)
	if err != nil {
		return nil, err
	}
	r.connections()
	if len(r.out.Connections) == 0 && len(r.problems) == 0 {
		return nil, Problems{r.doc.problem(nil, "names no connection; write them as a list under the key connections")}
	}
	return r.out.Connections, r.problems.orNil()
}

// reader turns what is written into a File, collecting problems.
type reader struct {
	doc      *document
	in       written
	systems  Systems
	folder   string
	out      File
	problems Problems
	broken   bool // a connection is wrong: references to it are not wrong on top
}

func openFile(file string, s Systems) (*reader, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, Problems{{File: file, Err: fmt.Errorf("cannot be read: %w", cause(err))}}
	}
	return open(file, text, s)
}

func open(file string, text []byte, s Systems) (*reader, error) {
	r := &reader{systems: s, folder: filepath.Dir(file)}
	var err error
	if r.doc, err = parse(file, text, &r.in); err != nil {
		return nil, err
	}
	if folder, err := filepath.Abs(r.folder); err == nil {
		r.folder = folder
	}
	r.out = File{Path: file, doc: r.doc}
	return r, nil
}

func (r *reader) wrong(at path, format string, args ...any) {
	r.problems = append(r.problems, r.doc.problem(at, format, args...))
}

func (r *reader) connections() {
	seen := map[string]bool{}
	for i, w := range r.in.Connections {
		at := path{"connections", i}
		if seen[w.Name] {
			r.wrong(child(at, "name"), "there are two connections of this name")
			continue
		}
		seen[w.Name] = true
		c := model.Connection{
			Name: w.Name, Side: w.Side, Connector: w.Connector, Owner: w.Owner,
			Every: time.Duration(w.Every), Outage: w.Outage, Settings: r.systems.Absolute(w.Connector, w.Settings, r.folder),
			Secret: r.secret(child(at, "secret"), w.Secret),
		}
		if p := checkConnection(c, r.systems); p != nil {
			r.problems = append(r.problems, r.doc.wrap(append(at, p.at...), p.err))
		}
		r.out.Connections = append(r.out.Connections, c)
	}
	r.broken = len(r.problems) > 0
}

func (r *reader) secret(at path, text string) string {
	value, err := Secret(text, r.folder)
	if err != nil {
		r.problems = append(r.problems, r.doc.wrap(at, err))
	}
	return value
}

// wrong is what is wrong with a part of an entry.
type wrong struct {
	at  path
	err error
}

// CheckConnection tells what is wrong with a connection, as far as that can be
// seen without talking to it. The error is a *Problem that names the key.
func CheckConnection(c model.Connection, s Systems) error {
	if w := checkConnection(c, s); w != nil {
		return (*document)(nil).wrap(w.at, w.err)
	}
	return nil
}

func checkConnection(c model.Connection, s Systems) *wrong {
	switch {
	case c.Name == "":
		return &wrong{path{"name"}, fmt.Errorf("is missing: every connection needs a name of its own")}
	case strings.ContainsAny(c.Name, " \t\r\n"):
		return &wrong{path{"name"}, fmt.Errorf("%q has blanks; a name is one word", c.Name)}
	case c.Side != model.CRM && c.Side != model.Mail:
		return &wrong{path{"side"}, fmt.Errorf("%q is not a side; use crm or mail", c.Side)}
	case !slices.Contains(s.Names, c.Connector):
		return &wrong{path{"connector"}, fmt.Errorf("%q is not a connector; use %s", c.Connector, strings.Join(s.Names, " or "))}
	case c.Every < 0:
		return &wrong{path{"every"}, fmt.Errorf("cannot be negative")}
	case c.Outage != "" && c.Outage != model.OutageWait && c.Outage != model.OutageDisable:
		return &wrong{path{"outage"}, fmt.Errorf("%q is not one of %s, %s", c.Outage, model.OutageWait, model.OutageDisable)}
	case c.Owner != "" && !isAddress(c.Owner):
		return &wrong{path{"owner"}, fmt.Errorf("%q is not an e-mail address", c.Owner)}
	}
	conn, err := s.New(c.Connector, connector.Settings{Values: c.Settings, Secret: c.Secret})
	if err != nil {
		return &wrong{path{"settings"}, err}
	}
	if side := conn.Capabilities().Side; side != c.Side {
		return &wrong{path{"side"}, fmt.Errorf("the connector %s is for the %s side", c.Connector, side)}
	}
	return nil
}

func (r *reader) policies() {
	seen := map[string]bool{}
	for i, p := range r.in.Policies {
		at := path{"policies", i}
		if seen[p.Name] {
			r.wrong(child(at, "name"), "there are two policies of this name")
			continue
		}
		seen[p.Name] = true
		if err := p.Check(); err != nil {
			key, text := policyKey(err.Error())
			r.wrong(append(at, key...), "%s", text)
		}
		r.out.Policies = append(r.out.Policies, p)
	}
}

// policyKey splits "policy NAME: kinds.task.wins: what is wrong" into the path
// of the key and the rest.
func policyKey(text string) (path, string) {
	parts := strings.SplitN(text, ": ", 3)
	switch {
	case len(parts) == 2:
		return nil, parts[1]
	case len(parts) < 2 || strings.Contains(parts[1], " "):
		return nil, text
	}
	var at path
	for step := range strings.SplitSeq(parts[1], ".") {
		at = append(at, step)
	}
	return at, parts[2]
}

func (r *reader) mailboxes() {
	addresses, users := map[[2]string]bool{}, map[[2]string]string{}
	for i, w := range r.in.Mailboxes {
		at := path{"mailboxes", i}
		m := Mailbox{
			Address: w.Address, CRMUser: w.CRMUser, User: w.User,
			CRM: r.reference(child(at, "crm"), w.CRM, model.CRM), Mail: r.reference(child(at, "mail"), w.Mail, model.Mail),
			Secret: r.secret(child(at, "secret"), w.Secret), Policy: r.policy(child(at, "policy"), w.Policy),
		}
		switch other, taken := users[[2]string{m.CRM, m.CRMUser}]; {
		case !isAddress(m.Address):
			r.wrong(child(at, "address"), "%q is not an e-mail address", m.Address)
		case m.CRMUser == "":
			r.wrong(child(at, "crm_user"), "is missing: give the person's user id in the CRM")
		case addresses[[2]string{m.Mail, model.FoldAddress(m.Address)}]:
			r.wrong(child(at, "address"), "there are two mailboxes of this address")
		case taken:
			r.wrong(child(at, "crm_user"), "%q is the CRM user of %s already; a CRM user has one mailbox", m.CRMUser, other)
		}
		addresses[[2]string{m.Mail, model.FoldAddress(m.Address)}] = true
		users[[2]string{m.CRM, m.CRMUser}] = m.Address
		r.out.Mailboxes = append(r.out.Mailboxes, m)
	}
}

// reference resolves the name of a connection; where the file has only one of
// that side, it need not be named.
func (r *reader) reference(at path, name string, side model.Side) string {
	var names []string
	for _, c := range r.out.Connections {
		if c.Side == side {
			names = append(names, c.Name)
		}
	}
	switch {
	case name == "" && len(names) == 1:
		return names[0]
	case slices.Contains(names, name), r.broken:
		return name
	case len(names) == 0:
		r.wrong(at, "there is no connection of the %s side in this file", side)
	case name == "":
		r.wrong(at, "is missing: name one of the connections %s", strings.Join(names, ", "))
	default:
		r.wrong(at, "there is no connection %q of the %s side in this file; use %s", name, side, strings.Join(names, ", "))
	}
	return name
}

func (r *reader) policy(at path, name string) string {
	names := []string{defaultPolicy}
	for _, p := range r.out.Policies {
		names = append(names, p.Name)
	}
	switch {
	case name == "":
		return defaultPolicy
	case !slices.Contains(names, name):
		r.wrong(at, "there is no policy %q in this file; use %s", name, strings.Join(names, ", "))
	}
	return name
}

// CheckAddress tells whether a text is an e-mail address.
func CheckAddress(s string) error {
	if !isAddress(s) {
		return fmt.Errorf("%q is not an e-mail address", s)
	}
	return nil
}

func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}
