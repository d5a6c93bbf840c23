package memory_test

import (
	"testing"

	"lockstep.dev/store"
	"lockstep.dev/store/memory"
	"lockstep.dev/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return memory.New() })
}
