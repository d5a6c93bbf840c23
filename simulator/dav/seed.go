package dav

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Kind tells address books from calendars; a task list is a calendar that
// takes VTODO.
type Kind string

// The two kinds of collections.
const (
	AddressBook Kind = "addressbook"
	Calendar    Kind = "calendar"
)

// User is a person who may sign in, with Basic (Name and Password) or with
// Bearer (Token).
type User struct {
	Name     string
	Password string
	// Token may be empty: then only Basic works.
	Token string
	// DisplayName is Name if empty.
	DisplayName string
	// Addresses are the e-mail addresses by which meetings know the user. If
	// there are none it is Name, if that is an address, or Name@example.org.
	Addresses []string
}

// Collection is an address book, a calendar or a task list.
type Collection struct {
	User string
	Kind Kind
	// Name is the last part of the address.
	Name string
	// DisplayName is Name if empty.
	DisplayName string
	// Components are what a calendar takes: VEVENT, VTODO. VEVENT if empty.
	Components []string
	// ReadOnly refuses every write by its user (403).
	ReadOnly bool
}

// Object is a stored vCard or iCalendar object.
type Object struct {
	// Path is its address on the server, for example
	// "/addressbooks/alice/contacts/ada.vcf".
	Path    string
	ETag    string // with its quotes
	Content []byte
	// Modified is when it was last stored.
	Modified time.Time
}

// ErrNotFound says that there is no such user, collection or object.
var ErrNotFound = errors.New("not found")

// AddUser adds a user, or replaces the user's password, token and names.
func (s *Server) AddUser(ctx context.Context, u User) error {
	if u.Name == "" || strings.Contains(u.Name, "/") {
		return fmt.Errorf("add user %q: a name is needed, without a slash", u.Name)
	}
	row := userRow{Name: u.Name, Password: u.Password, Token: u.Token, DisplayName: u.DisplayName}
	if row.DisplayName == "" {
		row.DisplayName = u.Name
	}
	switch {
	case len(u.Addresses) > 0:
		row.Addresses = strings.Join(u.Addresses, "\n")
	case strings.Contains(u.Name, "@"):
		row.Addresses = u.Name
	default:
		row.Addresses = u.Name + "@example.org"
	}
	err := s.store.write(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.NamedExecContext(ctx, `INSERT OR REPLACE INTO user (name, password, token, display_name, addresses)
			VALUES (:name, :password, :token, :display_name, :addresses)`, row)
		return err
	})
	if err != nil {
		return fmt.Errorf("add user %s: %w", u.Name, err)
	}
	return nil
}

// AddCollection adds a collection and returns its path, which begins and ends
// with a slash. If it exists its objects stay and only its settings change.
func (s *Server) AddCollection(ctx context.Context, c Collection) (string, error) {
	row, err := c.row()
	if err != nil {
		return "", err
	}
	u, err := s.store.user(ctx, c.User)
	if err == nil && u == nil {
		err = fmt.Errorf("user %s: %w", c.User, ErrNotFound)
	}
	if err == nil {
		err = s.store.write(ctx, func(tx *sqlx.Tx) error { return saveCollection(ctx, tx, row) })
	}
	if err != nil {
		return "", fmt.Errorf("add collection %s: %w", c.Name, err)
	}
	return target{kind: c.Kind, user: c.User, collection: c.Name}.href(), nil
}

func (c Collection) row() (collectionRow, error) {
	row := collectionRow{
		Owner: c.User, Kind: c.Kind, Name: c.Name, DisplayName: c.DisplayName,
		Components: strings.Join(c.Components, ","), ReadOnly: c.ReadOnly,
	}
	if c.Name == "" || strings.Contains(c.Name, "/") {
		return row, fmt.Errorf("add collection %q: a name is needed, without a slash", c.Name)
	}
	if c.Kind != AddressBook && c.Kind != Calendar {
		return row, fmt.Errorf("add collection %s: unknown kind %q", c.Name, c.Kind)
	}
	if row.DisplayName == "" {
		row.DisplayName = c.Name
	}
	if row.Components == "" && c.Kind == Calendar {
		row.Components = "VEVENT"
	}
	return row, nil
}

