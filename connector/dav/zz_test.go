package dav
import ("testing";"lockstep.dev/internal/peer";"fmt";"net/http";"io";"strings")
func TestZY(t *testing.T) {
	s := peer.Cyrus(t, "alice")
	do := func(m, p, d, b string) {
		rq, _ := http.NewRequest(m, s.URL+p, strings.NewReader(b))
		rq.SetBasicAuth("alice", s.Password); rq.Header.Set("Depth", d); rq.Header.Set("Content-Type", "application/xml")
		rs, err := http.DefaultClient.Do(rq); if err != nil { t.Fatal(err) }
		x, _ := io.ReadAll(rs.Body); fmt.Println(m, p, d, rs.StatusCode, rs.Header["Dav"], string(x))
	}
	cal := pathOf(s, s.Calendar("alice"))
	do("PROPFIND", cal+"-nope", "0", string(propfind("sync-token","resourcetype")))
	do("PROPFIND", cal+"-nope", "1", string(propfind("sync-token","resourcetype")))
	do("PROPFIND", "/dav/principals/user/alice/", "0", string(propfind("C:calendar-user-address-set","resource-id","C:schedule-inbox-URL", "current-user-principal", "C:calendar-home-set", "A:addressbook-home-set")))
	do("PROPFIND", "/", "0", string(propfind("current-user-principal")))
	do("OPTIONS", cal, "0", "")
	do("PROPFIND", "/dav/calendars/user/alice/Inbox/", "0", string(propfind("C:schedule-default-calendar-URL")))
}
