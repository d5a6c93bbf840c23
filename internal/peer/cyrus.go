//go:build unix

package peer

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/user"
	"strings"
	"time"
)

const cyrusMaster = "/usr/lib/cyrus/bin/master"

// imapdConf is the smallest configuration with CalDAV, CardDAV, IMAP and LMTP
// (imapd.conf(5)). DIR is the instance's folder. The automatic calendar is off:
// it would take events and tasks alike, beside the prepared ones.
const imapdConf = `configdirectory: DIR/lib
partition-default: DIR/spool
sievedir: DIR/sieve
altnamespace: yes
unixhierarchysep: yes
admins: cyrus
cyrus_user: ACCOUNT
cyrus_group: GROUP
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: DIR/sasldb2
sasl_mech_list: PLAIN LOGIN
defaultdomain: localhost
servername: localhost
httpmodules: caldav carddav
caldav_realm: cyrus
caldav_historical_age: -1
caldav_create_default: no
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Sent | Drafts | Trash
xlist-sent: Sent
xlist-drafts: Drafts
xlist-trash: Trash
tls_server_cert: disabled
httpallowcompress: no
idlesocket: DIR/run/idle
lmtpsocket: DIR/run/lmtp
notifysocket: DIR/run/notify
`

// cyrusConf lists the services (cyrus.conf(5)).
const cyrusConf = `START {
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C DIR/imapd.conf -r"
}
SERVICES {
  http cmd="/usr/lib/cyrus/bin/httpd -C DIR/imapd.conf -U 30" listen="HTTP" prefork=0 maxchild=50
  imap cmd="/usr/lib/cyrus/bin/imapd -C DIR/imapd.conf -U 30" listen="IMAP" prefork=0 maxchild=50
  lmtp cmd="/usr/lib/cyrus/bin/lmtpd -C DIR/imapd.conf -a" listen="LMTP" prefork=0 maxchild=20
}
EVENTS {
}
`

// Cyrus starts a Cyrus server with the given users: the strict CalDAV and
// CardDAV peer, and the fast one with many items. It also speaks IMAP and
// accepts mail by LMTP, for the same users.
func Cyrus(t TB, users ...string) *DAVServer {
	t.Helper()
	for file, debianPackage := range map[string]string{
		cyrusMaster:                "cyrus-imapd",
		"/usr/lib/cyrus/bin/httpd": "cyrus-caldav",
	} {
		if _, err := os.Stat(file); err != nil {
			missing(t, "Cyrus ("+file+")", debianPackage)
		}
	}
	saslpasswd := Program(t, "saslpasswd2", "sasl2-bin")
	s, err := newCyrus(saslpasswd, users)
	if err != nil {
		t.Fatalf("set up Cyrus: %v", err)
	}
	s.run(t)
	return s
}

func newCyrus(saslpasswd string, users []string) (_ *DAVServer, err error) {
	in, err := newInstance("cyrus", "cyrus")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			in.remove()
		}
	}()
	ports, err := pickPorts(3)
	if err != nil {
		return nil, err
	}
	http, imap, lmtp := ports[0].address(), ports[1].address(), ports[2].address()
	if err := in.configureCyrus(http, imap, lmtp); err != nil {
		ports.release()
		return nil, err
	}
	for _, name := range users {
		err := in.run(secret, saslpasswd, "-p", "-c", "-u", "localhost", "-f", in.path("sasldb2"), name)
		if err != nil {
			ports.release()
			return nil, err
		}
	}
	return &DAVServer{
		URL: "http://" + http, Users: users, User: users[0], Password: secret, Program: "cyrus",
		IMAP: imap, LMTP: lmtp,
		in: in, ports: ports,
		welcome: func(user string) error { return welcomeCyrus(imap, user) },
		command: []string{cyrusMaster, "-C", in.path("imapd.conf"), "-M", in.path("cyrus.conf"), "-p", in.path("pid")},
		layout: layout{
			addressBooks: "/dav/addressbooks/user/%s/", calendars: "/dav/calendars/user/%s/", addressBook: "Default",
		},
	}, nil
}

// welcomeCyrus signs a user in by IMAP once: only then does Cyrus create the
// mailbox (autocreate_quota, imapd.conf(5)), and without one there are no
// collections either.
func welcomeCyrus(imap, user string) error {
	conn, err := net.DialTimeout("tcp", imap, startTimeout)
	if err != nil {
		return fmt.Errorf("sign in by IMAP: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(startTimeout)); err != nil {
		return fmt.Errorf("sign in by IMAP: %w", err)
	}
	answers := bufio.NewScanner(conn)
	if _, err := fmt.Fprintf(conn, "a LOGIN %s %s\r\n", user, secret); err != nil {
		return fmt.Errorf("sign in by IMAP: %w", err)
	}
	for answers.Scan() {
		if answer := answers.Text(); strings.HasPrefix(answer, "a OK") {
			return nil
		} else if strings.HasPrefix(answer, "a ") {
			return fmt.Errorf("sign in by IMAP: %s", answer)
		}
	}
	return fmt.Errorf("sign in by IMAP: connection ended: %w", answers.Err())
}

// configureCyrus writes the configuration and the folders Cyrus wants to find.
func (in *instance) configureCyrus(http, imap, lmtp string) error {
	account, group, err := in.names()
	if err != nil {
		return err
	}
	fill := strings.NewReplacer("DIR", in.dir, "HTTP", http, "IMAP", imap, "LMTP", lmtp, "ACCOUNT", account, "GROUP", group)
	files := []struct{ name, content string }{
		{"lib", ""}, {"spool", ""}, {"sieve", ""}, {"run", ""},
		{"imapd.conf", imapdConf}, {"cyrus.conf", cyrusConf},
	}
	for _, file := range files {
		var content []byte
		if file.content != "" {
			content = []byte(fill.Replace(file.content))
		}
		if err := in.write(file.name, content); err != nil {
			return err
		}
	}
	return nil
}

// names returns the user and group that the server runs as.
func (in *instance) names() (string, string, error) {
	account, err := user.Current()
	if in.account != nil {
		account, err = user.LookupId(fmt.Sprint(in.account.Uid))
	}
	if err != nil {
		return "", "", fmt.Errorf("find account: %w", err)
	}
	group, err := user.LookupGroupId(account.Gid)
	if err != nil {
		return "", "", fmt.Errorf("find group: %w", err)
	}
	return account.Username, group.Name, nil
}
