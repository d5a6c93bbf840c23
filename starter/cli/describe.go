package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lockstep.dev/store"
)

// Command describes a command, for whoever offers it elsewhere: the dashboard's
// pages and its HTTP API are made of these.
type Command struct {
	Noun, Verb  string // Verb is empty where the noun alone is a command
	Short, Long string
	Arguments   []Argument
	Flags       []Flag
}

// Name is how the command is typed, without the program's name.
func (c Command) Name() string { return strings.TrimSpace(c.Noun + " " + c.Verb) }

// Argument is what stands after a command.
type Argument struct {
	Name     string // lower case
	Optional bool
	Many     bool
}

// Flag is an option of a command.
type Flag struct {
	Name    string
	Type    string // as pflag names it: string, bool, int, duration, stringToString
	Meaning string
}

// Commands lists every command there is.
func Commands() []Command {
	a := &app{}
	var out []Command
	for _, noun := range a.root().Commands() { //nolint:contextcheck // nothing is run
		if len(noun.Commands()) == 0 {
			out = append(out, describe(noun, noun.Name(), ""))
			continue
		}
		for _, verb := range noun.Commands() {
			out = append(out, describe(verb, noun.Name(), verb.Name()))
		}
	}
	return out
}

func describe(c *cobra.Command, noun, verb string) Command {
	d := Command{Noun: noun, Verb: verb, Short: c.Short, Long: c.Long}
	d.Arguments = arguments(c.Use)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		_, meaning := pflag.UnquoteUsage(f)
		d.Flags = append(d.Flags, Flag{Name: f.Name, Type: f.Value.Type(), Meaning: meaning})
	})
	return d
}

// arguments reads what a command's line of use says: NOUN [OPTIONAL] MANY... and
// one of A | B, where - stands for standard input.
func arguments(use string) []Argument {
	var out []Argument
	either := strings.Contains(use, " | ")
	for _, word := range strings.Fields(use)[1:] {
		name, many := strings.CutSuffix(strings.Trim(word, "[]"), "...")
		name, _, _ = strings.Cut(strings.ToLower(name), "|")
		if name == "" || name == "-" {
			continue
		}
		if i := slices.IndexFunc(out, func(a Argument) bool { return a.Name == name }); i >= 0 {
			out[i].Many = true
			continue
		}
		out = append(out, Argument{Name: name, Optional: either || strings.HasPrefix(word, "["), Many: many})
	}
	return out
}

// Do carries out one command as Run does, and returns what went wrong. Its
// outcome says which of the exit codes that stands for.
func Do(ctx context.Context, args []string, p Parts) error {
	a := &app{Parts: p}
	root := a.root() //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(longFlags(root, args))
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	err := root.ExecuteContext(store.WithAuthor(ctx, store.Author{By: p.By}))
	if a.opened != nil {
		err = errors.Join(err, a.opened.Close())
	}
	return err
}

// Outcome is what an exit code stands for.
type Outcome int

// The outcomes of a command, with their exit codes.
const (
	Done    Outcome = exitDone
	Refused Outcome = exitError
	Misused Outcome = exitUsage
	Partly  Outcome = exitPartial // done in part, or accepted and not carried out yet
	SignIn  Outcome = exitSignIn  // somebody must sign in to a system again
)

// OutcomeOf says what the error of a command stands for.
func OutcomeOf(err error) Outcome { return Outcome(codeOf(err)) }
