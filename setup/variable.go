package setup

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Variable is one environment variable as a program knows it.
type Variable struct {
	Name    string
	Default string
	Means   string
	Secret  bool
	Value   string // as it stands in the struct
}

// Variables lists the variables that a struct is filled from, in its order.
func Variables(spec any) ([]Variable, error) {
	// Only the library knows how it makes names of fields; it tells them to a
	// template.
	const line = `{{range .}}{{.Key}}` + "\t" + `{{.Tags.Get "secret"}}` + "\t" + `{{.Tags.Get "default"}}` + "\t" +
		`{{.Tags.Get "desc"}}` + "\t" + `{{printf "%q" (printf "%v" .Field)}}` + "\n" + `{{end}}`
	var text bytes.Buffer
	if err := envconfig.Usagef(Prefix, spec, &text, line); err != nil {
		return nil, fmt.Errorf("list variables: %w", err)
	}
	var out []Variable
	for row := range strings.Lines(text.String()) {
		cell := strings.SplitN(strings.TrimSuffix(row, "\n"), "\t", 5)
		value, err := strconv.Unquote(cell[4])
		if err != nil {
			return nil, fmt.Errorf("list variables: %s: %w", cell[0], err)
		}
		out = append(out, Variable{Name: cell[0], Secret: cell[1] == "true", Default: cell[2], Means: cell[3], Value: value})
	}
	return out, nil
}

// Masked is the value as it may be shown.
func (v Variable) Masked() string {
	if v.Secret && v.Value != "" {
		return "********"
	}
	return v.Value
}

// VariableTable writes the variables as a Markdown table.
func VariableTable(list []Variable) string {
	var b strings.Builder
	b.WriteString("| variable | default | meaning |\n|---|---|---|\n")
	for _, v := range list {
		def := ""
		if v.Default != "" {
			def = "`" + v.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, def, strings.ReplaceAll(v.Means, "|", `\|`))
	}
	return b.String()
}
