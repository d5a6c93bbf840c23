package dav

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// corpus is the project's collection of odd cards and calendars.
const corpus = "../../vobject/testdata/corpus"

// Every odd file of the corpus goes through the mapping: writing what is there
// leaves every byte, an edit of one field changes that field alone, and what is
// read reads the same from a new object (I11).
func TestCorpusGoesThroughTheMapping(t *testing.T) {
	c := newConverter()
	readable := 0
	err := fs.WalkDir(os.DirFS(corpus), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(os.DirFS(corpus), path)
		if err != nil {
			return err
		}
		for _, kind := range model.Kinds() {
			it, ours := c.item(model.Ref{Kind: kind}, raw)
			if ours && it.Trouble == "" {
				readable++
				checkRewrite(t, c, path, it)
				checkEdits(t, c, path, it)
				checkCopy(t, c, path, it)
			}
			if ours && it.Trouble != "" && (it.Content != nil || !strings.Contains(it.Trouble, "line ")) {
				t.Errorf("%s as %s: %+v", path, kind, it)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if readable < 300 {
		t.Errorf("only %d objects were readable", readable)
	}
}

func checkRewrite(t *testing.T, c *converter, path string, it model.Item) {
	t.Helper()
	var all []string
	for _, f := range model.Fields(it.Ref.Kind) {
		all = append(all, f.Name)
	}
	same, fail := c.change(model.Operation{Ref: it.Ref, Content: it.Content, Changed: all}, it.Raw, someEnvironment())
	if fail != nil || string(same) != string(it.Raw) {
		gone, added := changedLines(it.Raw, same)
		t.Errorf("%s: writing what is there: %v: %q became %q", path, fail, gone, added)
	}
}

func checkEdits(t *testing.T, c *converter, path string, it model.Item) {
	t.Helper()
	for _, f := range model.Fields(it.Ref.Kind) {
		if f.Name == "time_zone" && !strings.HasSuffix(it.Content.Text("start"), "Z") {
			continue // days and floating times have none
		}
		for _, v := range samplesOf(it.Ref.Kind, f.Name) {
			if v.Empty() && (f.Name == "full_name" || f.Name == "start" && it.Ref.Kind == model.Event || f.Name == "end") {
				continue // mandatory
			}
			checkEdit(t, c, path, it, f, v)
		}
	}
}

func checkEdit(t *testing.T, c *converter, path string, it model.Item, f model.Field, v model.Value) {
	t.Helper()
	want := it.Content.Clone()
	want.Put(f.Name, v)
	edited, fail := c.change(model.Operation{Ref: it.Ref, Content: want, Changed: []string{f.Name}}, it.Raw, someEnvironment())
	if fail != nil {
		t.Errorf("%s: write %s: %v", path, f.Name, fail.fault)
		return
	}
	again, ours := c.item(it.Ref, edited)
	if !ours || again.Trouble != "" {
		t.Errorf("%s: after writing %s: %s", path, f.Name, again.Trouble)
		return
	}
	for _, d := range model.Differing(want, again.Content) {
		if d == "time_zone" && v.Empty() {
			continue // it went with the time
		}
		t.Errorf("%s: after writing %s: %s reads %s, want %s", path, f.Name, d, again.Content.Only([]string{d}).Encode(), want.Only([]string{d}).Encode())
	}
}

func checkCopy(t *testing.T, c *converter, path string, it model.Item) {
	t.Helper()
	twice := readContent(t, c, it.Ref.Kind, createBytes(t, c, it.Ref.Kind, it.Content))
	for _, d := range model.Differing(it.Content, twice) {
		if d == "full_name" && it.Content.Text(d) == "" {
			continue // a new card needs one
		}
		t.Errorf("%s: a copy differs in %s:\n%s\n%s", path, d, it.Content.Only([]string{d}).Encode(), twice.Only([]string{d}).Encode())
	}
}
