package alert_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"lockstep.dev/alert"
	"lockstep.dev/model"
)

// L-07, R-18: a bundle reaches the support address whole, by a real server with
// TLS, and never without one that was configured.
func TestABundleIsMailedToSupport(t *testing.T) {
	office, trust := openPostOffice(t, kind{tls: true})
	d := model.Delivery{
		Support: "help@vendor.example",
		Mail:    model.MailServer{URL: "smtp://" + office.addr, From: "Lockstep <lockstep@example.com>", User: "lockstep", Secret: password},
	}
	file := alert.Enclosure{Name: "lockstep-iss_1.zip", Body: bytes.Repeat([]byte("PK\x03\x04 what is known\n"), 5000)}
	if err := alert.Support(t.Context(), d, "bundle-1", "Lockstep: help wanted", "Every second card is refused.\n", file, trust); err != nil {
		t.Fatal(err)
	}
	got := office.letters()
	if len(got) != 1 || len(got[0].to) != 1 || got[0].to[0] != d.Support || got[0].header(t, "Subject") != "Lockstep: help wanted" {
		t.Fatalf("mails: %+v", got)
	}
	m, err := mail.ReadMessage(strings.NewReader(got[0].raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	whole := false
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if err != nil {
			break
		}
		if part.FileName() != file.Name {
			continue
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		whole = err == nil && bytes.Equal(body, file.Body)
	}
	if !whole {
		t.Error("the file did not arrive as it was")
	}
	for _, wrong := range []func(d *model.Delivery){
		func(d *model.Delivery) { d.Support = "" },
		func(d *model.Delivery) { d.Support = "nobody" },
		func(d *model.Delivery) { d.Mail = model.MailServer{} },
	} {
		d := d
		wrong(&d)
		if err := alert.Support(t.Context(), d, "bundle-2", "s", "b", file, trust); err == nil {
			t.Errorf("sent with %+v", d)
		}
	}
}
