package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// InstanceFile is the name of the file in a data folder.
const InstanceFile = "instance.json"

// Instance is what a running standalone program tells others about itself in
// its data folder. Paths may be relative to that folder.
type Instance struct {
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Frontend  string    `json:"frontend"`      // Temporal, host:port
	Namespace string    `json:"namespace"`     // of Temporal
	UI        string    `json:"ui,omitempty"`  // Temporal's Web UI, URL
	DAV       string    `json:"dav,omitempty"` // the rehearsal's DAV server, URL
	Store     string    `json:"store"`         // our own database: SQLite file
	Key       string    `json:"key"`           // file with the key that seals secrets
}

// Addresses are the values by name, as the standalone program publishes them.
func (i Instance) Addresses() map[string]string {
	out := map[string]string{}
	for name, value := range i.byName() {
		if *value != "" {
			out[name] = *value
		}
	}
	return out
}

func (i *Instance) byName() map[string]*string {
	return map[string]*string{
		"temporal": &i.Frontend, "namespace": &i.Namespace, "web": &i.UI, "dav": &i.DAV, "store": &i.Store, "key": &i.Key,
	}
}

// published is the file's form: the values stand at its top and once more under
// addresses, where those who only list them look. Either is enough to read it.
type published struct {
	plain
	Addresses map[string]string `json:"addresses"`
}

type plain Instance

// MarshalJSON writes both forms.
func (i Instance) MarshalJSON() ([]byte, error) {
	return json.Marshal(published{plain(i), i.Addresses()})
}

// UnmarshalJSON reads either form.
func (i *Instance) UnmarshalJSON(text []byte) error {
	var in published
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*i = Instance(in.plain)
	for name, value := range i.byName() {
		if *value == "" {
			*value = in.Addresses[name]
		}
	}
	return nil
}

// Write publishes the instance in a data folder: a reader sees the old file or
// the new one, never a part, and only its owner can read it.
func (i Instance) Write(dir string) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("write instance: %w", err)
	}
	// CreateTemp makes files that only their owner can read.
	temp, err := os.CreateTemp(dir, InstanceFile+".*")
	if err != nil {
		return fmt.Errorf("write instance: %w", err)
	}
	_, err = temp.Write(append(text, '\n'))
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, InstanceFile))
	}
	if err != nil {
		return fmt.Errorf("write instance: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// ReadInstance reads what the program that has a data folder published.
func ReadInstance(dir string) (Instance, error) {
	var i Instance
	name := filepath.Join(dir, InstanceFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return i, fmt.Errorf("no Lockstep has its data in %s, or it was stopped: start it, or name its folder with --data", dir)
	}
	if err != nil {
		return i, fmt.Errorf("read %s: %w", name, cause(err))
	}
	if err := json.Unmarshal(text, &i); err != nil {
		return i, fmt.Errorf("read %s: it is not what a running Lockstep writes: %w", name, err)
	}
	for _, part := range []struct{ name, value string }{{"frontend", i.Frontend}, {"store", i.Store}, {"key", i.Key}} {
		if part.value == "" {
			return i, fmt.Errorf("read %s: it does not say %q; is Lockstep still starting?", name, part.name)
		}
	}
	return i, nil
}

// Place tells where the instance lives whose data folder is dir.
func (i Instance) Place(dir string) (Place, error) {
	p := Place{
		Driver: "sqlite", DSN: absolute(dir, i.Store), UI: i.UI, Stopped: !alive(i.PID),
		Temporal: Temporal{Host: i.Frontend, Namespace: i.Namespace},
	}
	key, err := ReadKey(absolute(dir, i.Key))
	p.Key = key
	return p, err
}

// alive reports whether a process runs. A file may outlive its process, and
// then somebody else's Temporal may listen on its port.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil || pid <= 0 {
		return false
	}
	if runtime.GOOS == "windows" { // there FindProcess has looked already
		return true
	}
	err = p.Signal(syscall.Signal(0)) // kill(2): signal 0 only checks
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// ReadKey reads a file with the key that seals secrets; one line break at its
// end is not part of it.
func ReadKey(file string) ([]byte, error) {
	text, err := readSecret(file)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(text)
	if err != nil {
		return nil, fmt.Errorf("the key in %s %w", file, err)
	}
	return key, nil
}
