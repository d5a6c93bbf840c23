package metrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Issue 5: logs have the agreed keys, and no others.
func TestLogsHaveTheAgreedKeys(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, key := range keysOf(call) {
				found[key] = true
				if !slices.Contains(Keys(), key) {
					t.Errorf("%s logs under the key %q, which is not agreed upon", path, key)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"mailbox", "connection", "issue", "kind", "error"} {
		if !found[must] {
			t.Errorf("nothing is logged under %s", must)
		}
	}
}

// keysOf are the keys of a call such as log.WarnContext(ctx, "message", "key",
// value).
func keysOf(call *ast.CallExpr) []string {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"DebugContext", "InfoContext", "WarnContext", "ErrorContext"}, s.Sel.Name) {
		return nil
	}
	var out []string
	for i := 2; i < len(call.Args); i += 2 {
		if lit, ok := call.Args[i].(*ast.BasicLit); ok {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				out = append(out, text)
			}
		}
	}
	return out
}
