package model

import (
	"fmt"
	"slices"
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
	p.Retries = orNumber(p.Retries, 10)
	p.RetryGap = Duration(orNumber(int64(p.RetryGap), int64(5*time.Minute)))
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
	k.FromMail = or(k.FromMail, d.FromMail)
	k.FromCRM = or(k.FromCRM, d.FromCRM)
	k.Wins = or(k.Wins, d.Wins)
	k.MailDelete = or(k.MailDelete, d.MailDelete)
	k.CRMDelete = or(k.CRMDelete, d.CRMDelete)
	k.BrakeCount = orNumber(k.BrakeCount, d.BrakeCount)
	k.BrakeShare = orNumber(k.BrakeShare, d.BrakeShare)
	return k
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
			{"wins", v.Wins, []string{"crm", "mail", "newest"}},
			{"mail_delete", v.MailDelete, []string{"unlink", "delete"}},
			{"crm_delete", v.CRMDelete, []string{"unlink", "delete"}},
		} {
			if err := c.check(p.Name, "kinds."+string(k)+"."); err != nil {
				return err
			}
		}
	}
	for _, c := range []choice{
		{"private", p.Private, []string{PrivateSkip, PrivateBusy, PrivateFull}},
		{"invite", p.Invite, []string{"never", "organizer-changes"}},
		{"approval", p.Approval, []string{"first-sync", "never"}},
	} {
		if err := c.check(p.Name, ""); err != nil {
			return err
		}
	}
	if p.PastDays < 0 || p.AheadDays < 0 || p.SettleRounds < 0 || p.Retries < 0 || p.Interval < 0 {
		return fmt.Errorf("policy %s: numbers and durations cannot be negative", p.Name)
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
