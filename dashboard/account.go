package dashboard

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/argon2"

	"lockstep.dev/model"
)

// Role is what somebody who signed in may do. Each of the first three may do
// what those before it may; a user sees one mailbox, their own.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // looks at everything but what items say
	Operator Role = "operator" // also acts on mailboxes, plans and issues
	Admin    Role = "admin"    // also adds and removes mailboxes, systems and policies
	User     Role = "user"     // their own mailbox only
)

// Roles lists the roles.
func Roles() []Role { return []Role{Viewer, Operator, Admin, User} }

// reaches reports whether a role may do what is open from another one on.
func (r Role) reaches(from Role) bool {
	ladder := []Role{Viewer, Operator, Admin}
	have, want := slices.Index(ladder, r), slices.Index(ladder, from)
	return have >= 0 && want >= 0 && have >= want
}

// Account is somebody who may sign in.
type Account struct {
	Name string `yaml:"name"`
	Role Role   `yaml:"role"`
	// Password is what HashPassword made; empty = this account has none.
	Password string `yaml:"password"`
	// Mailbox binds a user to their mailbox, by its immutable id.
	Mailbox model.MailboxID `yaml:"mailbox"`
	// Content: titles, names and values of items are shown, private items never.
	// A user sees what is in their own mailbox anyway.
	Content bool `yaml:"content"`
}

// seesContent reports whether the account may see what items say.
func (a Account) seesContent() bool { return a.Content || a.Role == User }

// own reports whether the account may look at a mailbox at all.
func (a Account) own(id model.MailboxID) bool {
	return a.Role != User || id != "" && a.Mailbox == id
}

// Accounts are those who may sign in, by name.
type Accounts []Account

// ReadAccounts reads the file that declares them. Errors name the line.
func ReadAccounts(file string) (Accounts, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	list, err := parseAccounts(text)
	if err != nil {
		return nil, fmt.Errorf("read accounts in %s: %w", file, err)
	}
	return list, nil
}

func parseAccounts(text []byte) (Accounts, error) {
	var in struct {
		Accounts []Account `yaml:"accounts"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	seen := map[string]bool{}
	for _, a := range in.Accounts {
		if err := a.check(); err != nil {
			return nil, err
		}
		if seen[a.Name] {
			return nil, fmt.Errorf("account %s: the name is there twice", a.Name)
		}
		seen[a.Name] = true
	}
	return in.Accounts, nil
}

func (a Account) check() error {
	switch {
	case a.Name == "":
		return errors.New("account: name is missing")
	case !slices.Contains(Roles(), a.Role):
		return fmt.Errorf("account %s: %q is not a role; use viewer, operator, admin or user", a.Name, a.Role)
	case a.Role == User && !strings.HasPrefix(string(a.Mailbox), "mbx_"):
		return fmt.Errorf("account %s: a user needs mailbox: the id (mbx_...) of their mailbox, not its address, which may change hands; lockstep mailbox list --json shows ids", a.Name)
	case a.Role != User && a.Mailbox != "":
		return fmt.Errorf("account %s: only the role user has a mailbox", a.Name)
	case a.Password == "":
		return fmt.Errorf("account %s: give a password hash, made with: lockstep dashboard password", a.Name)
	default:
		if _, err := parseHash(a.Password); err != nil {
			return fmt.Errorf("account %s: password: %w", a.Name, err)
		}
	}
	return nil
}

// named finds an account.
func (l Accounts) named(name string) (Account, bool) {
	i := slices.IndexFunc(l, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return l[i], true
}

// print changes when the account's password, role or mailbox does:
// sessions from before it end.
func (a Account) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{a.Name, string(a.Role), a.Password, string(a.Mailbox)}))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Password hashes are argon2id in the PHC string format, with the least cost
// that OWASP's Password Storage Cheat Sheet names: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024
	argonPasses = 2
	argonLanes  = 1
	argonBytes  = 32
	leastLetter = 12
)

// HashPassword makes the hash of a password for the accounts file.
func HashPassword(password string) (string, error) {
	if len([]rune(password)) < leastLetter {
		return "", fmt.Errorf("hash password: it has fewer than %d characters", leastLetter)
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never returns an error
	return argonHash{argonMemory, argonPasses, argonLanes, salt, argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonBytes)}.String(), nil
}

type argonHash struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

func (h argonHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.sum))
}

func parseHash(text string) (argonHash, error) {
	var h argonHash
	bad := errors.New("it is not an argon2id hash; make one with: lockstep dashboard password")
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, bad
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return h, bad
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return h, bad
	}
	// A cost that would bring the program down, or none, is a mistake.
	if h.memory < 8*1024 || h.memory > 1024*1024 || h.passes < 1 || h.passes > 20 || h.lanes < 1 || len(h.salt) < 8 || len(h.sum) < 16 {
		return h, bad
	}
	return h, nil
}

// rightPassword compares in constant time. Where there is no hash it works as
// long as if there were one, so that nobody learns which names exist.
func rightPassword(hash, password string) bool {
	h, err := parseHash(hash)
	if err != nil {
		h = argonHash{argonMemory, argonPasses, argonLanes, make([]byte, 16), make([]byte, argonBytes)}
	}
	sum := argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(sum, h.sum) == 1 && err == nil
}
