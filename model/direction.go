package model

import (
	"fmt"
	"maps"
	"slices"
)

// In which direction a kind, or one field of it, is synced. What is edited
// against the direction is put back, and what was edited is kept as an edit
// conflict (requirements D-42, D-43).
const (
	Both      = "both"
	CRMToMail = "crm_to_mail"
	MailToCRM = "mail_to_crm"
)

// Source is the only side from which a field flows, "" if it flows both ways.
// The fields that say when an item is have the direction of start.
func (k KindPolicy) Source(kind Kind, field string) Side {
	if slices.Contains(WithStart(kind), field) {
		field = "start"
	}
	switch or(k.Directions[field], k.Direction) {
	case CRMToMail:
		return CRM
	case MailToCRM:
		return Mail
	default:
		return ""
	}
}

// WithStart are the fields of a kind that are one thing with its start.
func WithStart(k Kind) []string {
	switch k {
	case Event:
		return []string{"end", "time_zone", "recurrence", "overrides"}
	case Task:
		return []string{"recurrence"}
	default:
		return nil
	}
}

// checkDirections tells what is wrong with the directions of a kind.
func (k KindPolicy) checkDirections(policy string, kind Kind) error {
	at := "kinds." + string(kind) + "."
	allowed := []string{Both, CRMToMail, MailToCRM}
	if err := (choice{"direction", k.Direction, allowed}).check(policy, at); err != nil {
		return err
	}
	for _, c := range []struct{ direction, key, value, none, why string }{
		{CRMToMail, "from_mail", k.FromMail, "none", "nothing goes from the mailbox to the CRM"},
		{CRMToMail, "mail_delete", k.MailDelete, "unlink", "nothing goes from the mailbox to the CRM"},
		{MailToCRM, "from_crm", k.FromCRM, "none", "nothing goes from the CRM to the mailbox"},
		{MailToCRM, "crm_delete", k.CRMDelete, "unlink", "nothing goes from the CRM to the mailbox"},
	} {
		if k.Direction == c.direction && c.value != "" && c.value != c.none {
			return fmt.Errorf("policy %s: %s%s: %s, because direction is %s; use %s, or leave the key out", policy, at, c.key, c.why, c.direction, c.none)
		}
	}
	at += "directions."
	for _, name := range slices.Sorted(maps.Keys(k.Directions)) {
		i := slices.IndexFunc(Fields(kind), func(f Field) bool { return f.Name == name })
		switch {
		case i < 0:
			return fmt.Errorf("policy %s: %s%s: a %s has no such field", policy, at, name, kind)
		case Fields(kind)[i].Personal:
			return fmt.Errorf("policy %s: %s%s: the field never leaves its mailbox, so it has no direction", policy, at, name)
		case slices.Contains(WithStart(kind), name):
			return fmt.Errorf("policy %s: %s%s: it goes the way of start; give the direction there", policy, at, name)
		}
		if err := (choice{name, k.Directions[name], allowed}).check(policy, at); err != nil {
			return err
		}
	}
	return nil
}
