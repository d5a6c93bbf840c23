package temporal

import (
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	temporalserver "go.temporal.io/server/temporal"

	"lockstep.dev/standalone/instance"
)

const (
	loopback    = "127.0.0.1"
	clusterName = "lockstep"
	storeName   = "sqlite"

	// One process has one user: limits that keep tenants of a shared server
	// apart would only slow it down.
	noLimit        = 1_000_000 // requests per second
	visibilityRate = 1_000     // requests per second; the default is 10

	timerWindow = 100 * time.Millisecond
)

// ports of the server's services, all on the loopback address.
type ports struct{ frontend, history, matching, worker int }

// findPorts picks free ports: the frontend's as configured, any for the
// services that only talk among themselves. The server opens them itself.
func findPorts(frontend int) (ports, error) {
	wanted := []int{frontend, instance.AnyPort, instance.AnyPort, instance.AnyPort}
	found := make([]int, 0, len(wanted))
	for _, port := range wanted {
		l, err := instance.Listen("Temporal server", port, usualFrontendPort)
		if err != nil {
			return ports{}, err
		}
		defer l.Close() // only now, so that all are different
		found = append(found, instance.PortOf(l))
	}
	return ports{frontend: found[0], history: found[1], matching: found[2], worker: found[3]}, nil
}

func (p ports) frontendAddress() string { return address(p.frontend) }

func address(port int) string {
	return net.JoinHostPort(loopback, strconv.Itoa(port))
}

// serverOptions put the server together: all services in this process, on
// fixed loopback addresses, with one SQLite file.
func serverOptions(sql *config.SQL, p ports, log *logger) []temporalserver.ServerOption {
	service := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     storeName,
			VisibilityStore:  storeName,
			NumHistoryShards: historyShards,
			DataStores:       map[string]config.DataStore{storeName: {SQL: sql}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: p.frontendAddress()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(p.frontend),
			string(primitives.HistoryService):  service(p.history),
			string(primitives.MatchingService): service(p.matching),
			string(primitives.WorkerService):   service(p.worker),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: p.frontendAddress()},
	}
	return []temporalserver.ServerOption{
		temporalserver.WithConfig(cfg),
		temporalserver.ForServices(temporalserver.DefaultServices),
		temporalserver.WithStaticHosts(map[primitives.ServiceName]static.Hosts{
			primitives.FrontendService: static.SingleLocalHost(p.frontendAddress()),
			primitives.HistoryService:  static.SingleLocalHost(address(p.history)),
			primitives.MatchingService: static.SingleLocalHost(address(p.matching)),
			primitives.WorkerService:   static.SingleLocalHost(address(p.worker)),
		}),
		temporalserver.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporalserver.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
		temporalserver.WithDynamicConfigClient(dynamicConfig()),
		temporalserver.WithLogger(log),
	}
}

func dynamicConfig() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// One large mailbox must not keep the others waiting; off by default
		// on servers of one's own.
		dynamicconfig.MatchingEnableFairness.Key(): true,
		// Partitions spread a task queue over hosts. With one host they only
		// make tasks wait for the poller of another partition.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

		// How far ahead timers are read, and so how late a short one may fire:
		// a second by default, to bear with the clocks of several hosts.
		dynamicconfig.TimerProcessorMaxTimeShift.Key(): timerWindow,

		dynamicconfig.FrontendRPS.Key():                                  noLimit,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           noLimit,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): visibilityRate,
		dynamicconfig.HistoryRPS.Key():                                   noLimit,
		dynamicconfig.MatchingRPS.Key():                                  noLimit,
	}
}
