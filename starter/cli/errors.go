package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

const errorsHelp = `Explains errors: what happened, why, what to do, who does it, and what Lockstep does by itself.

CODE is an error's code. TEXT is any piece of its text, also as it was shown to you, with
names and addresses filled in; the kind of apostrophes and capitals do not matter.`

func (a *app) errors() *cobra.Command {
	return &cobra.Command{
		Use: "errors [CODE|TEXT]", Short: "Explain an error by its code or by what it says", Long: errorsHelp, Args: takes(0, 1),
		Example: "  lockstep errors dav.401\n  lockstep errors \"Appointments can't be synchronized\"",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var codes []cobra.Completion
			for _, e := range issue.All() {
				codes = append(codes, e.Code)
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error { return a.explainErrors(c.Context(), args) },
	}
}

// errorView is `errors` (an array of them).
type errorView struct {
	Code     string     `json:"code"`
	Source   string     `json:"source"`
	Side     model.Side `json:"side,omitempty"`
	Class    string     `json:"class"`
	Scope    string     `json:"scope"`
	Message  string     `json:"message"`
	Cause    string     `json:"cause"`
	Solution string     `json:"solution"`
	Acts     string     `json:"acts"`
	Next     string     `json:"next"` // what Lockstep does by itself
	Row      string     `json:"row,omitempty"`
	Later    bool       `json:"later,omitempty"` // no connector raises it yet
}

func (a *app) explainErrors(_ context.Context, args []string) error {
	found := issue.All()
	if len(args) > 0 {
		found = issue.Search(args[0])
	}
	if len(found) == 0 {
		return fmt.Errorf("no error has the code or the text %q; lockstep errors lists them all", args[0])
	}
	views := []errorView{}
	t := table{head: []string{"CODE", "SOURCE", "MESSAGE"}}
	for _, e := range found {
		views = append(views, errorOf(e))
		t.rows = append(t.rows, []string{e.Code, e.Source, shorten(e.Message, 100)})
	}
	if len(found) == 1 {
		return a.print(views, func(w io.Writer) { writeError(w, views[0]) })
	}
	return a.list(views, t)
}

func errorOf(e issue.Entry) errorView {
	return errorView{
		Code: e.Code, Source: e.Source, Side: e.Side, Class: string(e.Class), Scope: string(e.Scope), Message: e.Message,
		Cause: e.Cause, Solution: e.Solution, Acts: issue.People(e.Who()), Next: e.Next(), Row: e.Row, Later: e.Later,
	}
}

func writeError(w io.Writer, v errorView) {
	pairs(w, [2]string{"Code", v.Code}, [2]string{"Source", v.Source}, [2]string{"Side", string(v.Side)}, [2]string{"Message", v.Message},
		[2]string{"Cause", v.Cause}, [2]string{"Solution", v.Solution}, [2]string{"Who acts", v.Acts}, [2]string{"Next", v.Next},
		[2]string{"Class", v.Class + ", " + v.Scope}, [2]string{"Requirement", v.Row})
}

// shorten cuts a text to at most n characters.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
