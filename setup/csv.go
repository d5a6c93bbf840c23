package setup

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"lockstep.dev/model"
)

// memberColumns are the columns of a csv file of people; the first is needed.
func memberColumns() []string { return []string{"address", "crm_user", "crm", "mail", "user"} }

// ReadMembers reads a csv file of people, a mailbox a line. Its first line names
// the columns: address, and for mailboxes that are new also crm_user, crm, mail
// and user, where those are not clear without. Secrets do not belong into it.
// Errors name the line.
func ReadMembers(name string, r io.Reader) ([]Mailbox, error) {
	in := csv.NewReader(r)
	in.TrimLeadingSpace = true
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: is empty", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, column := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(column, "\ufeff")))
		if !slices.Contains(memberColumns(), head[i]) {
			return nil, fmt.Errorf("%s:1: there is no column %q; use %s", name, column, strings.Join(memberColumns(), ", "))
		}
	}
	if !slices.Contains(head, "address") {
		return nil, fmt.Errorf("%s:1: the column address is missing", name)
	}
	var out []Mailbox
	seen := map[string]int{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := in.FieldPos(0)
		m := memberOf(head, row)
		if err := CheckAddress(m.Address); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		folded := model.FoldAddress(m.Address)
		if first, twice := seen[folded]; twice {
			return nil, fmt.Errorf("%s:%d: %s stands in line %d already", name, line, m.Address, first)
		}
		seen[folded] = line
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: names nobody", name)
	}
	return out, nil
}

func memberOf(head, row []string) Mailbox {
	var m Mailbox
	for i, column := range head {
		value := strings.TrimSpace(row[i])
		switch column {
		case "address":
			m.Address = value
		case "crm_user":
			m.CRMUser = value
		case "crm":
			m.CRM = value
		case "mail":
			m.Mail = value
		case "user":
			m.User = value
		}
	}
	return m
}
