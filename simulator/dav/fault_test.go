package dav_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockstep.dev/simulator/dav"
)

// The next requests that match are refused, with a time to come back.
func TestRefusedRequests(t *testing.T) {
	w := newWorld(t)
	w.srv.Inject(dav.Fault{Method: http.MethodPut, Skip: 1, Count: 2, Status: http.StatusTooManyRequests, RetryAfter: 1500 * time.Millisecond})
	path := w.contacts + "ada.vcf"
	w.do(http.StatusCreated, http.MethodPut, path, card("ada", "Ada"))
	for range 2 {
		if r := w.do(http.StatusTooManyRequests, http.MethodPut, path, card("ada", "A")); r.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After: %q", r.header.Get("Retry-After"))
		}
		w.do(http.StatusOK, http.MethodGet, path, "") // other methods pass
	}
	w.do(http.StatusNoContent, http.MethodPut, path, card("ada", "A"))

	w.srv.Inject(dav.Fault{PathPrefix: w.contacts, Count: dav.Always, Status: http.StatusUnauthorized})
	w.do(http.StatusUnauthorized, http.MethodGet, path, "")
	w.do(http.StatusUnauthorized, http.MethodGet, path, "")
	w.do(http.StatusMultiStatus, "PROPFIND", w.calendar, "", "Depth", "0")
	w.srv.ClearFaults()
	w.do(http.StatusOK, http.MethodGet, path, "")
}

// Done remotely, answer lost: the work is there although the client saw an
// error. Dropped before: it is not.
func TestLostAnswers(t *testing.T) {
	w := newWorld(t)
	for effect, stored := range map[dav.Effect]bool{dav.DropAfter: true, dav.DropBefore: false} {
		path := w.contacts + "lost.vcf"
		w.srv.Inject(dav.Fault{Method: http.MethodPut, Effect: effect})
		if r, err := w.request(http.MethodPut, path, card("lost", "Lost")); err == nil {
			t.Fatalf("an answer came: %+v", r)
		}
		_, err := w.srv.Get(t.Context(), path)
		if (err == nil) != stored {
			t.Errorf("effect %d: stored %v, want %v", effect, err == nil, stored)
		}
		_ = w.srv.Delete(t.Context(), path) // there or not
	}
}

// An answer that ends half-way is an error for the client, never a short list.
func TestTruncatedAnswer(t *testing.T) {
	w := newWorld(t)
	w.put(w.contacts+"ada.vcf", card("ada", "Ada"))
	w.srv.Inject(dav.Fault{Method: "REPORT", Effect: dav.Truncate})
	r, err := w.request("REPORT", w.contacts, syncBody("", ""), "Depth", "0")
	if err == nil || r.status != http.StatusMultiStatus || !strings.HasPrefix(r.body, "<?xml") {
		t.Errorf("a whole answer came: %v, %+v", err, r)
	}
}

// How writes go wrong on servers in the field.
func TestWriteQuirks(t *testing.T) {
	w := newWorld(t)
	path := w.contacts + "ada.vcf"
	w.srv.SetBehaviour(dav.Behaviour{NoETagOnPut: true})
	if etag := w.put(path, card("ada", "Ada")); etag != "" {
		t.Errorf("an ETag came: %s", etag)
	}
	w.srv.SetBehaviour(dav.Behaviour{RewriteOnStore: true})
	if etag := w.put(path, card("ada", "Ada")); etag != "" {
		t.Errorf("an ETag came for other bytes: %s", etag)
	}
	if got := w.do(http.StatusOK, http.MethodGet, path, "").body; !strings.Contains(got, "\r\nX-REHEARSAL-STORED:2\r\nEND:VCARD\r\n") {
		t.Errorf("stored: %q", got)
	}
	w.srv.SetBehaviour(dav.Behaviour{IgnoreIfNoneMatch: true})
	w.do(http.StatusNoContent, http.MethodPut, path, card("ada", "Overwritten"), "If-None-Match", "*")
	w.srv.SetBehaviour(dav.Behaviour{IgnoreIfMatch: true})
	w.do(http.StatusNoContent, http.MethodDelete, path, "", "If-Match", `"old"`)

	w.srv.SetBehaviour(dav.Behaviour{RestartETags: true})
	first := w.put(path, card("ada", "One"))
	w.do(http.StatusNoContent, http.MethodDelete, path, "")
	if again := w.put(path, card("ada", "Two")); again != first {
		t.Errorf("ETags %s and %s, want the same for another content", first, again)
	}
	w.srv.SetBehaviour(dav.Behaviour{AcceptGarbage: true})
	w.put(w.contacts+"junk.vcf", "this is no card")
	w.put(w.contacts+"junk2.vcf", "this is no card")
	w.srv.SetBehaviour(dav.Behaviour{})
	if got := w.do(http.StatusOK, http.MethodGet, w.contacts+"junk.vcf", "").body; got != "this is no card" {
		t.Errorf("handed back: %q", got)
	}
}

// A client that gives up does not wait for a slow server.
func TestLatency(t *testing.T) {
	w := newWorld(t)
	w.srv.SetBehaviour(dav.Behaviour{Latency: time.Hour})
	client := http.Client{Timeout: 20 * time.Millisecond}
	if _, err := client.Get(w.url); err == nil {
		t.Fatal("an answer came")
	}
	w.srv.SetBehaviour(dav.Behaviour{Latency: time.Millisecond})
	w.do(http.StatusOK, http.MethodGet, "/", "")
}

// A test can act at the moment of a request: here somebody changes a card
// between a client's look and its write.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	path := w.contacts + "ada.vcf"
	etag := w.put(path, card("ada", "Ada"))
	var calls atomic.Int32
	w.srv.Watch(func(method, at string) {
		if method == http.MethodPut && at == path && calls.Add(1) == 1 {
			_, err := w.srv.Put(t.Context(), path, []byte(card("ada", "Somebody")))
			if err != nil {
				t.Error(err)
			}
		}
	})
	w.do(http.StatusPreconditionFailed, http.MethodPut, path, card("ada", "Me"), "If-Match", etag)
	w.srv.Watch(nil)
	w.srv.ResetCounts()
	w.do(http.StatusOK, http.MethodGet, path, "")
	if n := w.srv.Counts().Total; n != 1 || calls.Load() != 1 {
		t.Errorf("%d requests, %d calls", n, calls.Load())
	}
}
