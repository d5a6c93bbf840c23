package sqlcrm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Users lists the CRM's users.
func (s *session) Users(ctx context.Context) ([]connector.User, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	u := s.mapping.Users
	if u == nil {
		return nil, issue.Fault("sqlcrm.users")
	}
	rows, err := s.texts(ctx, s.db, 4, "SELECT "+asText(u.ID)+", "+asText(u.Name)+", "+asText(u.Email)+", "+asText(u.Active)+
		" FROM "+quote(u.Table)+" ORDER BY 1")
	out := make([]connector.User, 0, len(rows))
	for _, r := range rows {
		active := u.Active == "" || truth(r[3].String)
		out = append(out, connector.User{ID: r[0].String, Name: r[1].String, Address: model.FoldAddress(r[2].String), Active: active})
	}
	return out, err
}

// Group is not known to a SQL CRM.
func (s *session) Group(context.Context, string) ([]connector.User, error) {
	return nil, issue.Fault("sqlcrm.groups")
}

// people returns the CRM users behind the addresses that rows name: folded
// address -> user id.
func (d *database) people(ctx context.Context, q querier, t *table, rows map[string]*row) (map[string]string, error) {
	out := map[string]string{}
	u := d.mapping.Users
	if u == nil {
		return out, nil
	}
	wanted := map[string]bool{}
	for _, r := range rows {
		for _, address := range t.unnamed(r) {
			wanted[address] = true
		}
	}
	delete(wanted, "")
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), maxParams) {
		where, args := d.among("lower("+quote(u.Email)+")", "", chunk)
		found, err := d.texts(ctx, q, 2, "SELECT "+asText(u.ID)+", "+asText(u.Email)+" FROM "+quote(u.Table)+" WHERE "+where+" ORDER BY 1 DESC", args...)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			out[model.FoldAddress(r[1].String)] = strings.TrimSpace(r[0].String)
		}
	}
	return out, nil
}
