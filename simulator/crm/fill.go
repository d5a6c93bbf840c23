package crm

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"lockstep.dev/connector"
	"lockstep.dev/connector/sqlcrm"
	"lockstep.dev/model"
)

// FillCRM creates the reference schema in an SQLite file and fills it.
func (o Organisation) FillCRM(ctx context.Context, file string) error {
	return o.Fill(ctx, connector.Settings{Values: map[string]string{"dsn": file}})
}

// Fill creates the reference schema in the database that the settings of
// connector sqlcrm name, and writes the organisation's users and records into
// it. Nothing carries a Lockstep key: it looks as if people had typed it in. A
// database that has users already is left as it is.
func (o Organisation) Fill(ctx context.Context, settings connector.Settings) error {
	if err := sqlcrm.Install(ctx, settings); err != nil {
		return err
	}
	db, err := sqlcrm.Connect(settings)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var users int
	if err := db.GetContext(ctx, &users, `SELECT COUNT(*) FROM crm_user`); err != nil {
		return fmt.Errorf("look into the rehearsal CRM: %w", err)
	}
	if users > 0 {
		return nil
	}
	for _, u := range o.Users {
		if _, err := db.ExecContext(ctx, db.Rebind(`INSERT INTO crm_user (id, name, email) VALUES (?, ?, ?)`), u.ID, u.Name, u.Address); err != nil {
			return fmt.Errorf("add rehearsal user: %w", err)
		}
	}
	return o.fill(ctx, db, settings)
}

func (o Organisation) fill(ctx context.Context, db *sqlx.DB, settings connector.Settings) error {
	conn, err := sqlcrm.New(settings)
	if err != nil {
		return err
	}
	s, err := conn.Open(ctx, model.Account{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	for _, part := range []struct {
		kind    model.Kind
		records []Record
		unkey   string
	}{
		{model.Contact, o.Contacts, `UPDATE contact SET lockstep_key = NULL`},
		{model.Event, o.Events, `UPDATE appointment SET lockstep_key = NULL`},
		{model.Task, o.Tasks, `UPDATE task SET lockstep_key = NULL`},
	} {
		if err := Create(ctx, s, model.CRM, part.kind, "", part.records); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, part.unkey); err != nil {
			return fmt.Errorf("forget the keys of the rehearsal CRM: %w", err)
		}
	}
	return nil
}

// FillMailbox writes a user's records into the primary collections of a
// mailbox and takes the keys out again.
func (u User) FillMailbox(ctx context.Context, s connector.Session) error {
	collections, err := s.Collections(ctx)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		kind    model.Kind
		records []Record
	}{{model.Contact, u.Contacts}, {model.Event, u.Events}, {model.Task, u.Tasks}} {
		i := slices.IndexFunc(collections, func(c model.Collection) bool { return c.Kind == part.kind && !c.ReadOnly })
		if i < 0 {
			return fmt.Errorf("mailbox of %s: no collection for %ss", u.Name, part.kind)
		}
		if err := Create(ctx, s, model.Mail, part.kind, collections[i].ID, part.records); err != nil {
			return err
		}
	}
	return nil
}

// Create writes records through a session. A mailbox's are left without our
// key.
func Create(ctx context.Context, s connector.Session, side model.Side, kind model.Kind, collection string, records []Record) error {
	var ops []model.Operation
	for i, r := range records {
		ops = append(ops, model.Operation{
			Action: model.Create, Key: model.Key(fmt.Sprintf("sample-%s-%d", kind, i)), UID: r.UID, Content: r.Content, Actor: r.Owner,
			Ref: model.Ref{Side: side, Kind: kind, Collection: collection},
		})
	}
	var refs []model.Ref
	for chunk := range slices.Chunk(ops, 100) {
		receipts, err := s.Apply(ctx, chunk)
		if err != nil {
			return err
		}
		for _, r := range receipts {
			if r.Outcome != model.Done {
				return fmt.Errorf("write sample %s: %w", kind, r.Err)
			}
			refs = append(refs, r.Ref)
		}
	}
	if c, ok := connector.As[connector.Cleaner](s); ok && side == model.Mail {
		return c.Unstamp(ctx, refs)
	}
	return nil
}
