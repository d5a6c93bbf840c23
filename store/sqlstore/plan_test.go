package sqlstore

import (
	"path/filepath"
	"strings"
	"testing"
)

// An idle round reads no item row, and a page of work reads only its page:
// no query of a round goes through a whole table (design part 6).
func TestQueriesOfARoundUseIndexes(t *testing.T) {
	db, err := Open(t.Context(), Config{Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "store.db"), Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]string{
		"due": selectDue(), "pairs": selectPairs(), "strangers": selectStrangers(),
		"observations": `SELECT ` + observationColumns + ` FROM observation WHERE connection = ? AND mailbox = ? AND kind = ? AND item IN (?, ?)`,
		"links":        `SELECT ` + linkColumns + ` FROM link WHERE mailbox = ? AND entity IN (?, ?)`,
		"collections":  selectCollection, "open intents": selectIntent + `WHERE i.mailbox = ? AND i.outcome IN ('', 'unknown')`,
		"writes": selectOperation + `WHERE plan = ? AND side = ? AND state IN ('planned', 'unknown') AND number > ? ORDER BY number LIMIT ?`,
	} {
		t.Run(name, func(t *testing.T) {
			args := make([]any, strings.Count(query, "?"))
			for i := range args {
				args[i] = "x"
			}
			if strings.Contains(query, "LIMIT ?") {
				args[len(args)-1] = 10
			}
			var steps []struct {
				ID      int    `db:"id"`
				Parent  int    `db:"parent"`
				NotUsed int    `db:"notused"`
				Detail  string `db:"detail"`
			}
			if err := db.read.SelectContext(t.Context(), &steps, `EXPLAIN QUERY PLAN `+query, args...); err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if strings.HasPrefix(s.Detail, "SCAN") && !strings.Contains(s.Detail, "CONSTANT ROW") || strings.Contains(s.Detail, "TEMP B-TREE") {
					t.Errorf("%s", s.Detail)
				}
			}
		})
	}
}
