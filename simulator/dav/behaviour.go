package dav

import "time"

// Behaviour is how the server is for the time being. The zero value is a
// server that follows the specifications. Most fields are faults that servers
// in the field have.
type Behaviour struct {
	// Latency is added to every request.
	Latency time.Duration
	// PageSize is the most members in one answer to a sync-collection report;
	// 0 leaves it to the client's limit.
	PageSize int
	// MaxObjectSize in bytes; larger ones are refused with max-resource-size.
	// 0 means 1 MiB.
	MaxObjectSize int

	// NoETagOnPut leaves the ETag out of the answer to a PUT.
	NoETagOnPut bool
	// RewriteOnStore stores something else than what was sent (one property
	// more), and so answers without an ETag (RFC 4791 5.3.4).
	RewriteOnStore bool
	// RestartETags counts ETags per object, from 1 again after a deletion, so
	// that a re-created object can have the ETag of an older content.
	RestartETags bool
	// IgnoreIfNoneMatch overwrites although the client said "only create".
	IgnoreIfNoneMatch bool
	// IgnoreIfMatch overwrites, moves and deletes whatever the version.
	IgnoreIfMatch bool
	// AcceptGarbage stores what is no vCard or iCalendar object at all.
	AcceptGarbage bool

	// NoSyncCollection neither offers nor answers the sync report: clients
	// have to compare ETags.
	NoSyncCollection bool
	// IgnoreSyncLimit answers everything whatever limit the client set.
	IgnoreSyncLimit bool
	// ListAllOnBadToken answers an unknown or expired token with an ordinary
	// full listing instead of an error.
	ListAllOnBadToken bool
	// TombstonesInFirstSync reports old deletions to a client that has no
	// token yet.
	TombstonesInFirstSync bool
	// CollectionInSync lists the collection itself among the changes.
	CollectionInSync bool
	// StaleTokens hands out tokens that many changes too old, so that
	// unchanged objects are reported again.
	StaleTokens int
	// SilentChanges does not count changes: neither the sync report nor the
	// collection's tag shows them; only a full listing does.
	SilentChanges bool

	// MultigetSkipsMissing leaves members that do not exist out of the
	// answer instead of reporting them as 404.
	MultigetSkipsMissing bool
	// BrokenObjects are names of objects that listings and multigets answer
	// with an error of their own (500) inside of the multistatus.
	BrokenObjects []string

	// NoScheduling is a server that leaves invitations to its clients: it does
	// not offer calendar-auto-schedule (RFC 6638 2) and sends nothing.
	NoScheduling bool
	// ScheduleReplyCoversOrganizer lets "Schedule-Reply: F" silence an
	// organizer's changes and deletions too, as SabreDAV does, and names
	// SabreDAV in the answers, by which clients know it. RFC 6638 8.1 defines
	// the header for attendees only.
	ScheduleReplyCoversOrganizer bool
}

func (b Behaviour) maxObjectSize() int {
	if b.MaxObjectSize > 0 {
		return b.MaxObjectSize
	}
	return 1 << 20
}

// SetBehaviour changes the behaviour from the next request on.
func (s *Server) SetBehaviour(b Behaviour) { s.behaviour.Store(&b) }

// Behaviour returns the behaviour now in force.
func (s *Server) Behaviour() Behaviour { return *s.behaviour.Load() }
