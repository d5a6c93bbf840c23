package connectortest

import (
	"maps"
	"slices"
	"testing"

	"lockstep.dev/model"
)

func fieldLaws() []law {
	return []law{
		{"every declared field goes through a create", lawFieldsCreated},
		{"every declared field can be set, changed and cleared", lawFieldsUpdated},
		{"whole shapes go through", lawShapes},
	}
}

// declared returns the samples of the fields that the connector declares.
func (w *world) declared() []sample {
	var out []sample
	for _, s := range samples(w.kind) {
		if slices.Contains(w.caps.Fields, s.field) {
			out = append(out, s)
		}
	}
	return out
}

func lawFieldsCreated(t testing.TB, w *world) {
	wrote := full(w.kind, 1, w.caps.Fields)
	read := w.create(t, wrote).Content
	for _, s := range w.declared() {
		w.wantField(t, "created", s.field, wrote, read)
	}
	for _, name := range read.Fields() {
		if !slices.Contains(w.caps.Fields, name) {
			t.Errorf("the item has a field %q that is not declared", name)
		}
	}
}

// lawFieldsUpdated takes one item for each field and walks all of them through
// their values at once.
func lawFieldsUpdated(t testing.TB, w *world) {
	all := w.declared()
	ops := make([]model.Operation, 0, len(all))
	for i, s := range all {
		c := minimal(w.kind, i+1)
		maps.Copy(c, s.needs)
		ops = append(ops, w.creation(c.Only(w.caps.Fields)))
	}
	refs := w.done(t, ops...)
	for step := range 2 {
		w.updateEach(t, all, refs, func(s sample) (model.Value, bool) {
			if step >= len(s.values) {
				return model.Value{}, false
			}
			return s.values[step], true
		})
	}
	w.updateEach(t, all, refs, func(s sample) (model.Value, bool) {
		return model.Value{}, !s.stays && !slices.Contains(required(w.kind), s.field)
	})
}

// updateEach sets one field of each item to what value says, and wants it
// stored with every other field as it was.
func (w *world) updateEach(t testing.TB, all []sample, refs []model.Ref, value func(sample) (model.Value, bool)) {
	t.Helper()
	var ops []model.Operation
	var before []model.Item
	var fields []string
	for i, s := range all {
		v, ok := value(s)
		if !ok {
			continue
		}
		it := w.fetch(t, refs[i].ID)
		set := model.Content{}
		set.Put(s.field, v)
		ops = append(ops, update(it, set, s.field))
		before, fields = append(before, it), append(fields, s.field)
	}
	w.done(t, ops...)
	for i, it := range before {
		after := w.fetch(t, it.Ref.ID)
		w.wantField(t, "updated", fields[i], ops[i].Content, after.Content)
		for _, name := range model.Differing(it.Content, after.Content) {
			if name != fields[i] {
				w.wantField(t, "beside an update of "+fields[i], name, it.Content, after.Content)
			}
		}
		if after.Ref.Version == it.Ref.Version && w.caps.Conditional && !it.Content[fields[i]].Equal(after.Content[fields[i]]) {
			t.Errorf("an update of %s left the version at %q", fields[i], it.Ref.Version)
		}
	}
}

func lawShapes(t testing.TB, w *world) {
	all := shapes(w.kind)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if w.f.Except[name] != "" {
			continue
		}
		wrote := all[name].Only(w.caps.Fields)
		read := w.create(t, wrote).Content
		for _, field := range model.SharedFields(w.kind) {
			if slices.Contains(w.caps.Fields, field) {
				w.wantField(t, name, field, wrote, read)
			}
		}
	}
	if w.kind == model.Event && slices.Contains(w.caps.Fields, "overrides") {
		w.checkOverrides(t)
	}
}

// checkOverrides creates a series that has a changed occurrence from the start.
func (w *world) checkOverrides(t testing.TB) {
	t.Helper()
	c := minimal(w.kind, 1)
	c.PutText("recurrence", "RRULE:FREQ=WEEKLY;COUNT=6")
	c.PutText("overrides", override("20310311T110000Z"))
	op := w.creation(c)
	read := w.fetch(t, w.done(t, op)[0].ID).Content
	w.wantField(t, "series with a changed occurrence", "overrides", op.Content, read)
	w.wantField(t, "series with a changed occurrence", "recurrence", op.Content, read)
}
