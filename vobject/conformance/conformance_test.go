package conformance_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"lockstep.dev/vobject/conformance"
)

func TestFolderPrintsAFileALineAndTheSummary(t *testing.T) {
	folder := fstest.MapFS{
		"a/card.vcf":  {Data: []byte("BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nno property\nEND:VCARD\n")},
		"b.ics":       {Data: []byte("\n<html>")},
		"no-ending":   {Data: []byte("BEGIN:VCALENDAR\nEND:VCALENDAR\n")},
		"README.md":   {Data: []byte("not looked at")},
		".hidden.ics": {Data: []byte("not looked at")},
	}
	var out strings.Builder
	s, err := conformance.Folder(folder, &out)
	if err != nil || !s.OK() {
		t.Fatal(s, err)
	}
	want := "a/card.vcf: parsed, unchanged after no edit: yes, changed only in the intended line: 1 of 1, re-parsed equal: 1 of 1, added and removed without touching another line: 2 of 2, odd lines kept: 1\n" +
		"b.ics: not parsed (line 2: no BEGIN line; this is neither a vCard nor an iCalendar object), left untouched\n" +
		"no-ending: parsed, unchanged after no edit: yes, changed only in the intended line: 0 of 0, re-parsed equal: 0 of 0, added and removed without touching another line: 1 of 1\n" +
		"3 files: 2 parsed (1 with odd lines, all kept), 1 not parsed and left untouched; unchanged after no edit: 2 of 2; " +
		"changed only in the intended line: 1 of 1 edits; re-parsed equal: 1 of 1; added and removed without touching another line: 3 of 3; failed: 0 files\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

// A file that cannot be opened fails alone; a link to nothing is no file.
func TestFolderGoesOnAfterAFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{"a.ics": "nothing", "loop.ics": "loop.ics"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "b.ics"), []byte("BEGIN:VCALENDAR\nEND:VCALENDAR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := conformance.Folder(unreadable{os.DirFS(dir)}, io.Discard)
	if err != nil || s.OK() || s.Files != 1 || s.Failed != 1 {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := conformance.Folder(os.DirFS(filepath.Join(dir, "missing")), io.Discard); err == nil {
		t.Error("a folder that is not there is an error")
	}
}

// unreadable is a folder in which no file can be read.
type unreadable struct{ fs.FS }

func (unreadable) ReadFile(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrPermission}
}

func (u unreadable) Stat(name string) (fs.FileInfo, error) { return fs.Stat(u.FS, name) }

// Large files are checked with several edits at a time.
func TestLargeFile(t *testing.T) {
	card := "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nN:Smith;Ann;;;\nTEL:1\nCATEGORIES:a,b\nNOTE:n\nEND:VCARD\n"
	r := conformance.Check("large", []byte(strings.Repeat(card, 4000)))
	if !r.OK() || r.Edits != 20000 || r.OnlyLine != r.Edits || r.ReadBack != r.Edits {
		t.Error(r)
	}
}
