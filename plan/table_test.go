package plan

import "testing"

// mirror swaps what an action does to the two sides.
var mirror = map[action]action{
	nothing: nothing, refresh: refresh, merging: merging, drop: drop, wait: wait, setAside: setAside, unlink: unlink, apart: apart,
	bringBackCRM: bringBackMail, bringBackMail: bringBackCRM,
	createCRM: createMail, createMail: createCRM,
	deleteCRM: deleteMail, deleteMail: deleteCRM,
	resurrectCRM: resurrectMail, resurrectMail: resurrectCRM,
}

// The decision table answers every pair of classes, and swapping the sides
// transposes it (algorithm 1.4, invariant I9).
func TestDecisionTableIsTotalAndSymmetric(t *testing.T) {
	for c := unmapped; c <= left; c++ {
		for m := unmapped; m <= left; m++ {
			got, back := table[c][m], table[m][c]
			if got == nothing {
				t.Errorf("table[%d][%d] answers nothing", c, m)
			}
			if mirror[got] != back {
				t.Errorf("table[%d][%d] = %d, but table[%d][%d] = %d", c, m, got, m, c, back)
			}
		}
	}
}

// An absence that has not been proven leads to nothing, whatever the other side
// says (algorithm 1.7).
func TestAgeingAlwaysWaits(t *testing.T) {
	for other := unmapped; other <= left; other++ {
		if table[ageing][other] != wait || table[other][ageing] != wait {
			t.Errorf("an ageing absence beside class %d does not wait", other)
		}
	}
}
