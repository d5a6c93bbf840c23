package model_test

import (
	"strings"
	"testing"

	"lockstep.dev/model"
)

// B13: a rule for a field that nobody can win, or that is decided elsewhere, is
// refused with the reason.
func TestRulesOfFieldsAreChecked(t *testing.T) {
	for want, p := range map[string]map[model.Kind]map[string]string{
		"":                                   {model.Contact: {"notes": "merge", "emails": "mail"}, model.Event: {"start": "ask", "title": "newest"}},
		"a contact has no such field":        {model.Contact: {"title": "crm"}},
		"never leaves its mailbox":           {model.Event: {"alarms": "mail"}},
		"it is decided together with start":  {model.Event: {"recurrence": "mail"}},
		"only free text can be merged":       {model.Contact: {"job_title": "merge"}},
		`kinds.task.fields.title: "both" is`: {model.Task: {"title": "both"}},
	} {
		policy := model.Policy{Name: "x", Kinds: map[model.Kind]model.KindPolicy{}}
		for k, fields := range p {
			policy.Kinds[k] = model.KindPolicy{Fields: fields}
		}
		err := policy.Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v, want %q", p, err, want)
		}
	}
}
