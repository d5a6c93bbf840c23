//go:build unix

package peer

import "strings"

// radicaleConf is the configuration of Radicale 3. It refuses to start with a
// key it does not know.
const radicaleConf = `[server]
hosts = LISTEN
[auth]
type = htpasswd
htpasswd_filename = DIR/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = DIR/collections
[web]
type = none
[logging]
level = warning
`

// Radicale starts a Radicale server with the given users: the small and
// lenient CalDAV and CardDAV peer, good for up to a thousand items.
func Radicale(t TB, users ...string) *DAVServer {
	t.Helper()
	program := Program(t, "radicale", "radicale")
	s, err := newRadicale(program, users)
	if err != nil {
		t.Fatalf("set up Radicale: %v", err)
	}
	s.run(t)
	return s
}

func newRadicale(program string, users []string) (_ *DAVServer, err error) {
	in, err := newInstance("radicale", "nobody")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			in.remove()
		}
	}()
	ports, err := pickPorts(1)
	if err != nil {
		return nil, err
	}
	conf := strings.NewReplacer("DIR", in.dir, "LISTEN", ports[0].address()).Replace(radicaleConf)
	if err := in.write("config", []byte(conf)); err != nil {
		return nil, err
	}
	var passwords strings.Builder
	for _, name := range users {
		passwords.WriteString(name + ":" + secret + "\n")
	}
	if err := in.write("users", []byte(passwords.String())); err != nil {
		return nil, err
	}
	return &DAVServer{
		URL: "http://" + ports[0].address(), Users: users, User: users[0], Password: secret, Program: "radicale",
		in: in, ports: ports,
		command: []string{program, "--config", in.path("config")},
		layout:  layout{addressBooks: "/%s/", calendars: "/%s/", addressBook: "contacts"},
	}, nil
}
