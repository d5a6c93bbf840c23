package dav

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// get answers GET and HEAD for objects, and a few words for whoever opens the
// server in a browser.
func (s *Server) get(r *request) (*answer, error) {
	if r.target.place() == atRoot {
		a := newAnswer(http.StatusOK).set("Content-Type", "text/plain; charset=utf-8")
		a.body = []byte("This is a rehearsal CalDAV and CardDAV server. Give its address to a calendar or contacts program.\n")
		return a, nil
	}
	if r.target.place() != atObject {
		return nil, &refusal{status: http.StatusMethodNotAllowed, header: map[string]string{"Allow": allowed}}
	}
	_, o, err := s.lookUp(r.Context(), r.target)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, refuse(http.StatusNotFound)
	}
	modified := time.UnixMicro(o.Modified).UTC().Format(http.TimeFormat)
	if match := r.Header.Get("If-None-Match"); match != "" && quoted(match, o.ETag) {
		return newAnswer(http.StatusNotModified).set("ETag", o.ETag), nil // RFC 9110 13.1.2
	}
	a := newAnswer(http.StatusOK).set("ETag", o.ETag).set("Last-Modified", modified).set("Content-Type", o.mediaType())
	a.body = o.Content
	return a, nil
}

func (o *objectRow) mediaType() string {
	if o.Component == "VCARD" {
		return "text/vcard; charset=utf-8"
	}
	return "text/calendar; charset=utf-8; component=" + o.Component
}

// put creates or replaces an object (RFC 4791 5.3.2, RFC 6352 6.3.2).
func (s *Server) put(r *request) (*answer, error) {
	if r.target.place() != atObject {
		return nil, refuse(http.StatusMethodNotAllowed)
	}
	var created bool
	var stored objectRow
	err := s.store.write(r.Context(), func(tx *sqlx.Tx) error {
		c, old, err := writable(r.Context(), tx, r.target)
		if err != nil {
			return err
		}
		if err := r.checkConditions(old); err != nil {
			return err
		}
		if err := checkMediaType(c, r.Header.Get("Content-Type")); err != nil {
			return err
		}
		parsed, err := inspect(c, r.body, r.behaviour)
		if err != nil {
			return err
		}
		created = !old.alive()
		if stored, err = s.storeObject(r.Context(), tx, c, old, r.target.object, parsed, r.behaviour); err != nil {
			return err
		}
		return r.recordMails(tx, c, old, stored.Content)
	})
	if err != nil {
		return nil, err
	}
	a := newAnswer(http.StatusNoContent)
	if created {
		a.status = http.StatusCreated
	}
	if !r.behaviour.NoETagOnPut && bytes.Equal(stored.Content, r.body) {
		a.set("ETag", stored.ETag)
	}
	return a, nil
}

// writable finds the collection and the object (or its tombstone, or nil) of a
// target that is about to be written.
func writable(ctx context.Context, tx *sqlx.Tx, t target) (*collectionRow, *objectRow, error) {
	c, err := findCollection(ctx, tx, t.user, t.kind, t.collection)
	if err != nil {
		return nil, nil, err
	}
	if c == nil {
		return nil, nil, refuse(http.StatusConflict) // RFC 4918 9.7.1: no parent
	}
	if c.ReadOnly {
		return nil, nil, refuseFor(http.StatusForbidden, dav("need-privileges"), "")
	}
	o, err := findObject(ctx, tx, c.ID, t.object)
	return c, o, err
}

// alive says that there is an object, and not its tombstone.
func (o *objectRow) alive() bool { return o != nil && !o.Deleted }

// checkConditions applies If-Match and If-None-Match of a write (RFC 9110 13.1).
func (r *request) checkConditions(o *objectRow) error {
	etag := ""
	if o.alive() {
		etag = o.ETag
	}
	if match := r.Header.Get("If-Match"); match != "" && !r.behaviour.IgnoreIfMatch {
		if etag == "" || !quoted(match, etag) {
			return refuse(http.StatusPreconditionFailed)
		}
	}
	if match := r.Header.Get("If-None-Match"); match != "" && !r.behaviour.IgnoreIfNoneMatch {
		if etag != "" && quoted(match, etag) {
			return refuse(http.StatusPreconditionFailed)
		}
	}
	return nil
}

// storeObject writes an object and counts the change. old may be a tombstone
// or nil.
func (s *Server) storeObject(ctx context.Context, tx *sqlx.Tx, c *collectionRow, old *objectRow, name string,
	in inspected, b Behaviour,
) (objectRow, error) {
	if err := checkUID(ctx, tx, c, old, name, in.uid); err != nil {
		return objectRow{}, err
	}
	o := objectRow{
		Collection: c.ID, Name: name, UID: in.uid, Component: in.component, Content: in.content,
		Version: 1, Modified: time.Now().UnixMicro(),
	}
	if old.alive() {
		o.Version = old.Version + 1
	}
	if b.RewriteOnStore {
		o.Content = rewrite(in.content, o.Version)
	}
	if err := s.count(ctx, tx, &o, old, c.Revision, b); err != nil {
		return o, err
	}
	o.ETag = fmt.Sprintf(`"%d-%x"`, o.Revision, sha256.Sum256(o.Content))[:24] + `"`
	if b.RestartETags {
		o.ETag = fmt.Sprintf(`"%d"`, o.Version)
	}
	return o, saveObject(ctx, tx, o)
}

