// Package bench measures the whole job on real systems, against the targets of
// the design's part 6. It holds no tests: go test ./... runs nothing here.
//
//	make bench-peer    Lockstep, vdirsyncer and a bare client on one Cyrus
//	make bench-fleet   thousands of mailboxes on the embedded engine
//
// Both print a table. Lockstep runs as a child process (the test program,
// started again), so that its memory and processor time are its own. Data lies
// in memory where the machine has /dev/shm; numbers of different runs compare
// only on an otherwise idle machine, so the load is printed beside them.
//
// Environment:
//
//	LOCKSTEP_BENCH_CARDS      sizes of the address book; default 1000,10000
//	LOCKSTEP_BENCH_MAILBOXES  size of the fleet; default 5000
//	LOCKSTEP_BENCH_INTERVAL   time between a mailbox's rounds; default 5m
//	LOCKSTEP_BENCH_WINDOW     how long the fleet is measured; default 7m
//	LOCKSTEP_BENCH_RESTART    yes: the fleet is also started all at once
//	LOCKSTEP_BENCH_PROFILE    a folder that gets processor and heap profiles
//	LOCKSTEP_BENCH_DIR        where data lies; default /dev/shm
//
// A quick fleet: LOCKSTEP_BENCH_MAILBOXES=1000 LOCKSTEP_BENCH_INTERVAL=60s
// LOCKSTEP_BENCH_WINDOW=2m.
package bench
