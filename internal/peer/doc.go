// Package peer starts real servers as throw-away instances for tests and
// benchmarks: PostgreSQL, Cyrus and Radicale, and finds client programs such as
// vdirsyncer. Every instance listens on 127.0.0.1 on a port the operating
// system picked, keeps its data in a folder of its own (in memory where the
// machine has /dev/shm) and is ended, its folder removed, when the test ends —
// also when the test process is killed, because a watchdog notices its death.
//
// A program that is not installed skips the test with one line that names the
// Debian package; with LOCKSTEP_PEERS=required in the environment it fails the
// test. `make peers` (the script `install` in this folder) installs them all.
//
// Started by root, servers run as an unprivileged user (PostgreSQL as
// "postgres", Cyrus as "cyrus", Radicale as "nobody"); started by anyone else,
// they run as that user.
//
// Collections prepared for every user of a DAV server, by server:
//
//	              Cyrus                                  Radicale
//	address book  /dav/addressbooks/user/alice/Default/  /alice/contacts/
//	calendar      /dav/calendars/user/alice/calendar/    /alice/calendar/
//	task list     /dav/calendars/user/alice/tasks/       /alice/tasks/
//
// The calendar accepts VEVENT only and the task list VTODO only. Cyrus adds
// collections of its own beside them: Inbox, Outbox and Attachments.
package peer
