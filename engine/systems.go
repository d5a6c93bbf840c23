package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"

	"lockstep.dev/connector"
	"lockstep.dev/connector/all"
	"lockstep.dev/metrics"
	"lockstep.dev/model"
)

// systems keeps one configured connector per connection, and makes a new one
// when the connection's settings changed.
type systems struct {
	folder  string
	metrics *metrics.Metrics
	mu      sync.Mutex
	open    map[model.ConnectionID]opened
}

type opened struct {
	print     [32]byte
	connector connector.Connector
}

func newSystems(folder string, m *metrics.Metrics) *systems {
	return &systems{folder: folder, metrics: m, open: map[model.ConnectionID]opened{}}
}

// Connector implements activities.Systems.
func (s *systems) Connector(_ context.Context, c model.Connection) (connector.Connector, error) {
	// A map of strings cannot fail to encode.
	b, _ := json.Marshal([]any{c.Connector, c.Settings, c.Secret})
	print := sha256.Sum256(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.open[c.ID]; ok && o.print == print {
		return o.connector, nil
	}
	conn, err := all.New(c.Connector, connector.Settings{Values: c.Settings, Secret: c.Secret, Folder: s.folder})
	if err != nil {
		return nil, err
	}
	conn = s.metrics.Watched(conn)
	s.open[c.ID] = opened{print: print, connector: conn}
	return conn, nil
}
