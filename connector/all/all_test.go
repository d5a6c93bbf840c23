package all_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/connector/all"
)

// Every connector's folder has the same files under the same names, so that
// whoever knows one finds their way in the next.
func TestFolders(t *testing.T) {
	for _, name := range all.Names() {
		for _, file := range []string{name + ".go", "wire.go", "convert.go", "errors.go", "README.md", name + "_test.go"} {
			if _, err := os.Stat(filepath.Join("..", name, file)); err != nil {
				t.Errorf("connector/%s lacks %s", name, file)
			}
		}
	}
}

// A folder with a connector in it is on the list.
func TestEveryConnectorIsListed(t *testing.T) {
	found, err := filepath.Glob("../*/wire.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		name := filepath.Base(filepath.Dir(file))
		if !slices.Contains(all.Names(), name) {
			t.Errorf("connector/%s is not on the list", name)
		}
	}
}

// Each is configured under the name by which it calls itself, and an error
// comes without a connector.
func TestNew(t *testing.T) {
	settings := map[string]map[string]string{
		"dav":    {"url": "https://dav.example.com/"},
		"sqlcrm": {"dsn": "crm.db"},
	}
	for _, name := range all.Names() {
		c, err := all.New(name, connector.Settings{Values: settings[name], Folder: t.TempDir()})
		if err != nil || c.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
		if c, err := all.New(name, connector.Settings{Values: map[string]string{"no such": "setting"}}); err == nil || c != nil {
			t.Errorf("%s with a wrong setting: %v, %v", name, c, err)
		}
	}
}

// An unknown name gets a sentence that lists the known ones.
func TestNewUnknown(t *testing.T) {
	_, err := all.New("davv", connector.Settings{})
	if err == nil || !strings.Contains(err.Error(), "davv") || !strings.Contains(err.Error(), strings.Join(all.Names(), ", ")) {
		t.Errorf("error is %v", err)
	}
}
