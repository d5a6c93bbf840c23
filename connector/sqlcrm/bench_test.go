package sqlcrm_test

import (
	"fmt"
	"testing"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// fill creates n contacts through the connector, in batches.
func fill(b *testing.B, s connector.Session, name string, n int) {
	b.Helper()
	var ops []model.Operation
	for i := range n {
		c := texts("full_name", fmt.Sprintf("Ada Sample %d", i), "given_name", "Ada", "family_name", fmt.Sprintf("Sample %d", i), "organization", "Example, Inc.")
		c.PutSet("emails", []model.Element{{Key: fmt.Sprintf("ada%d@example.com", i), Text: fmt.Sprintf("ada%d@example.com", i), Attr: map[string]string{"type": "work"}}})
		c.PutSet("phones", []model.Element{
			{Key: fmt.Sprintf("+44%d", i), Text: fmt.Sprintf("+44 %d", i), Attr: map[string]string{"type": "work"}},
			{Key: fmt.Sprintf("+49%d", i), Text: fmt.Sprintf("+49 %d", i), Attr: map[string]string{"type": "cell"}},
		})
		ops = append(ops, creation(model.Contact, fmt.Sprintf("%s-%d.0", name, i), c))
		if len(ops) == 200 || i == n-1 {
			rs, err := s.Apply(b.Context(), ops)
			if err != nil || rs[0].Outcome != model.Done {
				b.Fatalf("apply: %v", err)
			}
			ops = ops[:0]
		}
	}
}

func places(b *testing.B, run func(b *testing.B, p place)) {
	b.Helper()
	for name, on := range map[string]func(testing.TB) place{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		b.Run(name, func(b *testing.B) {
			p := on(b).reference(b)
			p.exec(b, "INSERT INTO crm_user (id, name, email) VALUES ('uma', 'Uma', 'uma@example.com')")
			run(b, p)
		})
	}
}

// BenchmarkCreate: 1,000 contacts of three side rows each an iteration.
func BenchmarkCreate(b *testing.B) {
	places(b, func(b *testing.B, p place) {
		s := p.session(b)
		for i := 0; b.Loop(); i++ {
			fill(b, s, fmt.Sprint("run", i), 1000)
		}
	})
}

// BenchmarkList: a full listing of 10,000 contacts with their content.
func BenchmarkList(b *testing.B) {
	places(b, func(b *testing.B, p place) {
		fill(b, p.session(b), "all", 10000)
		r := p.reader(b, model.Contact)
		for b.Loop() {
			r.cursor = ""
			if n := len(r.poll(b)); n != 10000 {
				b.Fatal(n)
			}
		}
	})
}

// BenchmarkQuiet: a delta of 10,000 contacts of which none changed.
func BenchmarkQuiet(b *testing.B) {
	places(b, func(b *testing.B, p place) {
		fill(b, p.session(b), "all", 10000)
		p.settle(b)
		r := p.reader(b, model.Contact)
		r.poll(b)
		r.poll(b)
		for b.Loop() {
			if n := len(r.poll(b)); n != 0 {
				b.Fatal(n)
			}
		}
	})
}
