// Package all is the only list of connectors: adding one is its folder and one
// line here.
package all

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/connector/dav"
	"lockstep.dev/connector/sqlcrm"
)

func connectors() map[string]func(connector.Settings) (connector.Connector, error) {
	return map[string]func(connector.Settings) (connector.Connector, error){
		"dav":    func(s connector.Settings) (connector.Connector, error) { return dav.New(s) },
		"sqlcrm": sqlcrm.New,
	}
}

// New configures a connector by its name. It talks to nobody.
func New(name string, s connector.Settings) (connector.Connector, error) {
	configure, ok := connectors()[name]
	if !ok {
		return nil, fmt.Errorf("there is no connector %q; use one of: %s", name, strings.Join(Names(), ", "))
	}
	c, err := configure(s)
	if err != nil {
		return nil, err // and not a nil connector of some type
	}
	return c, nil
}

// Paths names the settings of a connector that may be file names; whoever reads
// them from a file lets them count from its folder.
func Paths(name string) []string {
	if name == "sqlcrm" {
		return sqlcrm.PathSettings()
	}
	return nil
}

// Names lists the connectors, sorted.
func Names() []string { return slices.Sorted(maps.Keys(connectors())) }
