package issue_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/issue"
)

// literals collects the string literals of all programs, by place, and fails
// where a fault is made by hand.
func literals(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.HasPrefix(path, filepath.Join("..", "issue")) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Fault" {
					t.Errorf("%s makes a fault by hand; declare it in package issue and raise it with issue.Fault", path)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					found[text] = append(found[text], path)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// B9: 100 % of the codes that are raised are declared, and what is declared is
// raised somewhere, unless it waits for a connector that does not exist yet.
func TestEveryCodeThatIsRaisedIsDeclared(t *testing.T) {
	said := literals(t)
	code := regexp.MustCompile(`^(dav|sqlcrm|memory|engine|item|mail|mailbox|profile|exchange|c4c|credentials|event|alert)\.[a-z0-9-]+$`)
	file := regexp.MustCompile(`\.(db|go|json|sql|yaml|sqlite)$`)
	for text, places := range said {
		if !code.MatchString(text) || file.MatchString(text) || text == "dav." {
			continue
		}
		if _, ok := issue.Lookup(text); !ok {
			t.Errorf("%s is raised in %s and declared nowhere", text, places[0])
		}
	}
	status := regexp.MustCompile(`^dav\.[0-9]`) // made of the status; a test of the connector's own has them
	for _, e := range issue.All() {
		_, name, _ := strings.Cut(e.Code, ".")
		if e.Later || status.MatchString(e.Code) || len(said[e.Code]) > 0 {
			continue
		}
		if strings.HasPrefix(e.Code, "dav.") && len(said[name]) > 0 {
			continue // an element of a DAV:error body
		}
		if e.Code != "engine.undeclared" && e.Code != "memory.lost" {
			t.Errorf("%s is declared and never raised", e.Code)
		}
	}
}
