package plan

// Difference is what sets one plan's writes apart from another's.
type Difference struct {
	Came    []Write // only in the new one
	Went    []Write // only in the old one
	Changed []Write // in both, but of another version or content; as in the new one
}

// Empty reports whether the plans write the same.
func (d Difference) Empty() bool { return len(d.Came)+len(d.Went)+len(d.Changed) == 0 }

// Compare tells what became of an old plan's writes in a new one (B1).
func Compare(before, now []Write) Difference {
	was := make(map[Place]string, len(before))
	for _, w := range before {
		was[PlaceOf(w)] = Fingerprint(w)
	}
	var out Difference
	there := make(map[Place]bool, len(now))
	for _, w := range now {
		p := PlaceOf(w)
		there[p] = true
		switch mark, ok := was[p]; {
		case !ok:
			out.Came = append(out.Came, w)
		case mark != Fingerprint(w):
			out.Changed = append(out.Changed, w)
		}
	}
	for _, w := range before {
		if !there[PlaceOf(w)] {
			out.Went = append(out.Went, w)
		}
	}
	return out
}
