package setup_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/setup"
)

// keys lists the keys of a type as the reference names them.
func keys(t reflect.Type, prefix string) []string {
	var out []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		at, of := prefix+name, t.Field(i).Type
		switch {
		case of.Kind() == reflect.Map && of.Elem().Kind() == reflect.Struct:
			out = append(out, keys(of.Elem(), at+".KIND.")...)
		case of.Kind() == reflect.Map:
			out = append(out, at+".FIELD")
		case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
			out = append(out, keys(of.Elem(), at+"[].")...)
		case of.Kind() == reflect.Slice && prefix == "":
			out = append(out, at+"[]")
		case of.Kind() == reflect.Struct:
			out = append(out, keys(of, at+".")...)
		default:
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// B25: docs/policies.md names every key that there is, and no other.
func TestEveryKeyOfAPolicyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	if want := keys(reflect.TypeFor[model.Policy](), ""); !slices.Equal(found, want) {
		t.Errorf("the reference names\n%s\nthere are\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
	// Its examples can be applied.
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if _, err := setup.ReadPolicies("docs/policies.md", []byte(m[1])); err != nil {
			t.Error(err)
		}
	}
}
