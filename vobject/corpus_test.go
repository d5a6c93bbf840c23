package vobject_test

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/vobject"
	"lockstep.dev/vobject/conformance"
)

// I11 and the conformance requirement: every file of the corpus is unchanged
// after no edit, changed only in the intended line after an edit of each
// mapped property, and reads back equal.
func TestCorpusLosesNothing(t *testing.T) {
	files, edits := 0, 0
	eachFile(t, func(path string, src []byte) {
		r := conformance.Check(path, src)
		if !r.OK() {
			t.Error(r)
		}
		if r.OnlyLine != r.Edits || r.ReadBack != r.Edits {
			t.Errorf("%s: %d edits, %d in their line, %d read back", path, r.Edits, r.OnlyLine, r.ReadBack)
		}
		files, edits = files+1, edits+r.Edits
	})
	if files < 300 || edits < 1000 {
		t.Errorf("only %d files and %d edits", files, edits)
	}
}

func eachFile(t *testing.T, f func(path string, src []byte)) {
	t.Helper()
	corpus := os.DirFS("testdata/corpus")
	err := fs.WalkDir(corpus, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		src, err := fs.ReadFile(corpus, path)
		if err == nil {
			f(path, src)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCorpusReadsAsMeant compares what each file reads as with the table
// beside the corpus: texts, how many odd lines are reported, and the line of
// the error where there is no object at all.
func TestCorpusReadsAsMeant(t *testing.T) {
	texts, problems, lines := expectations(t)
	eachFile(t, func(path string, src []byte) {
		doc, err := vobject.Parse(src)
		if line, bad := lines[path]; bad {
			var pe *vobject.ParseError
			if !errors.As(err, &pe) || pe.Line != line {
				t.Errorf("%s: got %v, want an error in line %d", path, err, line)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		if len(doc.Problems()) != problems[path] {
			t.Errorf("%s: %d problems, want %d: %v", path, len(doc.Problems()), problems[path], doc.Problems())
		}
		for name, want := range texts[path] {
			if got := firstOf(doc, name).Text(); got != want {
				t.Errorf("%s: %s reads %q, want %q", path, name, got, want)
			}
		}
	})
}

func firstOf(doc *vobject.Document, name string) vobject.Property {
	for _, p := range doc.Lines() {
		if p.IsProperty() && p.Is(name) {
			return p
		}
	}
	return vobject.Property{}
}

func expectations(t *testing.T) (texts map[string]map[string]string, problems, lines map[string]int) {
	t.Helper()
	table, err := os.ReadFile("testdata/corpus-expected.tsv")
	if err != nil {
		t.Fatal(err)
	}
	texts, problems, lines = map[string]map[string]string{}, map[string]int{}, map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(table)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, "\t", 3)
		path, what, value := parts[0], parts[1], parts[2]
		switch what {
		case "problems", "error":
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			if what == "error" {
				lines[path] = n
			} else {
				problems[path] = n
			}
		default:
			text, err := strconv.Unquote(value)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if texts[path] == nil {
				texts[path] = map[string]string{}
			}
			texts[path][what] = text
		}
	}
	return texts, problems, lines
}
