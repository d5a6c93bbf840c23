package memory

import (
	"context"

	"lockstep.dev/model"
)

// SetFilter implements store.Filtering.
func (s *Store) SetFilter(ctx context.Context, c model.ConnectionID, m model.MailboxID, filter string) error {
	return alone(ctx, s, func() error {
		for k, v := range s.collectionsOf(place{c, m}) {
			if v.Filter == filter {
				continue
			}
			if v.Filter != "" && v.listings > 0 {
				v.refiltered, v.Cursor, v.listing, v.Listing = true, "", 0, false
			}
			v.Filter = filter
			s.collections.put(k, v)
		}
		return nil
	})
}
