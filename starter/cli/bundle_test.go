package cli_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// unpacked is what a bundle holds, by name.
func unpacked(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(body)
	}
	return out
}

// planted is a house in which every place that could hold something private
// does, under names that are looked for.
func planted(t *testing.T) *house {
	t.Helper()
	h := shown(t)
	ctx := t.Context()
	for name, settings := range map[string]map[string]string{
		"sales":  {"dsn": "postgres://marked-user:marked-password@db.example.net/marked-database", "mapping": "marked-mapping.yaml"},
		"office": {"url": "https://dav.example.com/marked-path/", "user": "marked-template", "kinds": "contact,event"},
	} {
		c, err := h.st.ConnectionNamed(ctx, name)
		if err != nil {
			continue
		}
		c.Settings, c.Secret, c.Owner = settings, "marked-secret", "marked-owner@example.com"
		if _, err := h.st.SaveConnection(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	anna := h.find("anna@example.com")
	h.st.issues[0].Item, h.st.issues[0].Mailbox = "/anna@example.com/marked-title.vcf", anna
	h.st.issues[0].Message, h.st.issues[0].Detail = "The item Marked-Message is refused.", "marked-detail"
	h.st.issues[0].Evidence = "PUT: HTTP 500; Server: Kerio Connect 9.0.3; says: Unsupported property; asked by anna@example.com"
	h.st.explain = []store.Explanation{{
		Entity: "e1", Kind: model.Contact, State: plan.SetAside, Title: "Marked-Title", CRM: &model.Ref{ID: "marked-crm-id"},
		Mail: &model.Ref{ID: "/anna@example.com/marked-title.vcf", Collection: "/anna@example.com/marked-folder/"},
	}}
	for i := range h.st.writes {
		h.st.writes[i].Op.Content = model.Content{"title": {Text: "Marked-Body"}}
		h.st.writes[i].Op.Raw, h.st.writes[i].Op.Ref.ID, h.st.writes[i].Op.UID = []byte("SUMMARY:Marked-Raw"), "/b/marked-item.vcf", "marked-uid"
	}
	return h
}

// L-07, R-18: a bundle says what support needs, and nothing private: what is
// planted in titles, bodies, addresses, settings and secrets is nowhere in it.
func TestABundleTellsSupportAndNobodyElse(t *testing.T) {
	h := planted(t)
	folder := t.TempDir()
	picture := filepath.Join(folder, "marked-name.txt")
	var pixels bytes.Buffer
	if err := png.Encode(&pixels, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(picture, pixels.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, args := range [][]string{{"issue", "bundle", "iss_1"}, {"mailbox", "bundle", "anna@example.com"}} {
		path := filepath.Join(folder, []string{"issue.zip", "mailbox.zip"}[i])
		code, _, talk := h.run(append(args, "-o", path, "--description", "Every second card is refused.", "--attach", picture)...)
		if code != 0 || !strings.Contains(talk, path) {
			t.Fatalf("exit code %d, says %s", code, talk)
		}
		files := unpacked(t, path)
		for name, want := range map[string]string{
			"issues.json": "Kerio Connect 9.0.3; says: Unsupported property", "description.txt": "Every second card", "versions.json": "v1.2.3",
			"rounds.json": "first sync", "plan.json": `"writes"`, "settings.json": "https://dav.example.com/…", "mailbox.json": `"state"`, "errors.json": "sqlcrm.unreachable",
			"attachments/1.png": "PNG", "README.txt": "no contents of items",
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%v: %s does not tell %q:\n%s", args, name, want, files[name])
			}
		}
		for name, text := range files {
			low := strings.ToLower(text)
			for _, secret := range []string{"marked", "anna@", "ben@", "example.com/marked", strings.ToLower(base64.StdEncoding.EncodeToString([]byte("marked-secret")))} {
				if strings.Contains(low, secret) {
					t.Errorf("%v: %s tells %q:\n%s", args, name, secret, text)
				}
			}
		}
		if code, _, talk := h.run(append(args, "-o", path)...); code == 0 || !strings.Contains(talk, "there is such a file already") {
			t.Errorf("an existing file: exit code %d, says %s", code, talk)
		}
	}
}

// What is attached is a picture by its content, and not too large.
func TestOnlyPicturesAreAttached(t *testing.T) {
	h := shown(t)
	folder := t.TempDir()
	for name, body := range map[string][]byte{
		"program.png": []byte("\x7fELF and so on"), "page.jpg": []byte("<html><script>"), "large.png": append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), make([]byte, 6<<20)...),
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, talk := h.run("issue", "bundle", "iss_1", "-o", filepath.Join(folder, "b.zip"), "--attach", path)
		if code == 0 || !strings.Contains(talk, "attach "+name) {
			t.Errorf("%s: exit code %d, says %s", name, code, talk)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "b.zip")); err == nil {
		t.Error("a bundle was written all the same")
	}
}

// What cannot be sent is written all the same, and says what is missing.
func TestABundleThatCannotBeSentIsWritten(t *testing.T) {
	h := shown(t)
	path := filepath.Join(t.TempDir(), "b.zip")
	code, _, talk := h.run("issue", "bundle", "iss_1", "-o", path, "--send")
	if code != 3 || !strings.Contains(talk, "but not sent") || !strings.Contains(talk, "smtp.url") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if len(unpacked(t, path)) == 0 {
		t.Error("there is nothing in the file")
	}
}