func saveCollection(ctx context.Context, tx *sqlx.Tx, row collectionRow) error {
	_, err := tx.NamedExecContext(ctx, `INSERT INTO collection
		(owner, kind, name, display_name, components, read_only, revision, generation)
		VALUES (:owner, :kind, :name, :display_name, :components, :read_only, 0, 1)
		ON CONFLICT (owner, kind, name) DO UPDATE SET display_name = excluded.display_name,
		components = excluded.components, read_only = excluded.read_only`, row)
	if err != nil {
		return fmt.Errorf("save collection: %w", err)
	}
	return nil
}

// Put stores an object as its user could, but whatever the Behaviour and
// whether the collection is read-only, and without recording mail. It returns
// the new ETag.
func (s *Server) Put(ctx context.Context, path string, content []byte) (string, error) {
	etag := ""
	err := s.atCollection(ctx, path, func(tx *sqlx.Tx, c *collectionRow, name string) error {
		parsed, err := inspect(c, content, Behaviour{})
		if err != nil {
			return err
		}
		old, err := findObject(ctx, tx, c.ID, name)
		if err != nil {
			return err
		}
		stored, err := s.storeObject(ctx, tx, c, old, name, parsed, Behaviour{})
		etag = stored.ETag
		return err
	})
	if err != nil {
		return "", fmt.Errorf("put %s: %w", path, err)
	}
	return etag, nil
}

// Delete removes an object, without recording mail.
func (s *Server) Delete(ctx context.Context, path string) error {
	err := s.atCollection(ctx, path, func(tx *sqlx.Tx, c *collectionRow, name string) error {
		old, err := findObject(ctx, tx, c.ID, name)
		if err != nil {
			return err
		}
		if old == nil || old.Deleted {
			return ErrNotFound
		}
		return s.removeObject(ctx, tx, old, Behaviour{})
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", path, err)
	}
	return nil
}

// atCollection runs do in a transaction on the collection of an object path.
func (s *Server) atCollection(ctx context.Context, path string, do func(*sqlx.Tx, *collectionRow, string) error) error {
	t, err := parsePath(path)
	if err != nil {
		return err
	}
	if t.object == "" {
		return errors.New("not the path of an object")
	}
	return s.store.write(ctx, func(tx *sqlx.Tx) error {
		c, err := findCollection(ctx, tx, t.user, t.kind, t.collection)
		if err != nil {
			return err
		}
		if c == nil {
			return fmt.Errorf("collection: %w", ErrNotFound)
		}
		return do(tx, c, t.object)
	})
}

// Get reads an object. The error is ErrNotFound if there is none.
func (s *Server) Get(ctx context.Context, path string) (Object, error) {
	t, err := parsePath(path)
	if err != nil {
		return Object{}, err
	}
	_, o, err := s.lookUp(ctx, t)
	if err == nil && o == nil {
		err = ErrNotFound
	}
	if err != nil {
		return Object{}, fmt.Errorf("get %s: %w", path, err)
	}
	return o.public(t), nil
}

// List reads all objects of a collection, by name.
func (s *Server) List(ctx context.Context, path string) ([]Object, error) {
	t, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	c, _, err := s.lookUp(ctx, t)
	if err == nil && c == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	rows, err := s.store.objects(ctx, c.ID, true)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	objects := make([]Object, 0, len(rows))
	for _, row := range rows {
		objects = append(objects, row.public(t))
	}
	return objects, nil
}

func (o *objectRow) public(t target) Object {
	t.object = o.Name
	return Object{Path: t.href(), ETag: o.ETag, Content: o.Content, Modified: time.UnixMicro(o.Modified)}
}

// lookUp finds the collection and the live object of a target; either is nil
// if there is none, or the target names none.
func (s *Server) lookUp(ctx context.Context, t target) (*collectionRow, *objectRow, error) {
	if t.collection == "" {
		return nil, nil, nil
	}
	c, err := findCollection(ctx, s.store.reader, t.user, t.kind, t.collection)
	if err != nil || c == nil || t.object == "" {
		return c, nil, err
	}
	o, err := findObject(ctx, s.store.reader, c.ID, t.object)
	if err != nil || o == nil || o.Deleted {
		return c, nil, err
	}
	return c, o, nil
}
