// Command generate writes the catalogue's page of documentation.
package main

import (
	"fmt"
	"os"

	"lockstep.dev/metrics"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "generate: give the path of the page")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(metrics.Page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
