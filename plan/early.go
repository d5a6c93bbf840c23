package plan

// early reports whether it is too early to create on the other side what this
// one shows: that side was not read since, so it may hold a twin that somebody
// entered there at the same time. The pair is looked at again when the other
// side may have been read. In the first sync both sides were read right before.
func (b *builder) early(p Pair, s *Seen) bool {
	read, ok := b.in.Read[s.Ref.Side.Other()][p.Kind]
	if !b.in.Initialized || !ok || s.Since.Before(read) {
		return false
	}
	again := s.Since.Add(b.in.Lag[s.Ref.Side.Other()][p.Kind])
	if again.Before(b.in.Now) {
		again = b.in.Now
	}
	b.change(p, Change{State: Unlinked, Reason: ReasonUnread, Recheck: again})
	return true
}
