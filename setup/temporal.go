package setup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// Options are the Temporal client's.
func (t Temporal) Options(logger *slog.Logger) (client.Options, error) {
	o := client.Options{HostPort: t.Host, Namespace: t.Namespace, Logger: log.NewStructuredLogger(logger)}
	var err error
	if o.ConnectionOptions.TLS, err = t.tls(); err != nil {
		return o, err
	}
	if t.APIKey != "" {
		o.Credentials = client.NewAPIKeyStaticCredentials(t.APIKey)
	}
	return o, nil
}

// Unreachable says that a Temporal server does not answer.
type Unreachable struct {
	Host, Namespace string
	Err             error // why; long and technical
}

// Error tells all there is to know.
func (u *Unreachable) Error() string { return u.Short() + ": " + u.Err.Error() }

// Short tells what matters to people.
func (u *Unreachable) Short() string {
	return fmt.Sprintf("the Temporal server at %s (namespace %s) cannot be reached", u.Host, u.Namespace)
}

// Unwrap returns why.
func (u *Unreachable) Unwrap() error { return u.Err }

// Dial connects to the Temporal server with options besides those of t; the
// error is *Unreachable if it does not answer.
func (t Temporal) Dial(ctx context.Context, logger *slog.Logger, more ...func(*client.Options)) (client.Client, error) {
	o, err := t.Options(logger)
	if err != nil {
		return nil, err
	}
	for _, add := range more {
		add(&o)
	}
	c, err := client.DialContext(ctx, o)
	if err != nil {
		return nil, &Unreachable{Host: t.Host, Namespace: t.Namespace, Err: err}
	}
	return c, nil
}

// tls returns nil where the connection needs none.
func (t Temporal) tls() (*tls.Config, error) {
	if !t.TLS && t.TLSRoots == "" && t.TLSCert == "" && t.TLSKey == "" && t.TLSServer == "" {
		return nil, nil
	}
	cfg := &tls.Config{ServerName: t.TLSServer, MinVersion: tls.VersionTLS12}
	if t.TLSRoots != "" {
		text, err := os.ReadFile(t.TLSRoots)
		if err != nil {
			return nil, fmt.Errorf("%s_TEMPORAL_TLS_ROOTS: the file %s cannot be read: %w", Prefix, t.TLSRoots, cause(err))
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s_TEMPORAL_TLS_ROOTS: the file %s holds no certificate", Prefix, t.TLSRoots)
		}
	}
	if (t.TLSCert == "") != (t.TLSKey == "") {
		return nil, errors.New(Prefix + "_TEMPORAL_TLS_CERT and " + Prefix + "_TEMPORAL_TLS_KEY belong together; set both")
	}
	if t.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(t.TLSCert, t.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("%s_TEMPORAL_TLS_CERT: the certificate and its key cannot be read: %w", Prefix, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
