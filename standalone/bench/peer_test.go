package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep.dev/internal/peer"
)

// BenchmarkPeer syncs one address book on one Cyrus in one run: Lockstep, beside
// it vdirsyncer, and beside both a client that only sends what must be sent.
// Design part 6: first sync reading at most 1.5 times the bare client, writing
// at most 1.3 times, both faster than vdirsyncer; an unchanged round is one
// request and under 50 ms besides the engine; k changes are 1 + ceil(k/batch)
// requests.
func BenchmarkPeer(b *testing.B) {
	for _, n := range sizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				newMatch(b, n).play()
			}
		})
	}
}

func sizes(b *testing.B) []int {
	b.Helper()
	text := os.Getenv("LOCKSTEP_BENCH_CARDS")
	if text == "" {
		text = "1000,10000"
	}
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < changes {
			b.Fatalf("LOCKSTEP_BENCH_CARDS: %q is not a number of at least %d", part, changes)
		}
		out = append(out, n)
	}
	return out
}

const (
	changes    = 10 // of the round with changes
	idleRounds = 20
	warmCards  = 100
	idleRuns   = 3 // of vdirsyncer, which needs a second for each
)

// match is one size: every competitor does the same, one after the other.
type match struct {
	b      *testing.B
	n      int
	server *peer.DAVServer
	relay  *relay
	bare   *bare // as the owner of the book that is read
	book   string
	hrefs  []string
	token  string
	table  table
}

func newMatch(b *testing.B, n int) *match {
	b.Helper()
	kind, err := davCapabilities()
	if err != nil {
		b.Fatal(err)
	}
	m := &match{b: b, n: n, server: peer.Cyrus(b, "source", "files", "crm", "warm")}
	m.relay = newRelay(b, m.server.URL)
	m.bare = newBare(b, m.relay.URL, "source", m.server.Password, kind.FetchBatch, max(kind.Parallel, 1))
	m.book = m.bookOf("source")
	m.table.title = fmt.Sprintf("%d cards of %d bytes on Cyrus, %d connections, multigets of %d", n, len(someone(0).card("")), m.bare.atOnce, m.bare.batch)
	return m
}

func (m *match) bookOf(user string) string { return m.relay.at(m.server.AddressBook(user)) }

// timed measures something that is done from here.
func (m *match) timed(do func()) entry {
	var took time.Duration
	requests := m.relay.during(func() {
		begun := time.Now()
		do()
		took = time.Since(begun)
	})
	if m.b.Failed() {
		m.b.FailNow()
	}
	return entry{time: took, requests: requests}
}

// files measures runs of vdirsyncer and returns what one needed.
func (m *match) files(v *vdirsyncer, runs int) entry {
	v.memory, v.busy = 0, 0
	e := m.timed(func() {
		for range runs {
			v.sync()
		}
	})
	e.memory, e.busy = v.memory, v.busy
	return e.over(runs)
}

func (m *match) play() {
	m.warmUp()
	write := m.timed(func() {
		m.bare.put(m.book, 0, m.n, onlyNew, func(i int) string { return someone(i).card("") })
	})
	read := m.timedRead()
	files := newVdirsyncer(m.b, m.book, "source", m.server.Password, folder(m.b))
	m.reading(read, files)
	m.writing(write, files.files)
	m.table.print()
	m.table.report(m.b)
}

// warmUp lets the server start its processes and open its files before anybody
// is measured.
func (m *match) warmUp() {
	m.bare.user = "warm"
	book := m.bookOf("warm")
	m.bare.put(book, 0, warmCards, onlyNew, func(i int) string { return someone(i).card("") })
	hrefs, _ := m.bare.changes(book, "")
	m.bare.read(book, hrefs)
	m.bare.user = "source"
}

func (m *match) timedRead() entry {
	listing := m.timed(func() { m.hrefs, m.token = m.bare.changes(m.book, "") })
	if len(m.hrefs) != m.n {
		m.b.Fatalf("the server lists %d cards", len(m.hrefs))
	}
	e := m.timed(func() { m.bare.read(m.book, m.hrefs) })
	again := m.timed(func() { m.bare.read(m.book, m.hrefs) })
	e.note = fmt.Sprintf("the listing before took %s, the multigets once more %s", short(listing.time), short(again.time))
	return e
}

