package plan

import (
	"slices"
	"strings"
)

// hunk replaces the lines [from, to) of a base.
type hunk struct {
	from, to int
	lines    []string
}

// mostCells bounds the work of comparing two texts line by line; beyond it they
// are a conflict like any other.
const mostCells = 4_000_000

// mergeLines joins two edits of a text line by line. Each side may have its base
// in its own spelling, as long as that has the same lines; what neither edited
// stays on each side as it is there. ok is false where both edited the same
// place, or added something at the same place, in different ways.
func mergeLines(baseC, baseM, c, m string) (toC, toM string, ok bool) {
	wasC, wasM := strings.Split(baseC, "\n"), strings.Split(baseM, "\n")
	nowC, nowM := strings.Split(c, "\n"), strings.Split(m, "\n")
	if len(wasC) != len(wasM) || len(wasC)*max(len(nowC), len(nowM)) > mostCells {
		return "", "", false
	}
	all := hunks(wasC, nowC)
	for _, h := range hunks(wasM, nowM) {
		same := func(o hunk) bool { return o.from == h.from && o.to == h.to && slices.Equal(o.lines, h.lines) }
		switch {
		case slices.ContainsFunc(all, same):
		case slices.ContainsFunc(all, h.touches):
			return "", "", false
		default:
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b hunk) int { return a.from - b.from })
	return patched(wasC, all), patched(wasM, all), true
}

// touches reports whether two edits concern the same place. Where one only adds
// lines at the edge of the other, their order would be a guess.
func (h hunk) touches(o hunk) bool {
	if h.from == h.to || o.from == o.to {
		return h.from <= o.to && o.from <= h.to
	}
	return h.from < o.to && o.from < h.to
}

func patched(was []string, all []hunk) string {
	var out []string
	at := 0
	for _, h := range all {
		out = append(append(out, was[at:h.from]...), h.lines...)
		at = h.to
	}
	return strings.Join(append(out, was[at:]...), "\n")
}

// hunks are the edits that make one text of the other: what lies between the
// lines of a longest common subsequence.
func hunks(was, now []string) []hunk {
	longest := make([][]int, len(was)+1)
	for i := range longest {
		longest[i] = make([]int, len(now)+1)
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			if was[i] == now[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out []hunk
	i, j := 0, 0
	for i < len(was) || j < len(now) {
		if i < len(was) && j < len(now) && was[i] == now[j] {
			i, j = i+1, j+1
			continue
		}
		h := hunk{from: i}
		for (i < len(was) || j < len(now)) && !(i < len(was) && j < len(now) && was[i] == now[j]) {
			if j == len(now) || i < len(was) && longest[i+1][j] >= longest[i][j+1] {
				i++
			} else {
				h.lines, j = append(h.lines, now[j]), j+1
			}
		}
		h.to = i
		out = append(out, h)
	}
	return out
}
