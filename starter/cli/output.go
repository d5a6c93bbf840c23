package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// table is what people see instead of JSON.
type table struct {
	head []string
	rows [][]string
	none string // said instead of an empty table
}

// print shows data: JSON if asked for, otherwise what text writes.
func (a *app) print(data any, text func(w io.Writer)) error {
	if !a.json {
		text(a.Out)
		return nil
	}
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(data); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// list shows a list: a JSON array, or a table.
func (a *app) list(data any, t table) error {
	if !a.json && len(t.rows) == 0 {
		a.talk("%s", t.none)
		return nil
	}
	return a.print(data, t.write)
}

func (t table) write(w io.Writer) {
	var text strings.Builder
	tab := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	rows := t.rows
	if len(t.head) > 0 {
		rows = append([][]string{t.head}, rows...)
	}
	for _, row := range rows {
		fmt.Fprintln(tab, strings.Join(row, "\t"))
	}
	_ = tab.Flush() // a strings.Builder never fails
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// pairs is a table of names and values without a head.
func pairs(w io.Writer, rows ...[2]string) {
	var t table
	for _, r := range rows {
		if r[1] != "" {
			t.rows = append(t.rows, []string{r[0] + ":", r[1]})
		}
	}
	t.write(w)
}

// relative says how long ago, or in how long, an instant is.
func relative(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	form := "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	if d < time.Second {
		return "now"
	}
	return fmt.Sprintf(form, span(d))
}

// span says a duration in its largest unit, rounded down.
func span(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d >= unit.size {
			return plural(int(d/unit.size), unit.name)
		}
	}
	return plural(int(d/time.Second), "second")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// optional is an instant in JSON: null where there is none.
type optional time.Time

// MarshalJSON writes RFC 3339, or null.
func (o optional) MarshalJSON() ([]byte, error) {
	t := time.Time(o)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC())
}
