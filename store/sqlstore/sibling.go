package sqlstore

// operations records the outcome of each planned write.
func (l *landing) operations(results []landed) error {
	byOutcome := map[string][]int{}
	var wrote [][]any
	for _, r := range results {
		byOutcome[string(r.Receipt.Outcome)] = append(byOutcome[string(r.Receipt.Outcome)], r.Planned.Number)
		if r.done() {
			wrote = append(wrote, []any{int64(r.Planned.Number), r.item(), null(r.row.Content)})
		}
	}
	for _, outcome := range sortedKeys(byOutcome) {
		if _, err := execIn(l.tx, `UPDATE operation SET state = ?, done = ? WHERE plan = ? AND number IN (?*)`,
			[]any{outcome, micros(l.now), l.plan}, byOutcome[outcome]); err != nil {
			return err
		}
	}
	return l.tx.updateFrom(`UPDATE operation SET item = v.column2, result = v.column3 FROM`,
		[]string{"BIGINT", "TEXT", l.tx.dialect.blob}, wrote, `WHERE operation.plan = ? AND operation.number = v.column1`, l.plan)
}

// sibling is the other write of a pair in the same plan.
type sibling struct {
	Entity string `db:"entity"`
	Side   string `db:"side"`
	State  string `db:"state"`
	Result []byte `db:"result"`
}

func (l *landing) siblings(entities []string) (map[string]sibling, error) {
	if l.plan == "" {
		return nil, nil
	}
	rows, err := listIn[sibling](l.tx, `SELECT entity, side, state, result FROM operation WHERE plan = ? AND entity IN (?*)`, []any{l.plan}, entities)
	out := make(map[string]sibling, len(rows))
	for _, r := range rows {
		out[r.Side+r.Entity] = r
	}
	return out, err
}
