package conformance

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"lockstep.dev/vobject"
)

// Summary adds up the reports of a folder.
type Summary struct {
	Files, Parsed, NotParsed, Unchanged int
	Edits, OnlyLine, ReadBack           int
	Moves, OnlyMoved                    int
	Odd, Failed                         int
}

// OK reports whether no file failed.
func (s Summary) OK() bool { return s.Failed == 0 }

func (s Summary) String() string {
	return fmt.Sprintf("%d files: %d parsed (%d with odd lines, all kept), %d not parsed and left untouched; unchanged after no edit: %d of %d; "+
		"changed only in the intended line: %d of %d edits; re-parsed equal: %d of %d; added and removed without touching another line: %d of %d; failed: %d files",
		s.Files, s.Parsed, s.Odd, s.NotParsed, s.Unchanged, s.Parsed, s.OnlyLine, s.Edits, s.ReadBack, s.Edits, s.OnlyMoved, s.Moves, s.Failed)
}

// Add counts one report in.
func (s *Summary) Add(r Report) {
	s.Files++
	if !r.OK() {
		s.Failed++
	}
	switch {
	case r.NotRead != "":
		return
	case r.NotParsed != nil:
		s.NotParsed++
		return
	}
	s.Parsed++
	s.Edits, s.OnlyLine, s.ReadBack = s.Edits+r.Edits, s.OnlyLine+r.OnlyLine, s.ReadBack+r.ReadBack
	s.Moves, s.OnlyMoved = s.Moves+r.Moves, s.OnlyMoved+r.OnlyMoved
	if r.Unchanged {
		s.Unchanged++
	}
	if r.Problems > 0 {
		s.Odd++
	}
}

// Folder checks every file below a folder that may be a vCard or iCalendar
// file by its name, prints a line for each and the summary last. What goes wrong
// with one file, even in reading it, is in its line; the others are checked all
// the same.
func Folder(folder fs.FS, w io.Writer) (Summary, error) {
	var s Summary
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == ".":
			return fmt.Errorf("read folder: %w", err)
		case err == nil && (entry.IsDir() || !wanted(path)):
			return nil
		}
		if err != nil {
			s.Failed++
			_, err = fmt.Fprintf(w, "%s: FAILED %v\n", path, err)
			return err
		}
		size, ok := isFile(folder, path)
		if !ok {
			return nil
		}
		r := read(folder, path, size)
		s.Add(r)
		_, err = fmt.Fprintln(w, r)
		return err
	})
	if err != nil {
		return s, err
	}
	_, err = fmt.Fprintln(w, s)
	return s, err
}

// isFile follows links; a pipe or a link to nothing is no file.
func isFile(folder fs.FS, path string) (size int64, ok bool) {
	info, err := fs.Stat(folder, path)
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// read checks one file. A panic would be a bug of ours, which is told like any
// other failure so that a long run ends with its summary.
func read(folder fs.FS, path string, size int64) (r Report) {
	defer func() {
		if p := recover(); p != nil {
			r = Report{Name: path, NotRead: fmt.Sprint("panic: ", p)}
		}
	}()
	if size > vobject.MaxSize {
		return Report{Name: path, NotParsed: &vobject.ParseError{Line: 1, Text: "larger than 256 MB"}}
	}
	src, err := fs.ReadFile(folder, path)
	if err != nil {
		return Report{Name: path, NotRead: err.Error()}
	}
	return Check(path, src)
}

// wanted goes by the name, but takes names without a usual ending too:
// servers store objects under any name.
func wanted(path string) bool {
	if strings.HasPrefix(filepath.Base(path), ".") {
		return false
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".go", ".md", ".py", ".js", ".json", ".html", ".png", ".jpg", ".gz", ".zip", ".tsv":
		return false
	}
	return true
}
