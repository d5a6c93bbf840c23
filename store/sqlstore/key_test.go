package sqlstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/store/seal"
	"lockstep.dev/store/sqlstore"
)

// Decision 17: the wrong key is recognised before anything is done with it.
func TestAWrongKeyIsSaidSo(t *testing.T) {
	for name, c := range configs(t) {
		t.Run(name, func(t *testing.T) {
			closeStore(t, openStore(t, c))
			wrong := c
			wrong.Key = []byte(strings.Repeat("w", 32))
			_, err := sqlstore.Open(t.Context(), wrong)
			if !errors.Is(err, seal.ErrKey) || !strings.Contains(err.Error(), "the key is not the one this database was made with") {
				t.Fatalf("error is %v", err)
			}
			wrong.Key = []byte("short")
			if _, err := sqlstore.Open(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "at least 16") {
				t.Fatalf("error is %v", err)
			}
		})
	}
}

func TestAKeyIsReplaced(t *testing.T) {
	for name, c := range configs(t) {
		t.Run(name, func(t *testing.T) {
			db := openStore(t, c)
			saved, err := db.SaveConnection(t.Context(), model.Connection{Name: "mail", Side: model.Mail, Secret: "s3cret"})
			if err != nil {
				t.Fatal(err)
			}
			closeStore(t, db)
			next := c
			next.Key, next.OldKeys = []byte(strings.Repeat("n", 32)), [][]byte{c.Key}
			db = openStore(t, next)
			if err := db.Reseal(t.Context()); err != nil {
				t.Fatal(err)
			}
			closeStore(t, db)
			if _, err := sqlstore.Open(t.Context(), c); !errors.Is(err, seal.ErrKey) {
				t.Fatalf("opened with the old key: %v", err)
			}
			next.OldKeys = nil
			db = openStore(t, next)
			defer closeStore(t, db)
			got, err := db.Connection(t.Context(), saved.ID)
			if err != nil || got.Secret != "s3cret" {
				t.Fatalf("secret is %q, %v", got.Secret, err)
			}
		})
	}
}

func TestSecretsAreNotInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := openStore(t, sqlstore.Config{Driver: "sqlite", DSN: path, Key: key()})
	w := newTown(t, db)
	w.mailbox("ann")
	closeStore(t, db)
	found := 0
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		found += bytes.Count(b, []byte("ann@ex.org"))
		for _, secret := range []string{"connection-secret", "mailbox-secret"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s is in the file", secret)
			}
		}
	}
	if found == 0 {
		t.Error("the file was not looked at: not even the address is in it")
	}
}

func TestOpeningSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		config sqlstore.Config
		says   string
	}{
		{sqlstore.Config{Driver: "oracle", Key: key()}, "use postgres or sqlite"},
		{sqlstore.Config{Driver: "postgres", DSN: "postgres://nobody@127.0.0.1:1/none?sslmode=disable", Key: key()}, "the postgres database cannot be reached"},
		{sqlstore.Config{Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "no", "such", "folder", "x.db"), Key: key()}, "the sqlite database cannot be reached"},
	} {
		_, err := sqlstore.Open(t.Context(), c.config)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error is %v, want one that says %q", err, c.says)
		}
	}
}

func TestADatabaseWithoutTablesSaysSo(t *testing.T) {
	for name, c := range configs(t) {
		t.Run(name, func(t *testing.T) {
			db, err := sqlstore.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, db)
			if _, err := db.Installation(t.Context()); err == nil || !strings.Contains(err.Error(), "migrated") {
				t.Fatalf("error is %v", err)
			}
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			steps, err := db.Schema(t.Context())
			if err != nil || len(steps) == 0 || steps[0].Applied.IsZero() {
				t.Fatalf("steps are %v, %v", steps, err)
			}
			if _, err := db.Policy(t.Context(), "nope"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("error is %v", err)
			}
		})
	}
}
