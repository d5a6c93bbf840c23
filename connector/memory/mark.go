package memory

import (
	"context"
	"slices"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Mark implements connector.Marker.
func (s *session) Mark(ctx context.Context, refs []model.Ref, add, remove []string) error {
	h, err := s.enter(ctx, "mark")
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	for _, r := range refs {
		i := h.items[key(r.Kind, r.ID)]
		if i == nil || i.now().gone {
			continue
		}
		st := *i.now()
		set := slices.DeleteFunc(slices.Clone(st.content.Set("categories")), func(e model.Element) bool {
			return slices.Contains(remove, e.Text) || slices.Contains(add, e.Text)
		})
		for _, c := range add {
			set = append(set, model.Element{Key: model.FoldText(c), Text: c})
		}
		content := st.content.Clone()
		content.PutSet("categories", set)
		if content["categories"].Equal(st.content["categories"]) {
			continue
		}
		st.content = content
		s.count("write")
		s.change(h, st)
	}
	return nil
}

// Mark implements connector.Marker, where the decorated session does.
func (s *faultySession) Mark(ctx context.Context, refs []model.Ref, add, remove []string) error {
	marker, ok := connector.As[connector.Marker](s.Session)
	if !ok {
		return nil
	}
	_, err := through(ctx, s.hook, s.point("mark"), func() (struct{}, error) { return struct{}{}, marker.Mark(ctx, refs, add, remove) })
	return err
}
