// Package dav connects calendars, task lists and address books that speak
// CalDAV (RFC 4791) and CardDAV (RFC 6352): Nextcloud, Cyrus, Radicale, iCloud,
// Google, Zimbra, SOGo and the like. README.md says what to grant and where
// servers differ.
//
// A Session may be used by several goroutines at once.
package dav

import (
	"context"
	"slices"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Name is the connector's configuration key, metric label and documentation
// anchor.
const Name = "dav"

// Sizes and parallelism. A server answers a multiget of a hundred objects in a
// few hundred kilobytes; more saves little and costs memory.
const (
	batchSize       = 100 // refs per Fetch, operations per Apply
	parallelBatches = 4   // batches that may run at once
	writesAtOnce    = 4   // concurrent writes within a batch
	pageSize        = 1000
)

// Connector is one CalDAV/CardDAV server (or a pair of them), configured.
type Connector struct {
	config  config
	client  *client
	convert *converter
	habits  habits
}

// New checks settings and returns the connector. It talks to nobody.
//
// Values:
//
//	url             addresses to start from, separated by blanks: a server, a
//	                principal, a home or one collection; {address} and {user}
//	                are replaced
//	auth            basic (default) or bearer
//	user            sign-in name where the mailbox names none; {address} is the
//	                mailbox's address (default), {user} the part before its @
//	kinds           contact, event, task separated by commas; default: all
//	collections     names or addresses of the collections to sync, separated by
//	                commas; default: all
//	allow_insecure  true: credentials may travel without TLS (requirement D-20)
func New(s connector.Settings) (*Connector, error) {
	cfg, err := parseConfig(s)
	if err != nil {
		return nil, err
	}
	return &Connector{config: cfg, client: newClient(cfg.allowInsecure), convert: newConverter()}, nil
}

// Name returns "dav".
func (c *Connector) Name() string { return Name }

// Close ends idle connections to the server. Sessions still open may go on.
func (c *Connector) Close() error {
	c.client.http.CloseIdleConnections()
	return nil
}

// Capabilities says what CalDAV and CardDAV can do. Creates choose their own
// address from the operation key (tier T1); ETags make writes conditional; they
// have no order; what was written is visible at once.
func (c *Connector) Capabilities() connector.Capabilities {
	kinds := map[model.Kind]connector.KindCapabilities{}
	for _, k := range c.config.kinds {
		fields := model.SharedFields(k)
		slices.Sort(fields)
		kinds[k] = connector.KindCapabilities{
			Create: connector.T1, Fields: fields, Delta: true, Conditional: true,
			WriteBatch: batchSize, FetchBatch: batchSize, Parallel: parallelBatches,
		}
	}
	return connector.Capabilities{Side: model.Mail, Kinds: kinds}
}

// Open prepares a session for one mailbox without talking to the server.
func (c *Connector) Open(_ context.Context, a model.Account) (connector.Session, error) {
	who, err := c.config.identity(a)
	if err != nil {
		return nil, err
	}
	return &Session{
		connector: c, account: a, starts: who.starts,
		link: &link{client: c.client, auth: who.auth, base: who.starts[0]},
	}, nil
}
