package model

import "strings"

// ChangedSettings names what of a mailbox's settings differs, for people and
// without the values: some are secret, and a logbook outlives the mailbox. "" =
// nothing does. Policy and state have entries of their own.
func ChangedSettings(old, to Mailbox) string {
	var out []string
	for _, c := range []struct {
		name string
		same bool
	}{
		{"address", old.Address == to.Address}, {"sign-in name", old.User == to.User},
		{"secret", old.Secret == to.Secret}, {"identity", old.Identity == to.Identity},
	} {
		if !c.same {
			out = append(out, c.name)
		}
	}
	return strings.Join(out, ", ")
}
