package timezone

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"lockstep.dev/vobject"
)

// Years that a custom location knows. Outside of them its first or last
// offset holds.
const (
	customFirst = 1970
	customLast  = 2100
)

// Custom makes a location that follows a VTIMEZONE, for a zone that matches no
// IANA zone. It is for computing instants only: what is written back keeps the
// TZID and the VTIMEZONE of the file.
func Custom(tzid string, def vobject.Component) (*time.Location, error) {
	d, err := readDefinition(def)
	if err != nil {
		return nil, err
	}
	loc, err := time.LoadLocationFromTZData(tzid, tzif(d.steps(customFirst, customLast)))
	if err != nil {
		return nil, fmt.Errorf("use VTIMEZONE: %w", err)
	}
	return loc, nil
}

// tzif writes the compiled form of a zone, version 2 (RFC 8536 section 3): an
// empty block of 32 bit data and one of 64 bit data.
func tzif(steps []step) []byte {
	var offsets []int
	for _, s := range steps {
		if !slices.Contains(offsets, s.offset) && len(offsets) < 255 {
			offsets = append(offsets, s.offset)
		}
	}
	header := func(times, types, chars int) []byte {
		b := append([]byte("TZif2"), make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, times, types, chars} {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		return b
	}
	const name = "custom\x00"
	out := append(header(0, 0, 0), header(len(steps)-1, len(offsets), len(name))...)
	for _, s := range steps[1:] {
		out = binary.BigEndian.AppendUint64(out, uint64(s.at))
	}
	for _, s := range steps[1:] {
		out = append(out, byte(max(0, slices.Index(offsets, s.offset))))
	}
	for _, o := range offsets {
		out = binary.BigEndian.AppendUint32(out, uint32(int32(o)))
		out = append(out, 0, 0)
	}
	out = append(out, name...)
	return append(out, "\n\n"...)
}
