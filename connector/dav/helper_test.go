package dav

import "time"

// testTime is a moment for tests; nothing depends on the clock.
func testTime() time.Time { return time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC) }
