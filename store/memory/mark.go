package memory

import (
	"context"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Marks implements store.Marking.
func (s *Store) Marks(ctx context.Context, id model.MailboxID, all bool) ([]store.ItemMark, error) {
	return within(ctx, s, func() ([]store.ItemMark, error) {
		m, err := s.scope(id)
		if err != nil {
			return nil, err
		}
		found := table[pendingKey, store.ItemMark]{log: &s.log, rows: map[pendingKey]store.ItemMark{}}
		for k, v := range s.marks.all() {
			if k.mailbox == id {
				found.put(k, v)
			}
		}
		for _, i := range s.issues.all() {
			l, ok := s.links.get(linkKey{id, i.Entity})
			if i.Mailbox != id || !i.Open || !ok || l.mail == "" {
				continue
			}
			k := pendingKey{id, model.Mail, l.kind, l.mail}
			v, _ := found.get(k)
			if v.Want == "" || i.Code < v.Want {
				v.Want = i.Code
			}
			found.put(k, v)
		}
		var out []store.ItemMark
		for k, v := range found.all() {
			v.Ref = model.Ref{Side: model.Mail, Kind: k.kind, ID: k.item}
			o, there := s.observations.get(itemKey{m.place(model.Mail), k.kind, k.item})
			if there && o.absent == present {
				v.Ref.Collection, v.Ref.Version = o.collection, o.version
			} else {
				v.Want = ""
			}
			if (v.Ref.Collection != "" || v.Code != "") && (all || v.Due()) {
				out = append(out, v)
			}
		}
		return out, nil
	})
}

// SaveMarks implements store.Marking.
func (s *Store) SaveMarks(ctx context.Context, id model.MailboxID, marks []store.ItemMark) error {
	return alone(ctx, s, func() error {
		for _, m := range marks {
			k := pendingKey{id, model.Mail, m.Ref.Kind, m.Ref.ID}
			if m.Code == "" {
				s.marks.drop(k)
			} else {
				s.marks.put(k, store.ItemMark{Code: m.Code, State: m.State})
			}
		}
		return nil
	})
}
