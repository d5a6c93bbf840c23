package dav_test

import (
	"fmt"
	"net/http"
	"testing"
)

const benchCards = 10_000

func filled(b *testing.B) *world {
	w := newWorld(b)
	for i := range benchCards {
		if _, err := w.srv.Put(b.Context(), fmt.Sprintf("%s%d.vcf", w.contacts, i), []byte(card(fmt.Sprint(i), "Person"))); err != nil {
			b.Fatal(err)
		}
	}
	return w
}

// A first listing of 10,000 cards.
func BenchmarkSyncCollectionFull(b *testing.B) {
	w := filled(b)
	for b.Loop() {
		w.do(http.StatusMultiStatus, "REPORT", w.contacts, syncBody("", ""), "Depth", "0")
	}
}

// Nothing changed in 10,000 cards.
func BenchmarkSyncCollectionQuiet(b *testing.B) {
	w := filled(b)
	_, token := w.members(w.do(http.StatusMultiStatus, "REPORT", w.contacts, syncBody("", ""), "Depth", "0"))
	for b.Loop() {
		w.do(http.StatusMultiStatus, "REPORT", w.contacts, syncBody(token, ""), "Depth", "0")
	}
}

// A hundred of 10,000 cards with their content.
func BenchmarkMultiget100(b *testing.B) {
	w := filled(b)
	var hrefs []string
	for i := range 100 {
		hrefs = append(hrefs, fmt.Sprintf("%s%d.vcf", w.contacts, i*benchCards/100))
	}
	body := multiget("addressbook", hrefs...)
	for b.Loop() {
		w.do(http.StatusMultiStatus, "REPORT", w.contacts, body)
	}
}

// One new card among 10,000.
func BenchmarkPut(b *testing.B) {
	w := filled(b)
	for i := 0; b.Loop(); i++ {
		w.put(fmt.Sprintf("%snew%d.vcf", w.contacts, i), card(fmt.Sprintf("new%d", i), "Person"), "If-None-Match", "*")
	}
}