// count gives the changed object its revision. A silent change does not move
// the collection on from its present revision, so that nobody hears of it.
func (s *Server) count(ctx context.Context, tx *sqlx.Tx, o, old *objectRow, present int64, b Behaviour) error {
	if b.SilentChanges {
		o.Revision = present
		if old != nil {
			o.Revision = old.Revision
		}
		return nil
	}
	revision, err := nextRevision(ctx, tx, o.Collection)
	o.Revision = revision
	return err
}

// checkUID refuses a second object with the same UID and a change of UID
// (no-uid-conflict: RFC 4791 5.3.2.1, RFC 6352 6.3.2.1).
func checkUID(ctx context.Context, tx *sqlx.Tx, c *collectionRow, old *objectRow, name, uid string) error {
	condition := caldav("no-uid-conflict")
	if c.Kind == AddressBook {
		condition = carddav("no-uid-conflict")
	}
	t := target{kind: c.Kind, user: c.Owner, collection: c.Name}
	if uid == "" {
		return nil // garbage has none
	}
	if old.alive() && old.UID != "" && old.UID != uid {
		return refuseFor(http.StatusConflict, condition, href(t.child(name).href()))
	}
	twin, err := objectWithUID(ctx, tx, c.ID, uid, name)
	if err != nil {
		return err
	}
	if twin != "" {
		return refuseFor(http.StatusConflict, condition, href(t.child(twin).href()))
	}
	return nil
}

// rewrite adds a property before the last line, as servers that normalise do.
func rewrite(content []byte, version int64) []byte {
	text := strings.TrimRight(string(content), "\r\n")
	at := strings.LastIndex(text, "\n") + 1
	return []byte(text[:at] + fmt.Sprintf("X-REHEARSAL-STORED:%d\r\n", version) + text[at:] + "\r\n")
}

// remove deletes an object or a whole collection.
func (s *Server) remove(r *request) (*answer, error) {
	switch r.target.place() {
	case atObject:
	case atCollection:
		return s.removeCollection(r)
	default:
		return nil, refuse(http.StatusForbidden)
	}
	err := s.store.write(r.Context(), func(tx *sqlx.Tx) error {
		c, old, err := writable(r.Context(), tx, r.target)
		if err != nil {
			return err
		}
		if !old.alive() {
			return refuse(http.StatusNotFound)
		}
		if err := r.checkConditions(old); err != nil {
			return err
		}
		if err := s.removeObject(r.Context(), tx, old, r.behaviour); err != nil {
			return err
		}
		return r.recordMails(tx, c, old, nil)
	})
	if err != nil {
		return nil, err
	}
	return newAnswer(http.StatusNoContent), nil
}

// removeObject leaves a tombstone.
func (s *Server) removeObject(ctx context.Context, tx *sqlx.Tx, old *objectRow, b Behaviour) error {
	grave := *old
	grave.Deleted, grave.UID, grave.ETag, grave.Content = true, "", "", []byte{}
	grave.Modified = time.Now().UnixMicro()
	if err := s.count(ctx, tx, &grave, old, old.Revision, b); err != nil {
		return err
	}
	return saveObject(ctx, tx, grave)
}

// move gives an object another address in its user's home (RFC 4918 9.9).
func (s *Server) move(r *request) (*answer, error) {
	to, err := parseHref(r.Header.Get("Destination"))
	if err != nil || r.target.place() != atObject || to.place() != atObject {
		return nil, refuse(http.StatusForbidden)
	}
	if to.user != r.user.Name || to.kind != r.target.kind || to == r.target {
		return nil, refuse(http.StatusForbidden)
	}
	var created bool
	err = s.store.write(r.Context(), func(tx *sqlx.Tx) error {
		_, old, err := writable(r.Context(), tx, r.target)
		if err != nil {
			return err
		}
		if !old.alive() {
			return refuse(http.StatusNotFound)
		}
		if err := r.checkConditions(old); err != nil {
			return err
		}
		c, there, err := writable(r.Context(), tx, to)
		if err != nil {
			return err
		}
		if there.alive() && strings.EqualFold(r.Header.Get("Overwrite"), "F") {
			return refuse(http.StatusPreconditionFailed)
		}
		created = !there.alive()
		return s.moveObject(r, tx, old, c, there, to.object)
	})
	if err != nil {
		return nil, err
	}
	if created {
		return newAnswer(http.StatusCreated), nil
	}
	return newAnswer(http.StatusNoContent), nil
}

func (s *Server) moveObject(r *request, tx *sqlx.Tx, old *objectRow, c *collectionRow, there *objectRow, name string) error {
	parsed, err := inspect(c, old.Content, r.behaviour)
	if err != nil {
		return err
	}
	if err := s.removeObject(r.Context(), tx, old, r.behaviour); err != nil {
		return err
	}
	behaviour := r.behaviour
	behaviour.RewriteOnStore = false
	_, err = s.storeObject(r.Context(), tx, c, there, name, parsed, behaviour)
	return err
}
