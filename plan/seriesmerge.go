package plan

import (
	"slices"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/recurrence"
)

// timesMerge reconciles what two sides say of when an item is.
type timesMerge struct {
	b      *builder
	p      Pair
	fields []string
	rule   rule
	based  bool
	// What the sides hold and held, the CRM first (recurrence.Left), only the
	// time fields.
	now, was [2]model.Content
}

// do returns what each side should hold and what was lost. Series that cannot
// be read are merged as one text.
func (t timesMerge) do() (to [2]model.Content, lost []EditConflict) {
	if to, lost, ok := t.occurrences(); ok {
		return to, lost
	}
	changed := func(i recurrence.Side) bool {
		return !t.based || len(model.Differing(t.now[i], t.was[i])) > 0
	}
	switch c, m := changed(recurrence.Left), changed(recurrence.Right); {
	case !c && !m:
		return t.now, nil
	case t.based && !m, !t.based && len(t.now[recurrence.Right]) == 0:
		return [2]model.Content{t.now[recurrence.Left], t.now[recurrence.Left]}, nil
	case t.based && !c, !t.based && len(t.now[recurrence.Left]) == 0:
		return [2]model.Content{t.now[recurrence.Right], t.now[recurrence.Right]}, nil
	}
	won := t.now[sideOf(t.rule.winner)]
	return [2]model.Content{won, won}, []EditConflict{t.b.lost(t.p, t.name(), t.rule.winner, t.now[1-sideOf(t.rule.winner)])}
}

// name is the field under which a conflict over the whole is shown.
func (t timesMerge) name() string {
	if slices.Contains(t.fields, "recurrence") {
		return "recurrence"
	}
	return "start"
}

// sideOf and modelSide translate: the CRM is the left side of a merge.
func sideOf(s model.Side) recurrence.Side {
	if s == model.Mail {
		return recurrence.Right
	}
	return recurrence.Left
}

func modelSide(s recurrence.Side) model.Side {
	if s == recurrence.Right {
		return model.Mail
	}
	return model.CRM
}

// occurrences merges by occurrence; ok is false where a side cannot be read.
func (t timesMerge) occurrences() (to [2]model.Content, lost []EditConflict, ok bool) {
	var now, was [2]series
	var sides, bases [2]recurrence.Series
	for i := range now {
		var err error
		if now[i], err = t.b.series(t.p.Kind, t.now[i]); err != nil {
			return to, nil, false
		}
		sides[i] = now[i].Series
		if !t.based {
			continue
		}
		if was[i], err = t.b.series(t.p.Kind, t.was[i]); err != nil {
			return to, nil, false
		}
		bases[i] = was[i].Series
	}
	out, conflicts, err := recurrence.Reconcile(bases, sides, sideOf(t.rule.winner))
	if err != nil {
		return to, nil, false
	}
	var history []time.Time
	if t.based && len(conflicts) > 0 {
		out, history = t.withoutHistory(out, bases, sides)
	}
	for i := range out {
		to[i] = series{Series: out[i]}.write(now[i], now[1-i])
	}
	for _, c := range conflicts {
		if c.Part == recurrence.Exception && slices.ContainsFunc(history, c.Key.Equal) {
			continue
		}
		if value := t.loser(c, now[c.Lost]); len(value) > 0 {
			lost = append(lost, t.b.lost(t.p, t.fieldOf(c), modelSide(1-c.Lost), value))
		}
	}
	return to, append(lost, t.editedHistory(history, now, was)...), true
}

// editedHistory is what a side had edited of past occurrences that the other
// removed.
func (t timesMerge) editedHistory(history []time.Time, now, was [2]series) (lost []EditConflict) {
	for _, id := range history {
		for i, s := range now {
			override := slices.ContainsFunc(s.Overrides, func(o recurrence.Override) bool { return s.Instant(o.ID).Equal(id) && !o.Cancelled })
			if text := s.exception(id); override && text != was[i].exception(id) {
				lost = append(lost, t.b.lost(t.p, "overrides", modelSide(recurrence.Side(1-i)), model.Content{"overrides": {Text: text}}))
			}
		}
	}
	return lost
}

