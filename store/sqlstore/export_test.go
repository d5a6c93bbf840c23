package sqlstore

// References lists the columns that refer to content, as "table.column".
func References() []string {
	var out []string
	for _, r := range references() {
		out = append(out, r.table+"."+r.column)
	}
	return out
}
