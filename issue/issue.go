// Package issue is the catalogue: every error that a user can see is declared
// here once, with its code, who says it, what it means, what to do about it and
// who does it (requirements S-02, B9, L-03, L-04). A fault that is raised
// anywhere takes its class, its scope and its words from here, by code; so does
// every page, mail and command that shows one.
//
// One file per source holds the declarations. Texts of other products are
// verbatim, because people search the web for them; what stands in angle
// brackets in a text is a placeholder.
package issue

import (
	"slices"
	"strings"

	"lockstep.dev/fault"
	"lockstep.dev/model"
)

//go:generate go run ./generate ../docs/errors.md

// Entry declares one error.
type Entry struct {
	Code   string
	Source string     // who says so, as people know the part: "ExchangeConnector"
	Side   model.Side // "" = either
	Class  fault.Class
	Scope  fault.Scope
	// Message says what happened, Cause why it does, Solution what to do. They
	// may hold placeholders such as <Mailbox Name>.
	Message, Cause, Solution string
	// Acts overrides who acts according to the table of faults.
	Acts fault.Who
	// Then overrides what Lockstep does by itself according to it.
	Then string
	// Row is the requirement that prescribes the text, "" = the words are ours.
	Row string
	// Vague: the code alone explains nothing, so raw evidence is kept with it
	// (requirement S-09).
	Vague bool
	// Later: only connectors that do not exist yet raise it.
	Later bool
}

// Rule is what the one table says about the entry.
func (e Entry) Rule() fault.Rule { return fault.RuleOf(e.Class, e.Scope) }

// Who says who must act.
func (e Entry) Who() fault.Who {
	if e.Acts != "" {
		return e.Acts
	}
	return e.Rule().Acts
}

// Next says what Lockstep does by itself after this error.
func (e Entry) Next() string {
	if e.Then != "" {
		return e.Then
	}
	return next(e.Rule(), e.Scope)
}

func next(r fault.Rule, s fault.Scope) string {
	switch {
	case r.Stops && s == fault.Server:
		return "Every mailbox of the connection stops until somebody has acted and tested the connection."
	case r.Stops:
		return "The mailbox stops until somebody has acted and enables it again."
	case r.Again == fault.Attempt && r.Counted && s == fault.Server:
		return "If it is not one mailbox's alone, the connection is paused for all of them until its system answers again; then everything goes on where it stopped."
	case r.Again == fault.Attempt && r.Counted:
		return "It is tried again, ten times five minutes apart unless the policy says otherwise; after that the mailbox stops."
	case r.Again == fault.Attempt:
		return "It goes on by itself after the time that the server asked for."
	case r.Again == fault.Round && r.Raises == fault.Issue && r.Counted:
		return "It is tried again, ten times five minutes apart unless the policy says otherwise; everything else goes on."
	case r.Again == fault.Round && r.Raises == fault.Issue:
		return "It is tried again in every round; everything else goes on."
	case r.Again == fault.Round:
		return "Both sides are read again; nothing needs to be done."
	default:
		return "The item is set aside until it changes or somebody has it tried again; everything else goes on."
	}
}

// All lists every declared error, source by source.
func All() []Entry {
	return slices.Concat(
		engine(), dav(), sqlcrm(), reference(), exchange(), exchangeUnexpected(), c4c(), credentials(), serverSide(), alerting(),
	)
}

// Lookup finds an entry by its code.
func Lookup(code string) (Entry, bool) {
	all := All()
	i := slices.IndexFunc(all, func(e Entry) bool { return e.Code == code })
	if i < 0 {
		return Entry{}, false
	}
	return all[i], true
}

// Fault raises the error with the given code. values fill its placeholders, as
// pairs of name and value; they hold neither secrets nor item content. A code
// that is not declared is a bug of ours, and says so.
func Fault(code string, values ...string) *fault.Fault {
	e, ok := Lookup(code)
	if !ok {
		undeclared, _ := Lookup("engine.undeclared")
		f := undeclared.fault("code", code)
		f.Code = code
		return f
	}
	return e.fault(values...)
}

func (e Entry) fault(values ...string) *fault.Fault {
	return &fault.Fault{
		Class: e.Class, Scope: e.Scope, Side: e.Side, Source: e.Source, Code: e.Code,
		Message: Fill(e.Message, values...), Solution: Fill(e.Solution, values...),
	}
}

// Message is the filled message of a declared error, for what is no fault.
func Message(code string, values ...string) string { return Fault(code, values...).Message }

// Fill replaces placeholders by values, given as pairs of name and value. What
// has no value stays as it is, so that nothing is made up.
func Fill(text string, values ...string) string {
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, "<"+values[i]+">", values[i+1])
	}
	return text
}

// of gives declarations their source and side.
func of(source string, side model.Side, entries ...Entry) []Entry {
	for i := range entries {
		entries[i].Source = source
		if entries[i].Side == "" {
			entries[i].Side = side
		}
	}
	return entries
}
