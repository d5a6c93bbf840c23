package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine describes where and under which load a number was measured.
func machine() string {
	name := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			name = strings.TrimSpace(v)
			break
		}
	}
	return fmt.Sprintf("%d x %s, %s %s/%s, load %s", runtime.NumCPU(), name, runtime.Version(), runtime.GOOS, runtime.GOARCH, load())
}

// load is the machine's load average over the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// memory reads one line of this process's memory, in megabytes (proc(5):
// VmHWM is the peak of what is resident, VmRSS what is resident now).
func memory(line string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(status)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(l, line+": %f kB", &kilobytes); n == 1 {
			return kilobytes / 1024
		}
	}
	return 0
}

// processor is the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// folder is a folder that is removed at the end.
func folder(b *testing.B) string {
	b.Helper()
	root := os.Getenv("LOCKSTEP_BENCH_DIR")
	if _, err := os.Stat("/dev/shm"); root == "" && err == nil {
		root = "/dev/shm"
	}
	dir, err := os.MkdirTemp(root, "lockstep-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func number(b *testing.B, variable string, otherwise int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", variable, err)
	}
	return n
}

func span(b *testing.B, variable string, otherwise time.Duration) time.Duration {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		b.Fatalf("%s: %v", variable, err)
	}
	return d
}

// profile records what the processor does until the returned function is
// called, which also writes the heap and what every goroutine waits for, if LOCKSTEP_BENCH_PROFILE names a folder.
func profile(name string) func() {
	dir := os.Getenv("LOCKSTEP_BENCH_PROFILE")
	if dir == "" {
		return func() {}
	}
	f, err := os.Create(filepath.Join(dir, name+".cpu"))
	if err != nil || pprof.StartCPUProfile(f) != nil {
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
		for _, kind := range []string{"heap", "goroutine"} {
			if h, err := os.Create(filepath.Join(dir, name+"."+kind)); err == nil {
				_ = pprof.Lookup(kind).WriteTo(h, 0)
				h.Close()
			}
		}
	}
}