// reading is Cyrus to our side, then a round without and one with changes.
func (m *match) reading(bare entry, files *vdirsyncer) {
	first := m.table.section("read: Cyrus -> CRM, Cyrus -> files", "the multigets only")
	first.bare = bare
	first.vdirsyncer = m.files(files, 1)
	if n := files.count(); n != m.n {
		m.b.Fatalf("vdirsyncer made %d files", n)
	}
	lockstep := m.lockstep("source", 0)
	first.lockstep = m.ordered(lockstep, order{Do: "first", Peer: peerOrder{N: m.n, Profile: fmt.Sprintf("read-%d", m.n)}})

	m.idle(lockstep, files)

	some := m.table.section(fmt.Sprintf("round with %d changes, Cyrus -> here", changes), "one report, one multiget")
	m.bare.put(m.book, 0, changes, nil, func(i int) string { return someone(i).card("Call back.") })
	some.bare = m.timed(func() {
		hrefs, _ := m.bare.changes(m.book, m.token)
		m.bare.read(m.book, hrefs)
	})
	some.vdirsyncer = m.files(files, 1)
	some.lockstep = m.ordered(lockstep, order{Do: "from mail", Peer: peerOrder{N: changes}})
	lockstep.stop()
}

// idle is rounds in which nothing changed.
func (m *match) idle(lockstep *child, files *vdirsyncer) {
	s := m.table.section("round without a change", "one report")
	s.bare = m.timed(func() {
		for range idleRounds {
			m.bare.changes(m.book, m.token)
		}
	}).over(idleRounds)
	s.vdirsyncer = m.files(files, idleRuns)
	lockstep.ask(order{Do: "quiet"})
	s.lockstep = m.ordered(lockstep, order{Do: "idle", Peer: peerOrder{N: idleRounds}})
	s.lockstep.requests /= idleRounds
	whole := s.lockstep.time
	s.lockstep.time = time.Duration(s.lockstep.inside["Fetch"] * float64(time.Second))
	s.lockstep.note = "inside the activity; with the engine, from the signal on: " + short(whole)
}

// writing is our side to an empty address book, then changes of our side.
func (m *match) writing(bare entry, cards string) {
	first := m.table.section("write: CRM -> empty Cyrus, files -> empty Cyrus", "the PUTs only")
	first.bare = bare
	files := newVdirsyncer(m.b, m.bookOf("files"), "files", m.server.Password, cards)
	first.vdirsyncer = m.files(files, 1)
	lockstep := m.lockstep("crm", m.n)
	first.lockstep = m.ordered(lockstep, order{Do: "first", Peer: peerOrder{N: m.n, Profile: fmt.Sprintf("write-%d", m.n)}})
	again := m.timed(func() {
		m.bare.user = "warm"
		m.bare.put(m.bookOf("warm"), warmCards, warmCards+m.n, onlyNew, func(i int) string { return someone(i).card("") })
	})
	first.bare.note = "the PUTs once more, afterwards, took " + short(again.time)
	for _, user := range []string{"files", "crm"} {
		m.bare.user = user
		if hrefs, _ := m.bare.changes(m.bookOf(user), ""); len(hrefs) != m.n {
			m.b.Fatalf("%s has %d cards", user, len(hrefs))
		}
	}
	m.bare.user = "source"

	some := m.table.section(fmt.Sprintf("round with %d changes, here -> Cyrus", changes), "the PUTs only")
	some.bare = m.timed(func() {
		m.bare.put(m.book, 0, changes, nil, func(i int) string { return someone(i).card("Called back.") })
	})
	files.edit(changes)
	some.vdirsyncer = m.files(files, 1)
	lockstep.ask(order{Do: "quiet"})
	some.lockstep = m.ordered(lockstep, order{Do: "from crm", Peer: peerOrder{N: changes}})
	lockstep.stop()
}

// lockstep starts a house with the mailbox of a user.
func (m *match) lockstep(user string, contacts int) *child {
	m.b.Helper()
	c := startChild(m.b, "peer")
	c.ask(order{Do: "open", Peer: peerOrder{Dir: folder(m.b), URL: m.bookOf(user), User: user, Password: m.server.Password, Contacts: contacts}})
	return c
}

// ordered measures something that a house does.
func (m *match) ordered(c *child, o order) entry {
	m.b.Helper()
	var a answer
	requests := m.relay.during(func() { a = c.ask(o) })
	return entry{
		time: time.Duration(a.Result.Seconds * float64(time.Second)), requests: requests,
		busy: a.Result.Busy, memory: a.Result.Peak, before: a.Result.Before, inside: a.Result.Inside,
	}
}
