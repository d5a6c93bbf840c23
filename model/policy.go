package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Complete returns the policy with every default filled in (design decision 15;
// brake numbers after Riva's Delete Safety).
func (p Policy) Complete() Policy {
	p.Category = or(p.Category, "Lockstep")
	p.PastDays = orNumber(p.PastDays, 45)
	p.AheadDays = orNumber(p.AheadDays, 400)
	p.Private = or(p.Private, PrivateSkip)
	p.Invite = or(p.Invite, "never")
	p.Approval = or(p.Approval, "first-sync")
	p.Interval = Duration(orNumber(int64(p.Interval), int64(5*time.Minute)))
	p.SettleRounds = orNumber(p.SettleRounds, 2)
	p.SettleGap = Duration(orNumber(int64(p.SettleGap), int64(10*time.Second)))
	if p.Limit == nil {
		most := Most(10000)
		p.Limit = &most
	}
	p.Retries = orNumber(p.Retries, 10)
	p.RetryGap = Duration(orNumber(int64(p.RetryGap), int64(5*time.Minute)))
	p.Admission = or(p.Admission, AtOnce)
	if p.Approvers == nil {
		p.Approvers = []string{}
	}
	if p.AlsoSynced == nil {
		p.AlsoSynced = []string{}
	}
	p.Schedule = p.Schedule.complete()
	p.Alert = or(p.Alert, AlertUser)
	p.StaleAfter = orNumber(p.StaleAfter, 6)
	kinds := make(map[Kind]KindPolicy, len(p.Kinds))
	for _, k := range Kinds() {
		kinds[k] = p.Kinds[k].complete(defaultsOf(k))
	}
	p.Kinds = kinds
	return p
}

func defaultsOf(k Kind) KindPolicy {
	d := KindPolicy{FromMail: "category", FromCRM: "all", Wins: "crm", MailDelete: "delete", CRMDelete: "delete"}
	switch k {
	case Contact:
		d.MailDelete, d.BrakeCount, d.BrakeShare = "unlink", 250, 25
	case Event:
		d.BrakeCount, d.BrakeShare = 50, 10
	case Task:
		d.FromMail, d.FromCRM, d.BrakeCount, d.BrakeShare = "none", "none", 50, 75
	default:
		d.BrakeCount, d.BrakeShare = 100, 25
	}
	return d
}

func (k KindPolicy) complete(d KindPolicy) KindPolicy {
	k.Direction = or(k.Direction, Both)
	switch k.Direction {
	case CRMToMail:
		d.FromMail, d.MailDelete = "none", "unlink"
	case MailToCRM:
		d.FromCRM, d.CRMDelete = "none", "unlink"
	}
	k.FromMail = or(k.FromMail, d.FromMail)
	k.FromCRM = or(k.FromCRM, d.FromCRM)
	k.Wins = or(k.Wins, d.Wins)
	k.MailDelete = or(k.MailDelete, d.MailDelete)
	k.CRMDelete = or(k.CRMDelete, d.CRMDelete)
	k.BrakeCount = orNumber(k.BrakeCount, d.BrakeCount)
	k.BrakeShare = orNumber(k.BrakeShare, d.BrakeShare)
	return k
}

// How new mailboxes are admitted (requirements D-13 to D-15).
const (
	AtOnce     = "at-once"
	ByApproval = "approval"
)

// Begins is the state in which a new mailbox begins, and why.
func (p Policy) Begins() (s MailboxState, why string) {
	switch {
	case p.Admission == ByApproval:
		return Registered, "its address waits for approval"
	case len(p.AlsoSynced) > 0:
		return Approved, strings.Join(p.AlsoSynced, ", ") + " is declared to sync it too; that has to be acknowledged"
	default:
		return Active, ""
	}
}

// MayApprove reports whether a person may approve mailboxes.
func (p Policy) MayApprove(who string) bool {
	return len(p.Approvers) == 0 || slices.Contains(p.Approvers, who)
}

// Check tells what is wrong with a policy, naming the key, or nil.
func (p Policy) Check() error {
	if p.Name == "" {
		return fmt.Errorf("policy: name is missing")
	}
	for k, v := range p.Kinds {
		if !slices.Contains(Kinds(), k) {
			return fmt.Errorf("policy %s: kinds.%s: there is no such kind; use contact, event or task", p.Name, k)
		}
		for _, c := range []choice{
			{"from_mail", v.FromMail, []string{"all", "category", "matching", "none"}},
			{"from_crm", v.FromCRM, []string{"all", "none"}},
			{"wins", v.Wins, winners()},
			{"mail_delete", v.MailDelete, []string{"unlink", "delete"}},
			{"crm_delete", v.CRMDelete, []string{"unlink", "delete"}},
		} {
			if err := c.check(p.Name, "kinds."+string(k)+"."); err != nil {
				return err
			}
		}
		for _, err := range []error{checkFields(p.Name, k, v.Fields), v.checkDirections(p.Name, k), checkFilters(p.Name, k, v.Filters)} {
			if err != nil {
				return err
			}
		}
	}
	for _, c := range []choice{
		{"private", p.Private, []string{PrivateSkip, PrivateBusy, PrivateFull}},
		{"invite", p.Invite, []string{"never", "organizer-changes"}},
		{"approval", p.Approval, []string{"first-sync", "never"}},
		{"alert", p.Alert, []string{AlertUser, AlertAdmin}},
		{"admission", p.Admission, []string{AtOnce, ByApproval}},
	} {
		if err := c.check(p.Name, ""); err != nil {
			return err
		}
	}
	if p.StaleAfter < 0 || p.StaleAfter == 1 {
		return fmt.Errorf("policy %s: stale_after: must be at least 2 intervals", p.Name)
	}
	if p.PastDays < 0 || p.AheadDays < 0 || p.SettleRounds < 0 || p.Retries < 0 || p.Interval < 0 || p.Limit != nil && *p.Limit < 0 {
		return fmt.Errorf("policy %s: numbers and durations cannot be negative", p.Name)
	}
	return p.Schedule.check(p.Name)
}

func winners() []string { return []string{WinsCRM, WinsMail, WinsNewest, WinsAsk, WinsMerge} }

// checkFields tells what is wrong with the rules of single fields.
func checkFields(policy string, k Kind, rules map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		at := "kinds." + string(k) + ".fields."
		i := slices.IndexFunc(Fields(k), func(f Field) bool { return f.Name == name })
		switch {
		case i < 0:
			return fmt.Errorf("policy %s: %s%s: a %s has no such field", policy, at, name, k)
		case Fields(k)[i].Personal:
			return fmt.Errorf("policy %s: %s%s: the field never leaves its mailbox, so nobody wins", policy, at, name)
		case slices.Contains(WithStart(k), name):
			return fmt.Errorf("policy %s: %s%s: it is decided together with start; give the rule there", policy, at, name)
		case rules[name] == WinsMerge && !Fields(k)[i].Prose:
			return fmt.Errorf("policy %s: %s%s: only free text can be merged; use one of %v", policy, at, name, winners()[:4])
		}
		if err := (choice{name, rules[name], winners()}).check(policy, at); err != nil {
			return err
		}
	}
	return nil
}

type choice struct {
	key, value string
	allowed    []string
}

func (c choice) check(policy, path string) error {
	if c.value == "" || slices.Contains(c.allowed, c.value) {
		return nil
	}
	return fmt.Errorf("policy %s: %s%s: %q is not one of %v", policy, path, c.key, c.value, c.allowed)
}

func or(v, d string) string {
	if v == "" {
		return d
	}
	return v
}

func orNumber[T int | int64](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}
