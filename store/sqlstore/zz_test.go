package sqlstore_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lockstep.dev/internal/peer"
	"lockstep.dev/store/sqlstore"
)

func TestZFloor(t *testing.T) {
	p := peer.PostgreSQL(t)
	s := openStore(t, sqlstore.Config{Driver: "postgres", DSN: p.DSN, Key: key()})
	defer s.Close()
	db, _ := sql.Open("postgres", p.DSN)
	db.SetMaxOpenConns(1)
	var pid int
	db.QueryRow("SELECT pg_backend_pid()").Scan(&pid)
	cpu := func() time.Duration {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		f := strings.Fields(string(b))
		var u, s int
		fmt.Sscan(f[13], &u)
		fmt.Sscan(f[14], &s)
		return time.Duration(u+s) * 10 * time.Millisecond
	}
	run := func(name, q string) {
		best := time.Hour
		for range 3 {
			tx, _ := db.Begin()
			t0 := cpu()
			if _, err := tx.Exec(q); err != nil {
				t.Fatal(name, err)
			}
			tx.Commit()
			best = min(best, cpu()-t0)
			if _, err := db.Exec("TRUNCATE content CASCADE; TRUNCATE observation"); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Println(name, best/10000)
	}
	content := `INSERT INTO content SELECT sha256(convert_to(i::text,'utf8')), convert_to(repeat('x',500),'utf8'), 5 FROM generate_series(1,10000) i `
	run("content", content)
	run("content conflict", content+` ON CONFLICT (key) DO UPDATE SET seen = excluded.seen WHERE content.seen < excluded.seen`)
	obs := `INSERT INTO observation(connection, mailbox, kind, item, collection, version, ord, content, raw, uid, stamp, natural_key, title, entity, trouble, listing, applied, modified)
	 SELECT 'con_aaaaaaaaaaaaaaaa','mbx_aaaaaaaaaaaaaaaaa','contact','/dav/ann/people/'||i||'.vcf', 'people', i::text, 0, %s, 'uid'||i, '', sha256(convert_to(i::text,'utf8')), sha256(convert_to(i::text,'utf8')), '', '', 0,0,0 FROM generate_series(1,10000) i %s`
	conf := `ON CONFLICT (connection, mailbox, kind, item) DO UPDATE SET uid = excluded.uid`
	run("obs no content", fmt.Sprintf(obs, "NULL, NULL", ""))
	run("obs no content conflict", fmt.Sprintf(obs, "NULL, NULL", conf))
	run("both", content+";"+fmt.Sprintf(obs, "sha256(convert_to(i::text,'utf8')), NULL", ""))
	run("both2", content+";"+fmt.Sprintf(obs, "sha256(convert_to(i::text,'utf8')), sha256(convert_to(i::text,'utf8'))", ""))
	run("both2 conflict", content+";"+fmt.Sprintf(obs, "sha256(convert_to(i::text,'utf8')), sha256(convert_to(i::text,'utf8'))", conf))
}
