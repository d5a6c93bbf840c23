package instance

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

const (
	// FromDefault asks for the first free port from a service's usual one on.
	FromDefault = 0
	// AnyPort asks for whatever port the system has free.
	AnyPort = -1

	loopback     = "127.0.0.1"
	portsTried   = 100
	answerWithin = 200 * time.Millisecond
)

// PortTaken is the error of Listen for a port that cannot be had.
type PortTaken struct {
	Service string
	Port    int
	Err     error // nil if another program answers there
}

func (e *PortTaken) Error() string {
	cause := "another program is using it"
	if e.Err != nil {
		cause = e.Err.Error()
	}
	return fmt.Sprintf("open port %d for the %s: %s: stop that program, choose another port, or name none and the next free one is taken",
		e.Port, e.Service, cause)
}

func (e *PortTaken) Unwrap() error { return e.Err }

// Listen opens a port on the loopback address for the named service. A wanted
// port above 0 is opened or refused with a *PortTaken; FromDefault opens the
// first free one from usual on; AnyPort leaves the choice to the system.
func Listen(service string, wanted, usual int) (net.Listener, error) {
	switch {
	case wanted > 0:
		return listenAt(service, wanted)
	case wanted == FromDefault:
		for port := usual; port < usual+portsTried; port++ {
			if l, err := listenAt(service, port); err == nil {
				return l, nil
			}
		}
	}
	l, err := net.Listen("tcp4", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, fmt.Errorf("open a port for the %s: %w", service, err)
	}
	return l, nil
}

// PortOf is the port a TCP listener has got.
func PortOf(l net.Listener) int {
	return l.Addr().(*net.TCPAddr).Port
}

func listenAt(service string, port int) (net.Listener, error) {
	address := net.JoinHostPort(loopback, strconv.Itoa(port))
	// Some systems let us open a loopback port that another program already
	// serves on all addresses, and take its local visitors away.
	if answers(address) {
		return nil, &PortTaken{Service: service, Port: port}
	}
	l, err := net.Listen("tcp4", address)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err // the address is in our own sentence
		}
		return nil, &PortTaken{Service: service, Port: port, Err: err}
	}
	return l, nil
}

func answers(address string) bool {
	conn, err := net.DialTimeout("tcp4", address, answerWithin)
	if err != nil {
		return false
	}
	defer conn.Close()
	// A port that nobody serves may be the very one the system picked for
	// our end, and TCP then connects us to ourselves (RFC 9293 3.5).
	return conn.LocalAddr().String() != conn.RemoteAddr().String()
}
