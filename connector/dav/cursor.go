package dav

import (
	"strconv"
	"strings"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// cursor is a position in a collection's changes. As text it is
// mode:count:position; the engine sees only that.
type cursor struct {
	mode cursorMode
	// count is how many members the collection had at least when the position
	// was reached. A report of changes that names about as many is checked.
	count    int
	position string // sync-token or ctag
}

type cursorMode string

const (
	fresh    cursorMode = ""     // list everything
	syncMode cursorMode = "sync" // position is a sync-token
	fullMode cursorMode = "full" // the same, in the middle of the first listing
	ctagMode cursorMode = "ctag" // position is a ctag; the server has no sync-tokens
)

func (c cursor) text() model.Cursor {
	if c.mode == fresh {
		return ""
	}
	return model.Cursor(string(c.mode) + ":" + strconv.Itoa(c.count) + ":" + c.position)
}

// parseCursor reads what text wrote. What anybody else wrote is a dead cursor.
func parseCursor(text model.Cursor) (cursor, error) {
	if text == "" {
		return cursor{}, nil
	}
	mode, rest, _ := strings.Cut(string(text), ":")
	number, position, ok := strings.Cut(rest, ":")
	count, err := strconv.Atoi(number)
	c := cursor{mode: cursorMode(mode), count: count, position: position}
	if !ok || err != nil || c.mode != syncMode && c.mode != fullMode && c.mode != ctagMode {
		return cursor{}, issue.Fault("dav.cursor")
	}
	return c, nil
}
