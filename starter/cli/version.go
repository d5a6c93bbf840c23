package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: takes(0, 0), Example: "  lockstep version",
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{a.Version, runtime.Version()}
			return a.print(v, func(w io.Writer) { fmt.Fprintf(w, "lockstep %s (%s)\n", v.Version, v.Go) })
		},
	}
}
