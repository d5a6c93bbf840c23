package sqlstore

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

func TestZExplain(t *testing.T) {
	db, err := Open(t.Context(), Config{Driver: "postgres", DSN: peer.PostgreSQL(t).DSN, Key: []byte(strings.Repeat("k", 32))})
	if err != nil { t.Fatal(err) }
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil { t.Fatal(err) }
	crm, _ := db.SaveConnection(t.Context(), model.Connection{Name: "crm", Side: model.CRM})
	mail, _ := db.SaveConnection(t.Context(), model.Connection{Name: "mail", Side: model.Mail})
	m, err := db.Register(t.Context(), model.Mailbox{Address: "ann@ex.org", CRM: crm.ID, CRMUser: "ann", Mail: mail.ID})
	if err != nil { t.Fatal(err) }
	found := []model.Collection{{ID: "people", Kind: model.Contact, Name: "People"}}
	db.SaveCollections(t.Context(), mail.ID, m.ID, found, time.Now())
	db.SaveCollections(t.Context(), crm.ID, "", found, time.Now())
	for i := range 8 {
		var items []model.Item
		var joins []plan.Join
		for j := range 500 {
			n := i*500 + j
			id := fmt.Sprintf("item%d", n)
			c := model.Content{}
			c.PutText("full_name", id)
			items = append(items, model.Item{Ref: model.Ref{Kind: model.Contact, ID: id, Version: "1"}, Content: c, Raw: []byte("raw" + id), UID: "uid" + id, Access: []model.Access{{User: "ann", Role: "owner"}}})
			joins = append(joins, plan.Join{Entity: plan.CRMEntity(crm.ID, model.Contact, id), Kind: model.Contact, CRM: id, Mail: id})
		}
		for _, mb := range []model.MailboxID{"", m.ID} {
			con := mail.ID
			if mb == "" { con = crm.ID }
			all, _ := db.Collections(t.Context(), con, mb)
			if _, err := db.SavePage(t.Context(), store.PageIn{Connection: con, Mailbox: mb, Collection: all[0], Items: items, Cursor: model.Cursor(fmt.Sprint(i + 1)), ReadAt: time.Now(), Now: time.Now()}); err != nil { t.Fatal(err) }
		}
		if os.Getenv("LINK") != "" {
			if err := db.Join(t.Context(), m.ID, joins); err != nil { t.Fatal(err) }
		}
	}
	err = db.view(t.Context(), "x", func(tx *tx) error {
		s, err := scopeOf(tx, m.ID)
		if err != nil { return err }
		var lines []string
		if err := tx.list(&lines, "EXPLAIN (ANALYZE, BUFFERS) "+selectPairs(), s.CRM, s.Mail, s.User, s.ID, "", "", "", 500); err != nil { return err }
		fmt.Println(strings.Join(lines, "\n"))
		return nil
	})
	if err != nil { t.Fatal(err) }
}