func (t timesMerge) fieldOf(c recurrence.Conflict) string {
	switch {
	case c.Part == recurrence.Exception:
		return "overrides"
	case c.Part == recurrence.Length && slices.Contains(t.fields, "end"):
		return "end"
	}
	return t.name()
}

// loser is what a side lost: the changed occurrence, the end, or all of it.
func (t timesMerge) loser(c recurrence.Conflict, s series) model.Content {
	switch t.fieldOf(c) {
	case "end":
		return s.content.Only([]string{"end"})
	case "overrides":
		out := model.Content{}
		out.PutText("overrides", s.exception(c.Key))
		return out
	}
	return s.content
}

// exception is what a side says of one occurrence, as text: its override, or
// that it is cancelled. Nothing if it is as the rule has it.
func (s series) exception(key time.Time) string {
	for _, o := range s.Overrides {
		if s.Instant(o.ID).Equal(key) {
			return s.texts[o]
		}
	}
	all, err := s.Expand(key.AddDate(0, 0, -2), key.AddDate(0, 0, 2))
	if err != nil || slices.ContainsFunc(all, func(o recurrence.Occurrence) bool { return o.ID.Equal(key) }) {
		return ""
	}
	return "BEGIN:VEVENT\r\nRECURRENCE-ID" + s.slotText(key) + "\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n"
}

func (s series) slotText(key time.Time) string {
	if s.AllDay() {
		return ";VALUE=DATE:" + key.Format("20060102")
	}
	return ":" + key.Format("20060102T150405Z")
}

// withoutHistory takes out past occurrences that a side removed: whoever wins a
// conflict, history that was deleted is not created again (B14).
func (t timesMerge) withoutHistory(out, bases, sides [2]recurrence.Series) ([2]recurrence.Series, []time.Time) {
	removed := map[int64]bool{}
	var history []time.Time
	for i := range sides {
		had, okHad := t.past(bases[i])
		has, okHas := t.past(sides[i])
		if !okHad || !okHas {
			continue
		}
		there := map[int64]bool{}
		for _, id := range has {
			there[id.Unix()] = true
		}
		for _, id := range had {
			if !there[id.Unix()] {
				removed[id.Unix()] = true
			}
		}
	}
	for i := range out {
		all, ok := t.past(out[i])
		if !ok || len(removed) == 0 {
			continue
		}
		gone := slices.DeleteFunc(all, func(id time.Time) bool {
			return !removed[id.Unix()] && !t.cut(id, bases, sides)
		})
		if len(gone) > 0 {
			out[i] = out[i].Without(gone)
		}
		for _, id := range gone {
			if !slices.ContainsFunc(history, id.Equal) {
				history = append(history, id)
			}
		}
	}
	return out, history
}

// cut reports whether a side let the series begin later than a past moment.
func (t timesMerge) cut(id time.Time, bases, sides [2]recurrence.Series) bool {
	for i, s := range sides {
		begins := s.Instant(s.Start)
		if id.Before(begins) && bases[i].Instant(bases[i].Start).Before(begins) && begins.Before(t.b.in.Now) {
			return true
		}
	}
	return false
}

// past lists the occurrences of a series that are over, by ID.
func (t timesMerge) past(s recurrence.Series) ([]time.Time, bool) {
	all, err := s.Expand(s.Instant(s.Start).AddDate(-1, 0, 0), t.b.in.Now)
	if err != nil {
		return nil, false
	}
	var out []time.Time
	for _, o := range all {
		if o.Start.Before(t.b.in.Now) && o.ID.Before(t.b.in.Now) {
			out = append(out, o.ID)
		}
	}
	return out, true
}
