// Command corpus checks every vCard and iCalendar file below a folder: that it
// is parsed, unchanged after no edit, changed only in the intended line after
// an edit of each mapped property, and re-parsed equal.
//
//	make corpus DIR=...
package main

import (
	"fmt"
	"os"

	"lockstep.dev/vobject/conformance"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: corpus FOLDER")
		os.Exit(2)
	}
	summary, err := conformance.Folder(os.DirFS(os.Args[1]), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(2)
	}
	if !summary.OK() {
		os.Exit(1)
	}
}
