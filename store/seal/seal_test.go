package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"lockstep.dev/store/seal"
)

func ring(t *testing.T, current string, older ...string) *seal.Ring {
	t.Helper()
	var old [][]byte
	for _, o := range older {
		old = append(old, []byte(o))
	}
	r, err := seal.NewRing([]byte(current), old...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var one, two = strings.Repeat("1", 32), strings.Repeat("2", 32)

// Decision 17: secrets are sealed at rest, and only their own row opens them.
func TestASecretComesBackOnlyForItsPurpose(t *testing.T) {
	r := ring(t, one)
	sealed, err := r.Seal([]byte("p4ssw0rd"), "mailbox 7")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("p4ssw0rd")) {
		t.Fatal("the secret is in clear")
	}
	open, err := r.Open(sealed, "mailbox 7")
	if err != nil || string(open) != "p4ssw0rd" {
		t.Fatalf("opened %q, %v", open, err)
	}
	if _, err := r.Open(sealed, "mailbox 8"); !errors.Is(err, seal.ErrKey) {
		t.Fatalf("moved to another row: %v", err)
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := r.Open(sealed, "mailbox 7"); !errors.Is(err, seal.ErrKey) {
		t.Fatalf("changed: %v", err)
	}
	again, err := r.Seal([]byte("p4ssw0rd"), "mailbox 7")
	if err != nil || bytes.Equal(again[:20], sealed[:20]) && bytes.Equal(again, sealed) {
		t.Fatal("sealing twice gave the same bytes")
	}
}

func TestNoSecretIsNothing(t *testing.T) {
	r := ring(t, one)
	sealed, err := r.Seal(nil, "x")
	if err != nil || sealed != nil {
		t.Fatalf("sealed nothing to %v, %v", sealed, err)
	}
	open, err := r.Open(nil, "x")
	if err != nil || open != nil {
		t.Fatalf("opened nothing to %v, %v", open, err)
	}
	if !r.Current(nil) {
		t.Fatal("nothing needs no new seal")
	}
}

func TestAKeyCanBeReplaced(t *testing.T) {
	before, after, later := ring(t, one), ring(t, two, one), ring(t, two)
	sealed, err := before.Seal([]byte("s"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := later.Open(sealed, "x"); !errors.Is(err, seal.ErrKey) {
		t.Fatalf("opened with another key: %v", err)
	}
	open, err := after.Open(sealed, "x")
	if err != nil || string(open) != "s" {
		t.Fatalf("opened %q, %v", open, err)
	}
	if after.Current(sealed) {
		t.Fatal("what the old key sealed is not current")
	}
	sealed, err = after.Seal(open, "x")
	if err != nil || !after.Current(sealed) {
		t.Fatalf("sealed anew, %v", err)
	}
	if open, err = later.Open(sealed, "x"); err != nil || string(open) != "s" {
		t.Fatalf("opened %q, %v", open, err)
	}
}

func TestGarbageIsNotASecret(t *testing.T) {
	for _, b := range [][]byte{{0}, {1}, []byte(strings.Repeat("x", 60)), append([]byte{1}, make([]byte, 8)...)} {
		if _, err := ring(t, one).Open(b, "x"); !errors.Is(err, seal.ErrKey) {
			t.Fatalf("opened %v: %v", b, err)
		}
	}
}

func TestAShortKeyIsRefused(t *testing.T) {
	if _, err := seal.NewRing([]byte("short")); err == nil || !strings.Contains(err.Error(), "16") {
		t.Fatalf("error is %v", err)
	}
	if _, err := seal.NewRing([]byte(one), []byte("short")); err == nil {
		t.Fatal("a short old key was taken")
	}
}

func TestFingerprintsDependOnSeedAndPurpose(t *testing.T) {
	a, err := seal.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, seed := range [][]byte{a, b} {
		for _, purpose := range []string{"content", "natural"} {
			m, err := seal.NewMAC(seed, purpose)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Sum([]byte("x")), m.Sum([]byte("x"))) || bytes.Equal(m.Sum([]byte("x")), m.Sum([]byte("y"))) {
				t.Fatal("a fingerprint must say equal of equals, and only of them")
			}
			seen[string(m.Sum([]byte("x")))] = true
		}
	}
	if len(seen) != 4 {
		t.Fatalf("%d different fingerprints of 4", len(seen))
	}
}
