package setup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"lockstep.dev/model"
	"lockstep.dev/store/seal"
)

// Prefix begins the name of every environment variable of ours.
const Prefix = "LOCKSTEP"

// Environment is what the worker and the command line both need to know: where
// Temporal and our own database are, and the key that seals secrets.
//
// Fields are read from the environment (LOCKSTEP_TEMPORAL_HOST and so on);
// desc is their documentation, secret marks what is never shown. A secret has a
// twin that ends in _FILE and names a file that holds it.
type Environment struct {
	Temporal Temporal
	Database Database
	Secrets
	Alert Alert
}

// Temporal says how to reach the Temporal server.
type Temporal struct {
	Host       string `default:"127.0.0.1:7233" desc:"host:port of the Temporal frontend"`
	Namespace  string `default:"default" desc:"Temporal namespace"`
	TLS        bool   `default:"false" desc:"true: connect with TLS; implied by the settings below"`
	TLSRoots   string `split_words:"true" desc:"file with the certificates of the authorities that vouch for the server; default: the system's"`
	TLSCert    string `split_words:"true" desc:"file with the client certificate"`
	TLSKey     string `split_words:"true" desc:"file with the client certificate's key"`
	TLSServer  string `split_words:"true" desc:"name that the server's certificate must have, where it is not the host's"`
	APIKey     string `split_words:"true" secret:"true" desc:"API key"`
	APIKeyFile string `split_words:"true" desc:"file that holds the API key"`
}

// Database is Lockstep's own database.
type Database struct {
	URL     string `secret:"true" desc:"postgres://user:password@host/database, or sqlite:PATH; needed"`
	URLFile string `split_words:"true" desc:"file that holds the URL"`
}

// Secrets are the keys of the installation.
type Secrets struct {
	Key         string `secret:"true" desc:"seals passwords in the database: a text of at least 32 characters, such as the output of openssl rand -base64 32; needed"`
	KeyFile     string `split_words:"true" desc:"file that holds the key"`
	OldKeys     string `split_words:"true" secret:"true" desc:"earlier keys, separated by blanks, that open what was sealed before the key was replaced"`
	OldKeysFile string `split_words:"true" desc:"file that holds the earlier keys"`
}

// minKeyText is the least length of a key: 32 characters of base64 carry 24
// bytes, more than seal.MinKey asks for.
const minKeyText = 32

// Place is where a Lockstep lives: its store, and how to reach its workflows.
type Place struct {
	Driver   string // "postgres" or "sqlite"
	DSN      string // address of the PostgreSQL database, or path of the SQLite file
	Key      []byte
	OldKeys  [][]byte
	Temporal Temporal
	UI       string // address of Temporal's Web UI; "" = unknown
	// Delivery is how alerts are delivered; nil = as the store says.
	Delivery *model.Delivery
	// Stopped: the program that the place belongs to does not run.
	Stopped bool
}

// Load fills a struct, which holds an Environment, from the environment. Errors
// name the variable and never hold a secret.
func Load(spec any) error {
	err := envconfig.Process(Prefix, spec)
	var parse *envconfig.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s: %q is not of the type %s", parse.KeyName, parse.Value, parse.TypeName)
	}
	if err != nil {
		return fmt.Errorf("read environment: %w", err)
	}
	return nil
}

// Place resolves what the environment says: files are read, the URL is taken
// apart, the key is checked.
func (e Environment) Place() (Place, error) {
	p := Place{Temporal: e.Temporal}
	key, err := twin("KEY", e.Key, e.KeyFile)
	if err != nil {
		return p, err
	}
	old, err := twin("OLD_KEYS", e.OldKeys, e.OldKeysFile)
	if err != nil {
		return p, err
	}
	url, err := twin("DATABASE_URL", e.Database.URL, e.Database.URLFile)
	if err != nil {
		return p, err
	}
	if p.Temporal.APIKey, err = twin("TEMPORAL_API_KEY", e.Temporal.APIKey, e.Temporal.APIKeyFile); err != nil {
		return p, err
	}
	p.Temporal.APIKeyFile = ""
	if p.Driver, p.DSN, err = databaseOf(url); err != nil {
		return p, err
	}
	if p.Key, err = keyOf(key); err != nil {
		return p, fmt.Errorf("%s_KEY: %w", Prefix, err)
	}
	if p.Delivery, err = e.Delivery(); err != nil {
		return p, err
	}
	for _, text := range strings.Fields(old) {
		k, err := keyOf(text)
		if err != nil {
			return p, fmt.Errorf("%s_OLD_KEYS: %w", Prefix, err)
		}
		p.OldKeys = append(p.OldKeys, k)
	}
	return p, nil
}

// twin returns a secret that is given directly or in a file.
func twin(name, value, file string) (string, error) {
	switch {
	case value != "" && file != "":
		return "", fmt.Errorf("%s_%s and %s_%s_FILE are both set; set one of them", Prefix, name, Prefix, name)
	case file == "":
		return value, nil
	}
	text, err := readSecret(file)
	if err != nil {
		return "", fmt.Errorf("%s_%s_FILE: %w", Prefix, name, err)
	}
	return text, nil
}

func databaseOf(url string) (driver, dsn string, err error) {
	switch path, sqlite := strings.CutPrefix(url, "sqlite:"); {
	case url == "":
		return "", "", fmt.Errorf("%s_DATABASE_URL is not set: say where Lockstep's own database is, such as postgres://lockstep@127.0.0.1/lockstep", Prefix)
	case sqlite && path != "":
		return "sqlite", path, nil
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return "postgres", url, nil
	default:
		return "", "", fmt.Errorf("%s_DATABASE_URL is neither a postgres:// address nor sqlite:PATH", Prefix)
	}
}

// keyOf makes a key of a text; its bytes are the key's (seal derives even ones
// from them).
func keyOf(text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, errors.New("is not set: give the key that seals passwords, such as the output of: openssl rand -base64 32")
	case len(text) < max(minKeyText, seal.MinKey):
		return nil, fmt.Errorf("has %d characters; a key needs at least %d, such as the output of: openssl rand -base64 32", len(text), minKeyText)
	}
	return []byte(text), nil
}
