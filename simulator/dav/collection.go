package dav

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/jmoiron/sqlx"
)

// makeCollection answers MKCALENDAR (RFC 4791 5.3.1) and the extended MKCOL
// (RFC 5689) for address books and calendars.
func (s *Server) makeCollection(r *request) (*answer, error) {
	if r.target.place() != atCollection {
		return nil, refuse(http.StatusForbidden)
	}
	c := Collection{User: r.user.Name, Kind: r.target.kind, Name: r.target.collection}
	set, err := r.settings()
	if err != nil {
		return nil, err
	}
	if !fitting(r, set) {
		return nil, refuseFor(http.StatusForbidden, dav("valid-resourcetype"), "")
	}
	var dead []node
	for _, p := range set.nodes() {
		switch p.XMLName {
		case dav("resourcetype"):
		case dav("displayname"):
			c.DisplayName = p.text()
		case caldav("supported-calendar-component-set"):
			for _, comp := range p.Nodes {
				c.Components = append(c.Components, strings.ToUpper(comp.attr("name")))
			}
		default:
			if _, live := s.properties[p.XMLName]; !live {
				dead = append(dead, p)
			}
		}
	}
	if err := s.createCollection(r, c, dead); err != nil {
		return nil, err
	}
	return newAnswer(http.StatusCreated), nil
}

// settings is the prop element of a MKCALENDAR or MKCOL body; nil without one.
func (r *request) settings() (*node, error) {
	if len(r.body) == 0 {
		return nil, nil
	}
	root, err := parseXML(r.body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest)
	}
	return root.child(dav("set")).child(dav("prop")), nil
}

func (n *node) nodes() []node {
	if n == nil {
		return nil
	}
	return n.Nodes
}

// fitting says whether the method and the wanted type suit the home.
func fitting(r *request, set *node) bool {
	wanted := set.child(dav("resourcetype"))
	if r.target.kind == AddressBook {
		return r.Method == "MKCOL" && wanted.child(carddav("addressbook")) != nil
	}
	return r.Method == "MKCALENDAR" || wanted.child(caldav("calendar")) != nil
}

func (s *Server) createCollection(r *request, c Collection, dead []node) error {
	row, err := c.row()
	if err != nil {
		return err
	}
	return s.store.write(r.Context(), func(tx *sqlx.Tx) error {
		existing, err := findCollection(r.Context(), tx, row.Owner, row.Kind, row.Name)
		if err != nil {
			return err
		}
		if existing != nil {
			if r.Method == "MKCOL" {
				return refuse(http.StatusMethodNotAllowed) // RFC 4918 9.3.1
			}
			return refuseFor(http.StatusForbidden, dav("resource-must-be-null"), "")
		}
		if err := saveCollection(r.Context(), tx, row); err != nil {
			return err
		}
		created, err := findCollection(r.Context(), tx, row.Owner, row.Kind, row.Name)
		if err != nil {
			return err
		}
		for _, p := range dead {
			if err := setDeadProperty(r.Context(), tx, created.ID, p.XMLName, p.text()); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeCollection deletes a collection with everything in it (RFC 4918
// 9.6.1). No mail is recorded: servers differ, and no client of ours does it.
func (s *Server) removeCollection(r *request) (*answer, error) {
	err := s.store.write(r.Context(), func(tx *sqlx.Tx) error {
		c, err := findCollection(r.Context(), tx, r.target.user, r.target.kind, r.target.collection)
		if err != nil {
			return err
		}
		if c == nil {
			return ErrNotFound
		}
		if c.ReadOnly {
			return refuseFor(http.StatusForbidden, dav("need-privileges"), "")
		}
		for _, statement := range []string{
			`DELETE FROM object WHERE collection = ?`,
			`DELETE FROM property WHERE collection = ?`,
			`DELETE FROM collection WHERE id = ?`,
		} {
			if _, err := tx.ExecContext(r.Context(), statement, c.ID); err != nil {
				return fmt.Errorf("delete collection: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newAnswer(http.StatusNoContent), nil
}

// proppatch changes properties of a collection, all or none (RFC 4918 9.2).
func (s *Server) proppatch(r *request) (*answer, error) {
	root, err := parseXML(r.body)
	if err != nil || root.XMLName != dav("propertyupdate") {
		return nil, refuse(http.StatusBadRequest)
	}
	if r.target.place() != atCollection {
		return nil, refuse(http.StatusForbidden)
	}
	changes := s.readChanges(root)
	protected := false
	for _, c := range changes {
		protected = protected || c.protected
	}
	err = s.store.write(r.Context(), func(tx *sqlx.Tx) error {
		c, _, err := writable(r.Context(), tx, r.target)
		if err != nil || protected {
			return err
		}
		return applyChanges(r, tx, c, changes)
	})
	if err != nil {
		return nil, err
	}
	return answerChanges(r.target.href(), changes, protected), nil
}

// propertyChange is one property that a PROPPATCH sets or removes.
type propertyChange struct {
	name      xml.Name
	value     string
	remove    bool
	protected bool
}

func (s *Server) readChanges(root *node) []propertyChange {
	var changes []propertyChange
	for _, instruction := range root.Nodes {
		for _, p := range instruction.child(dav("prop")).nodes() {
			_, live := s.properties[p.XMLName]
			changes = append(changes, propertyChange{
				name: p.XMLName, value: p.text(), remove: instruction.XMLName == dav("remove"),
				protected: live && p.XMLName != dav("displayname"),
			})
		}
	}
	return changes
}

func applyChanges(r *request, tx *sqlx.Tx, c *collectionRow, changes []propertyChange) error {
	for _, change := range changes {
		var err error
		switch {
		case change.name == dav("displayname"):
			_, err = tx.ExecContext(r.Context(), `UPDATE collection SET display_name = ? WHERE id = ?`, change.value, c.ID)
		case change.remove:
			err = removeDeadProperty(r.Context(), tx, c.ID, change.name)
		default:
			err = setDeadProperty(r.Context(), tx, c.ID, change.name, change.value)
		}
		if err != nil {
			return fmt.Errorf("change property: %w", err)
		}
	}
	return nil
}

func answerChanges(path string, changes []propertyChange, protected bool) *answer {
	m := newMultistatus()
	m.raw("<D:response>" + href(path))
	for _, c := range changes {
		status, reason := http.StatusOK, ""
		switch {
		case c.protected:
			status, reason = http.StatusForbidden, "<D:error><D:cannot-modify-protected-property/></D:error>"
		case protected:
			status = http.StatusFailedDependency
		}
		m.raw("<D:propstat><D:prop>" + element(c.name, "") + "</D:prop>" + statusElement(status) + reason + "</D:propstat>")
	}
	m.raw("</D:response>")
	return m.answer()
}
