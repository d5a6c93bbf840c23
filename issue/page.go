package issue

import (
	"fmt"
	"strings"

	"lockstep.dev/fault"
)

// Page is the catalogue as a page of Markdown: docs/errors.md.
func Page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	source := ""
	for _, e := range All() {
		if e.Source != source {
			source = e.Source
			fmt.Fprintf(&b, "\n## %s\n", source)
		}
		e.write(&b)
	}
	b.WriteString("\n## What happens by itself\n\nOne table decides for every error; the policy can change how often and how long.\n\n")
	b.WriteString("| class | scope | what Lockstep does | becomes | who acts |\n|---|---|---|---|---|\n")
	for _, c := range fault.Classes() {
		for _, s := range fault.Scopes() {
			r := fault.RuleOf(c, s)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c, s, next(r, s), r.Raises, People(r.Acts))
		}
	}
	return b.String()
}

const pageHead = `<!-- Generated from package issue by go generate. Do not edit. -->
# Errors and issues

A **sync error** means that a mailbox, or every mailbox of a system, does not sync at all: ` + "`lockstep mailbox show`" + ` tells it. A **sync issue** means that single records cannot sync while everything else goes on: ` + "`lockstep issue list`" + ` lists them. They are different things; what helps against one does not help against the other.

Every error has a code, a source that says it, and a solution. Look one up by its code or by any piece of its text, also as it was shown to you: ` + "`lockstep errors TEXT`" + `. What stands in angle brackets is filled in when the error is shown.
`

func (e Entry) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n### `%s`\n\n> %s\n\n", e.Code, escape(e.Message))
	fmt.Fprintf(b, "**Cause.** %s\n\n", escape(e.Cause))
	if e.Solution != "" {
		fmt.Fprintf(b, "**Solution.** %s\n\n", escape(e.Solution))
	}
	fmt.Fprintf(b, "**Who acts.** %s. **What Lockstep does.** %s\n\n", capital(People(e.Who())), e.Next())
	fmt.Fprintf(b, "%s, %s", e.Class, e.Scope)
	if e.Row != "" {
		fmt.Fprintf(b, ", %s", e.Row)
	}
	if e.Later {
		b.WriteString(", not raised by any connector yet")
	}
	b.WriteString("\n")
}

// People says who acts, as people say it.
func People(w fault.Who) string {
	switch w {
	case fault.User:
		return "the user"
	case fault.Admin:
		return "an administrator"
	case fault.Us:
		return "the makers of Lockstep; please report it"
	default:
		return "nobody"
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// escape keeps placeholders from being read as HTML.
func escape(s string) string { return strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(s) }
