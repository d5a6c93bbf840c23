package conformance

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// Summary adds up the reports of a folder.
type Summary struct {
	Files, Parsed, NotParsed, Unchanged int
	Edits, OnlyLine, ReadBack           int
	Odd, Failed                         int
}

// OK reports whether no file failed.
func (s Summary) OK() bool { return s.Failed == 0 }

func (s Summary) String() string {
	return fmt.Sprintf("%d files: %d parsed (%d with odd lines, all kept), %d not parsed and left untouched; unchanged after no edit: %d of %d; "+
		"changed only in the intended line: %d of %d edits; re-parsed equal: %d of %d; failed: %d files",
		s.Files, s.Parsed, s.Odd, s.NotParsed, s.Unchanged, s.Parsed, s.OnlyLine, s.Edits, s.ReadBack, s.Edits, s.Failed)
}

// Add counts one report in.
func (s *Summary) Add(r Report) {
	s.Files++
	if !r.OK() {
		s.Failed++
	}
	if r.NotParsed != nil {
		s.NotParsed++
		return
	}
	s.Parsed++
	s.Edits, s.OnlyLine, s.ReadBack = s.Edits+r.Edits, s.OnlyLine+r.OnlyLine, s.ReadBack+r.ReadBack
	if r.Unchanged {
		s.Unchanged++
	}
	if r.Problems > 0 {
		s.Odd++
	}
}

// Folder checks every file below a folder that may be a vCard or iCalendar
// file by its name, prints a line for each and the summary last.
func Folder(folder fs.FS, w io.Writer) (Summary, error) {
	var s Summary
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read folder: %w", err)
		}
		if entry.IsDir() || !entry.Type().IsRegular() || !wanted(path) {
			return nil
		}
		src, err := fs.ReadFile(folder, path)
		if err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		r := Check(path, src)
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
