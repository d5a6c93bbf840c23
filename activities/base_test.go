package activities_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/store"
	"lockstep.dev/store/memory"
	"lockstep.dev/store/sqlstore"
)

// base is the database of a house. What it was can be kept and brought back.
type base interface {
	open() store.Store
	keep() any
	bring(was any)
	// says closes the database and looks for a text in it, in use or not.
	says(text string) bool
}

// newBase makes an empty database: in memory, where whole runs take
// milliseconds, or a file, which is what people use.
func newBase(t testing.TB, d design) base {
	if !d.sqlite {
		return &inMemory{store: memory.New()}
	}
	f := &inFile{t: t, path: filepath.Join(scratch(t), "lockstep.db")}
	if d.secret {
		f.overwrite = 1
	}
	return f
}

type inMemory struct{ store *memory.Store }

func (m *inMemory) open() store.Store { return m.store }
func (m *inMemory) keep() any         { return m.store.Backup() }
func (m *inMemory) bring(was any)     { m.store.Restore(was.(memory.Backup)) }

func (m *inMemory) says(text string) bool {
	return strings.Contains(fmt.Sprintf("%+v", m.store.Backup()), text)
}

type inFile struct {
	t    testing.TB
	path string
	db   *sqlstore.DB
	// overwrite says that what is deleted is overwritten, as for users.
	overwrite int
}

// files are a database and its log. No transaction is open when they are copied,
// so they are whole.
type files struct{ db, wal []byte }

func (f *inFile) open() store.Store {
	db, err := sqlstore.Open(context.Background(), sqlstore.Config{
		Driver: "sqlite", Key: []byte("a key of a test, and of nothing else"),
		DSN: f.path + "?_pragma=wal_autocheckpoint(50)&_pragma=synchronous(OFF)&_pragma=secure_delete(" + strconv.Itoa(f.overwrite) + ")",
	})
	f.must(err)
	if f.db == nil {
		f.must(db.Migrate(context.Background()))
	}
	f.db = db
	return db
}

func (f *inFile) keep() any {
	db, err := os.ReadFile(f.path)
	f.must(err)
	wal, err := os.ReadFile(f.path + "-wal")
	f.must(err)
	return files{db, wal}
}

func (f *inFile) bring(was any) {
	f.must(f.db.Close())
	f.must(os.WriteFile(f.path, was.(files).db, 0o600))
	f.must(os.WriteFile(f.path+"-wal", was.(files).wal, 0o600))
}

// says looks into the file as it is once its log was taken into it, which the
// last one to close it does.
func (f *inFile) says(text string) bool {
	f.must(f.db.Close())
	file, err := os.ReadFile(f.path)
	f.must(err)
	return bytes.Contains(file, []byte(text))
}

func (f *inFile) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// scratch is a folder in memory where the machine has one: nothing here is
// about what a disk keeps.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "lockstep-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
