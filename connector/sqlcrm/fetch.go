package sqlcrm

import (
	"context"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Fetch returns the items behind refs, which may be of several kinds; missing
// ones are absent.
func (s *session) Fetch(ctx context.Context, refs []model.Ref) ([]model.Item, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	ids := map[model.Kind][]string{}
	for _, r := range refs {
		ids[r.Kind] = append(ids[r.Kind], r.ID)
	}
	var out []model.Item
	err := s.read(ctx, func(tx *sqlx.Tx) error {
		for _, kind := range slices.Sorted(maps.Keys(ids)) {
			t := s.mapping.of(kind)
			if t == nil {
				return issue.Fault("sqlcrm.kind", "kind", string(kind))
			}
			items, err := s.items(ctx, tx, t, ids[kind])
			if err != nil {
				return err
			}
			out = append(out, items...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// FindByKey looks for creates by their keys. Its answer is conclusive: keys are
// written in the transaction that creates.
func (s *session) FindByKey(ctx context.Context, keys []model.Key) ([]model.Item, bool, error) {
	if err := s.ready(ctx); err != nil {
		return nil, false, err
	}
	var out []model.Item
	err := s.read(ctx, func(tx *sqlx.Tx) error {
		for _, t := range s.mapping.tables() {
			known, err := s.keyed(ctx, tx, t, keyTexts(keys))
			if err != nil {
				return err
			}
			items, err := s.items(ctx, tx, t, slices.Sorted(maps.Values(known)))
			if err != nil {
				return err
			}
			out = append(out, items...)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return out, true, nil
}

// keyed returns the ids of the items that carry keys: key -> id. An item may
// be marked as deleted, or gone where the keys stand in lockstep_key.
func (s *session) keyed(ctx context.Context, q querier, t *table, keys []string) (map[string]string, error) {
	out := map[string]string{}
	if len(keys) == 0 || (t.Key == "" && !s.catalog.hasKey) {
		return out, nil
	}
	where, args := s.among("key", "", keys)
	query := "SELECT key, id FROM " + keyTable + " WHERE kind = ? AND " + where
	args = append([]any{string(t.kind)}, args...)
	if t.Key != "" {
		where, args = s.among("t."+quote(t.Key), s.typeOf(t.Table, t.Key), keys)
		only, more := s.fixed("t", t.Table, t.Fixed)
		query = "SELECT CAST(t." + quote(t.Key) + " AS TEXT), CAST(t." + quote(t.ID) + " AS TEXT) FROM " + quote(t.Table) + " t WHERE " + where + only
		args = append(args, more...)
	}
	rows, err := s.texts(ctx, q, 2, query, args...)
	for _, r := range rows {
		out[r[0].String] = r[1].String
	}
	return out, err
}

func keyTexts(keys []model.Key) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		if k != "" {
			out = append(out, string(k))
		}
	}
	return out
}
