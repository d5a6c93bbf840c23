package web

import (
	"net/http"
	"strings"
	"testing"

	"lockstep.dev/fault"
)

func answer(status int, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// S-06c, S-06d, S-06e, S-09: what explains an error is kept.
func TestWhatExplainsAnErrorIsKept(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":"ErrorInvalidPropertyRequest","message":"Unsupported property field URI type"}}`: "Unsupported property field URI type",
		"The XML document ended unexpectedly":                                                                  "The XML document ended unexpectedly",
		`Organization "AUSPR01A001.PROD.OUTLOOK.COM/1111.onmicrosoft.com" is marked for removal`:               "Organization … is marked for removal",
		`<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>`:                  "Bad Gateway",
		`<?xml version="1.0"?><d:error xmlns:d="DAV:"><s:exception>Sabre\DAV\Exception\NotFound</s:exception>`: "<error> <exception> Sabre DAV Exception NotFound",
		"parse error: line 17, column 4":                                                                       "parse error line 17 column 4",
	} {
		got := Evidence(Exchange{Method: "PUT", Response: answer(500, "Server", "Kerio Connect 9.0.3"), Says: []byte(body)})
		if !strings.Contains(got, want) || !strings.Contains(got, "Server: Kerio Connect 9.0.3") {
			t.Errorf("of %q there is %q", body, got)
		}
	}
}

// S-09, B9: secrets in headers, addresses and bodies, and what items say, are
// kept in no place, whatever the body looks like.
func TestSecretsAndContentAreNotKept(t *testing.T) {
	marks := []string{"Zanzibar", "Quartz", "McAllister", "Divorce", "hunter2", "eyJhbGciOi", "alice@example.org", "alice", "5551234", "7946", "ya29", "geheim"}
	bodies := []string{
		"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Zanzibar Quartz\r\nATTENDEE;CN=\"McAllister\":mailto:alice@example.org\r\nEND:VEVENT",
		`<d:multistatus xmlns:d="DAV:"><d:response><d:href>/alice@example.org/Divorce.ics</d:href><c:address-data>FN:McAllister TEL:5551234</c:address-data>`,
		`{"error":{"message":"Item 'Divorce' of alice@example.org refused","innerError":{"token":"eyJhbGciOi.ya29"}}}`,
		`https://alice:hunter2@server/?token=ya29&key=geheim is not there, call +44 20 7946 0000`,
		`<Zanzibar attribute="Quartz"><McAllister5551234/></Zanzibar9>`,
		"Divorce", "hunter2 geheim", "<", "<<<>>>", "\x00\xff\xfeZanzibar", strings.Repeat("Zanzibar error ", 4000),
	}
	for _, body := range bodies {
		for _, reads := range []bool{true, false} {
			got := Evidence(Exchange{
				Method: "REPORT", Says: []byte(body), Reads: reads, Sent: []byte("SUMMARY:Divorce server password"),
				Response: answer(500, "Set-Cookie", "sid=geheim", "Location", "https://alice:hunter2@x/?token=ya29", "Www-Authenticate", `Bearer realm="geheim"`,
					"X-Echo", "Bearer eyJhbGciOi", "Etag", `"Quartz"`),
			})
			if len(got) > fault.MaxEvidence {
				t.Errorf("%d bytes are kept", len(got))
			}
			for _, m := range marks {
				if strings.Contains(got, m) {
					t.Errorf("%s is kept: %s", m, got)
				}
			}
		}
	}
}

// Words that a request held are not shown, even harmless ones: the server may
// only repeat what an item says.
func TestAnEchoIsNotKept(t *testing.T) {
	got := Excerpt([]byte("Invalid value: Server password problem"), []byte("SUMMARY:Server password problem"), false)
	if got != "Invalid value …" {
		t.Errorf("an echo is kept: %s", got)
	}
	if got := Excerpt([]byte("<multistatus><response>the server is locked"), nil, true); got != "<multistatus> <response> …" {
		t.Errorf("of what was read there is kept: %s", got)
	}
}

func FuzzEvidence(f *testing.F) {
	f.Add([]byte("<a>b<c/>"), []byte("sent"))
	f.Fuzz(func(t *testing.T, says, sent []byte) {
		got := Evidence(Exchange{Method: "GET", Response: answer(500), Says: says, Sent: sent})
		if len(got) > fault.MaxEvidence {
			t.Errorf("%d bytes", len(got))
		}
	})
}
