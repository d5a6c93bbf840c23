package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"lockstep.dev/vobject/conformance"
)

// FuzzCheck: no input makes an edit of a mapped property touch another line or
// read differently from what was set.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("../testdata/corpus/*/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if r := conformance.Check("input", src); !r.OK() {
			t.Fatalf("%s\n%q", r, src)
		}
	})
}
