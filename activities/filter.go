package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"lockstep.dev/connector"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// filterOf sums up what a connection selects: its settings, and what its
// connector says of files that they name. No secret is in it.
func filterOf(c model.Connection, conn connector.Connector) string {
	sum := sha256.New()
	add := func(s string) { _, _ = sum.Write([]byte(s + "\x00")) } // a hash takes everything
	add(c.Connector)
	for _, k := range slices.Sorted(maps.Keys(c.Settings)) {
		add(k)
		add(c.Settings[k])
	}
	if f, ok := conn.(connector.Filterer); ok {
		add(f.Filter())
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// filtered makes sure that collections are read under the connection's present
// filter. After a change everything is listed anew, and what the new filter does
// not show has left: unlinked and kept, never deleted (requirement B19).
func (a *Activities) filtered(ctx context.Context, s side, c model.ConnectionID, m model.MailboxID, known []store.Collection) ([]store.Collection, error) {
	if !slices.ContainsFunc(known, func(k store.Collection) bool { return k.Filter != s.filter }) {
		return known, nil
	}
	if err := a.Store.SetFilter(ctx, c, m, s.filter); err != nil {
		return nil, err
	}
	return a.Store.Collections(ctx, c, m)
}
