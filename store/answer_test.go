package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
)

// B8: every reason that the plan can give has a place among the answers.
func TestEveryReasonHasAnAnswer(t *testing.T) {
	files, err := filepath.Glob("../plan/*.go")
	if err != nil {
		t.Fatal(err)
	}
	known, n := reasons(), 0
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			v, ok := node.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, "Reason") || len(v.Values) != 1 {
				return true
			}
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil || known[text] == "" {
				t.Errorf("%s (%q) has no answer", v.Names[0].Name, text)
			}
			n++
			return true
		})
	}
	if n < 25 {
		t.Errorf("only %d reasons found", n)
	}
}

// B8: what stands above what: a held write above everything, what a person has
// to do above what is merely so.
func TestTheAnswerIsTheMostUrgentReason(t *testing.T) {
	here := &model.Ref{ID: "x"}
	for _, c := range []struct {
		x    Explanation
		want Why
	}{
		{Explanation{State: plan.Linked, CRM: here, Mail: here}, WhySynced},
		{Explanation{State: plan.Linked, CRM: here, Mail: here, Pending: true}, WhyPending},
		{Explanation{State: plan.Linked, CRM: here}, WhyDeleting},
		{Explanation{State: plan.Linked, CRM: here, Mail: here, Held: "too many deletions"}, WhyHeld},
		{Explanation{State: plan.Linked, CRM: here, Mail: here, Question: true}, WhyConflict},
		{Explanation{State: plan.Linked, CRM: here, Mail: here, Issues: []IssueRow{{}}}, WhySetAside},
		{Explanation{State: plan.SetAside, Reason: plan.ReasonUnreadable}, WhySetAside},
		{Explanation{State: plan.Skipped, Reason: plan.ReasonWindow}, WhyWindow},
		{Explanation{State: plan.Kept, Reason: plan.ReasonMailGone}, WhyKept},
		{Explanation{State: plan.Withdrawn}, WhyPrivate},
		{Explanation{State: plan.Review, Reason: "something new"}, WhyReview},
		{Explanation{State: plan.Tombstone}, WhyGone},
		{Explanation{}, WhyPending},
	} {
		if got := c.x.Answer(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.x, got, c.want)
		}
	}
}
