package sqlstore_test

import (
	"database/sql"
	"fmt"
	"testing"
	"os"
	"strings"

	"lockstep.dev/internal/peer"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store/sqlstore"
)

func TestZDue(t *testing.T) {
	p := peer.PostgreSQL(t)
	s := openStore(t, sqlstore.Config{Driver: "postgres", DSN: p.DSN, Key: key()})
	defer s.Close()
	w := newTown(t, s)
	m := w.mailbox("ann")
	for i := range 8 {
		items := cards(i*500, 500, 1)
		w.arrive("", items...)
		w.arrive(m.ID, items...)
		var joins []plan.Join
		for _, it := range items {
			joins = append(joins, plan.Join{Entity: plan.CRMEntity(w.crm.ID, model.Contact, it.Ref.ID), Kind: model.Contact, CRM: it.Ref.ID, Mail: it.Ref.ID})
		}
		w.ok(s.Join(t.Context(), m.ID, joins))
	}
	db, _ := sql.Open("postgres", p.DSN)
	b, _ := os.ReadFile("collection.go")
	q := string(b)
	q = q[strings.Index(q, "`SELECT\n\t\t\tEXISTS (SELECT 1 FROM pending p")+1:]
	q = q[:strings.Index(q, "`, micros(now)")]
	q = strings.NewReplacer("`+some(`", "(CASE WHEN EXISTS (", "`)+`", ") THEN 1 ELSE 0 END = 1)").Replace(q)
	q = strings.Replace(q, "?", "5", 1)
	q = strings.Replace(q, "?", "'"+string(m.ID)+"'", 1)
	for range 2 {
	rows, err := db.Query("EXPLAIN (ANALYZE) " + q)
	if err != nil { t.Fatal(err, q) }
	for rows.Next() { var s string; rows.Scan(&s); fmt.Println(s) }
	rows.Close()
	}
}
