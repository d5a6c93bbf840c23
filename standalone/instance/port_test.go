package instance_test

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"lockstep.dev/standalone/instance"
)

func TestWantedPortIsOpenedOrRefused(t *testing.T) {
	// The port that the system just had free serves as the wanted one.
	free := listen(t, instance.AnyPort, 0)
	port := instance.PortOf(free)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	l := listen(t, port, 0)
	if instance.PortOf(l) != port {
		t.Errorf("got port %d, want %d", instance.PortOf(l), port)
	}
	if host, _, _ := net.SplitHostPort(l.Addr().String()); host != "127.0.0.1" {
		t.Errorf("listens on %s, want the loopback address only", host)
	}

	_, err := instance.Listen("web page", port, 0)
	var taken *instance.PortTaken
	if !errors.As(err, &taken) || taken.Port != port {
		t.Fatalf("second Listen on the port: %v, want PortTaken", err)
	}
	for _, want := range []string{strconv.Itoa(port), "web page", "choose another port"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("message does not say %q: %s", want, err)
		}
	}
}

func TestNextFreePortIsTaken(t *testing.T) {
	usual := instance.PortOf(listen(t, instance.AnyPort, 0))
	l := listen(t, instance.FromDefault, usual)
	if instance.PortOf(l) == usual {
		t.Errorf("got port %d, which is in use", usual)
	}
}

func TestPortThatListensOnAllAddressesIsTaken(t *testing.T) {
	wide, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	var taken *instance.PortTaken
	if _, err := instance.Listen("web page", instance.PortOf(wide), 0); !errors.As(err, &taken) {
		t.Errorf("Listen beside a program on all addresses: %v, want PortTaken", err)
	}
}

func listen(t *testing.T, wanted, usual int) net.Listener {
	t.Helper()
	l, err := instance.Listen("web page", wanted, usual)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
