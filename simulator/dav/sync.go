package dav

import (
	"context"
	"encoding/xml"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
)

const (
	tokenPrefix  = "urn:lockstep:simulator:sync:"
	limitReached = "<D:error><D:number-of-matches-within-limits/></D:error>"
)

// syncToken says which changes a client knows: those up to the revision, in
// this generation of this collection. It must be a URI (RFC 6578 4).
func syncToken(c *collectionRow, revision int64, b Behaviour) string {
	revision = max(0, revision-int64(b.StaleTokens))
	return fmt.Sprintf("%s%d:%d:%d", tokenPrefix, c.ID, c.Generation, revision)
}

// knownRevision reads a token; false if it was never given, has expired, or
// comes from a future that a restore undid.
func knownRevision(c *collectionRow, token string) (int64, bool) {
	rest, ours := strings.CutPrefix(token, tokenPrefix)
	parts := strings.Split(rest, ":")
	if !ours || len(parts) != 3 {
		return 0, false
	}
	var numbers [3]int64
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return 0, false
		}
		numbers[i] = n
	}
	return numbers[2], numbers[0] == c.ID && numbers[1] == c.Generation && numbers[2] <= c.Revision
}

// ExpireTokens makes every sync token given so far for a collection invalid,
// and forgets which members were removed.
func (s *Server) ExpireTokens(ctx context.Context, path string) error {
	t, err := parsePath(path)
	if err != nil {
		return err
	}
	err = s.store.write(ctx, func(tx *sqlx.Tx) error {
		c, err := findCollection(ctx, tx, t.user, t.kind, t.collection)
		if err != nil {
			return err
		}
		if c == nil {
			return ErrNotFound
		}
		if _, err := tx.ExecContext(ctx, `UPDATE collection SET generation = generation + 1 WHERE id = ?`, c.ID); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM object WHERE collection = ? AND deleted = 1`, c.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("expire tokens of %s: %w", path, err)
	}
	return nil
}

// syncReport answers sync-collection (RFC 6578 3.2).
func (s *Server) syncReport(r *request, self *resource, root *node) (*answer, error) {
	if err := checkSyncLevel(r, root); err != nil {
		return nil, err
	}
	token := root.child(dav("sync-token")).text()
	known, ok := knownRevision(self.collection, token)
	if !ok && token != "" && !r.behaviour.ListAllOnBadToken {
		return nil, refuseFor(http.StatusForbidden, dav("valid-sync-token"), "") // RFC 6578 3.2
	}
	initial := !ok
	if initial {
		known = -1 // before everything
	}
	limit := r.pageLimit(root)
	sel := parseSelection(root)
	tombstones := !initial || r.behaviour.TombstonesInFirstSync
	rows, err := s.store.changes(r.Context(), self.collection.ID, known, tombstones, sel.content(), limit+1)
	if err != nil {
		return nil, err
	}
	m := newMultistatus()
	if r.behaviour.CollectionInSync && len(rows) > 0 {
		s.resource(m, self, sel)
	}
	upTo := self.collection.Revision
	if len(rows) > limit { // RFC 6578 3.6: truncated, with a token that goes on
		rows = rows[:limit]
		upTo = rows[limit-1].Revision
		m.status(self.target.href(), http.StatusInsufficientStorage, limitReached)
	}
	for i := range rows {
		if rows[i].Deleted {
			m.status(self.member(&rows[i]).target.href(), http.StatusNotFound, "")
			continue
		}
		s.resource(m, self.member(&rows[i]), sel)
	}
	m.raw(element(dav("sync-token"), escape(syncToken(self.collection, upTo, r.behaviour))))
	return m.answer(), nil
}

// checkSyncLevel: the report has Depth 0 and names its level (RFC 6578 3.2 and
// 6.3). Old clients send Depth 1 and no level; they are served too.
func checkSyncLevel(r *request, root *node) error {
	depth, level := r.Header.Get("Depth"), root.child(dav("sync-level")).text()
	if (depth == "" || depth == "0") && level != "1" && level != "infinite" {
		return refuse(http.StatusBadRequest)
	}
	if depth != "" && depth != "0" && depth != "1" {
		return refuse(http.StatusBadRequest)
	}
	return nil
}

// pageLimit is the smaller one of the client's limit and ours.
func (r *request) pageLimit(root *node) int {
	limit := math.MaxInt32 - 1
	if r.behaviour.PageSize > 0 {
		limit = r.behaviour.PageSize
	}
	if asked := limitOf(root, dav("limit"), dav("nresults")); asked > 0 && !r.behaviour.IgnoreSyncLimit {
		limit = min(limit, asked)
	}
	return limit
}

// limitOf reads a limit (RFC 5323 5.17, RFC 6352 10.6); 0 means none.
func limitOf(root *node, limit, results xml.Name) int {
	n, err := strconv.Atoi(root.child(limit).child(results).text())
	if err != nil || n < 0 {
		return 0
	}
	return n
}
