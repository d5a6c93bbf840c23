//go:build unix

package peer

import (
	"fmt"
	"syscall"
)

// port is a TCP port on 127.0.0.1 that the operating system picked. While its
// server is down the port is held by a bound socket that does not listen:
// clients are refused, as with any server that is down, and nobody else gets
// the port in the meantime.
type port struct {
	number int
	fd     int // of the holding socket, -1 while the server has the port
}

// pickPort holds a free port.
func pickPort() (*port, error) {
	p := &port{fd: -1}
	if err := p.hold(); err != nil {
		return nil, err
	}
	return p, nil
}

// hold binds the port, without listening on it.
func (p *port) hold() error {
	if p.fd >= 0 {
		return nil
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	if err := p.bind(fd); err != nil {
		_ = syscall.Close(fd)
		return fmt.Errorf("hold port %d: %w", p.number, err)
	}
	p.fd = fd
	return nil
}

func (p *port) bind(fd int) error {
	if p.number != 0 {
		// The connections of the server that just stopped may linger.
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
			return fmt.Errorf("set option: %w", err)
		}
	}
	loopback := [4]byte{127, 0, 0, 1}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: p.number, Addr: loopback}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	in4, ok := address.(*syscall.SockaddrInet4)
	if !ok {
		return fmt.Errorf("read address: not an IPv4 address")
	}
	p.number = in4.Port
	return nil
}

// release gives the port to the server that is about to start.
func (p *port) release() {
	if p.fd >= 0 {
		_ = syscall.Close(p.fd)
		p.fd = -1
	}
}

// ports are the ports of one server.
type ports []*port

func pickPorts(n int) (ports, error) {
	var all ports
	for range n {
		p, err := pickPort()
		if err != nil {
			all.release()
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (all ports) hold() error {
	for _, p := range all {
		if err := p.hold(); err != nil {
			return err
		}
	}
	return nil
}

func (all ports) release() {
	for _, p := range all {
		p.release()
	}
}

func (p *port) address() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }
