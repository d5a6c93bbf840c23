package memory

import (
	"maps"
	"slices"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Backup is a system as it was at one moment.
type Backup struct {
	seq    int64
	made   int64
	issue  int
	epoch  int
	homes  map[string]*home
	users  []connector.User
	outbox []Mail
	counts map[string]int
}

// Backup copies everything. States are never changed, so they are shared.
func (s *System) Backup() Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Backup{
		seq: s.seq, made: s.made, issue: s.issue, epoch: s.epoch, homes: copyHomes(s.homes),
		users: slices.Clone(s.users), outbox: slices.Clone(s.outbox), counts: maps.Clone(s.counts),
	}
}

func copyHomes(homes map[string]*home) map[string]*home {
	out := make(map[string]*home, len(homes))
	for name, h := range homes {
		c := &home{
			identity: h.identity, collections: slices.Clone(h.collections), owner: h.owner,
			items: make(map[string]*item, len(h.items)), keys: make(map[model.Key]string, len(h.keys)),
		}
		for k, i := range h.items {
			c.items[k] = &item{history: slices.Clone(i.history)}
		}
		maps.Copy(c.keys, h.keys)
		out[name] = c
	}
	return out
}

// Rewind makes the system what it was, as if nothing had happened since.
func (s *System) Rewind(b Backup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq, s.made, s.issue, s.epoch, s.homes = b.seq, b.made, b.issue, b.epoch, copyHomes(b.homes)
	s.users, s.outbox, s.counts = slices.Clone(b.users), slices.Clone(b.outbox), maps.Clone(b.counts)
}

// Restore brings items back from a backup, as an administrator does after a
// disaster: revisions count on from the old ones, so that one revision can name
// two contents; mails that were sent stay sent; the epoch tells of it, and live
// cursors stay valid.
func (s *System) Restore(b Backup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq, s.homes = b.seq, copyHomes(b.homes)
	s.epoch++
}
