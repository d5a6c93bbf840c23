package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep.dev/setup"
)

// clear unsets every variable of ours for a test.
func clear(t *testing.T) {
	t.Helper()
	list, err := setup.Variables(&setup.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		t.Setenv(v.Name, "") // restores it after the test
		if err := os.Unsetenv(v.Name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheEnvironmentSaysWhereThingsAre(t *testing.T) {
	clear(t)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOCKSTEP_DATABASE_URL", "postgres://lockstep@db/lockstep")
	t.Setenv("LOCKSTEP_KEY_FILE", key)
	t.Setenv("LOCKSTEP_OLD_KEYS", strings.Repeat("a", 32)+" "+strings.Repeat("b", 32))
	t.Setenv("LOCKSTEP_TEMPORAL_HOST", "temporal:7233")
	var env setup.Environment
	if err := setup.Load(&env); err != nil {
		t.Fatal(err)
	}
	p, err := env.Place()
	if err != nil {
		t.Fatal(err)
	}
	if p.Driver != "postgres" || p.DSN != "postgres://lockstep@db/lockstep" || string(p.Key) != strings.Repeat("k", 32) || len(p.OldKeys) != 2 {
		t.Errorf("place: %+v", p)
	}
	if p.Temporal.Host != "temporal:7233" || p.Temporal.Namespace != "default" || p.Stopped {
		t.Errorf("temporal: %+v", p.Temporal)
	}
}

func TestWhatIsWrongInTheEnvironmentIsNamed(t *testing.T) {
	good := map[string]string{"LOCKSTEP_DATABASE_URL": "sqlite:/tmp/x.db", "LOCKSTEP_KEY": strings.Repeat("k", 32)}
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"no database":  {map[string]string{"LOCKSTEP_DATABASE_URL": ""}, "LOCKSTEP_DATABASE_URL is not set: say where"},
		"bad database": {map[string]string{"LOCKSTEP_DATABASE_URL": "mysql://root:geheim@db"}, "LOCKSTEP_DATABASE_URL is neither a postgres:// address nor sqlite:PATH"},
		"no key":       {map[string]string{"LOCKSTEP_KEY": ""}, "LOCKSTEP_KEY: is not set: give the key"},
		"short key":    {map[string]string{"LOCKSTEP_KEY": "geheim"}, "LOCKSTEP_KEY: has 6 characters; a key needs at least 32"},
		"short old":    {map[string]string{"LOCKSTEP_OLD_KEYS": "geheim"}, "LOCKSTEP_OLD_KEYS: has 6 characters"},
		"both":         {map[string]string{"LOCKSTEP_KEY_FILE": "/nowhere"}, "LOCKSTEP_KEY and LOCKSTEP_KEY_FILE are both set; set one of them"},
		"no file":      {map[string]string{"LOCKSTEP_TEMPORAL_API_KEY_FILE": "/nowhere"}, "LOCKSTEP_TEMPORAL_API_KEY_FILE: the file /nowhere cannot be read: no such file"},
		"not a bool":   {map[string]string{"LOCKSTEP_TEMPORAL_TLS": "perhaps"}, `LOCKSTEP_TEMPORAL_TLS: "perhaps" is not of the type bool`},
	} {
		t.Run(name, func(t *testing.T) {
			clear(t)
			for _, set := range []map[string]string{good, c.set} {
				for k, v := range set {
					t.Setenv(k, v)
				}
			}
			var env setup.Environment
			err := setup.Load(&env)
			if err == nil {
				_, err = env.Place()
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("says %v, want %s", err, c.want)
			}
		})
	}
}

func TestTLSSettingsAreChecked(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, in := range map[string]setup.Temporal{
		"LOCKSTEP_TEMPORAL_TLS_ROOTS: the file /nowhere cannot be read": {TLSRoots: "/nowhere"},
		"LOCKSTEP_TEMPORAL_TLS_ROOTS: the file " + notPEM + " holds no": {TLSRoots: notPEM},
		"LOCKSTEP_TEMPORAL_TLS_CERT and LOCKSTEP_TEMPORAL_TLS_KEY":      {TLSCert: "/nowhere"},
		"LOCKSTEP_TEMPORAL_TLS_CERT: the certificate and its key":       {TLSCert: "/nowhere", TLSKey: "/nowhere"},
	} {
		if _, err := in.Options(nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("says %v, want %s", err, want)
		}
	}
	o, err := setup.Temporal{Host: "x:1", TLSServer: "temporal.example.com"}.Options(nil)
	if err != nil || o.ConnectionOptions.TLS == nil || o.ConnectionOptions.TLS.ServerName != "temporal.example.com" {
		t.Errorf("%+v, %v", o.ConnectionOptions.TLS, err)
	}
	if o, err := (setup.Temporal{Host: "x:1"}).Options(nil); err != nil || o.ConnectionOptions.TLS != nil {
		t.Errorf("without TLS: %+v, %v", o.ConnectionOptions.TLS, err)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	list, err := setup.Variables(&setup.Environment{Database: setup.Database{URL: "postgres://u:geheim@db"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if strings.Contains(v.Masked(), "geheim") || v.Name == "LOCKSTEP_DATABASE_URL" && v.Masked() != "********" {
			t.Errorf("%s shows %s", v.Name, v.Masked())
		}
		// Every secret can come from a file.
		twin := false
		for _, o := range list {
			twin = twin || o.Name == v.Name+"_FILE"
		}
		if v.Secret && !twin {
			t.Errorf("%s has no twin that ends in _FILE", v.Name)
		}
	}
}
