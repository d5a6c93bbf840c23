package cli_test

import (
	"strings"
	"testing"
)

// B10: what is retried is chosen by id or by filter, never by accident.
func TestRetryAndIgnoreWantToKnowWhich(t *testing.T) {
	for args, want := range map[string]string{
		"issue retry":                          "name issues, or choose them",
		"issue retry iss_1 --code dav.403":     "not both",
		"issue retry iss_9":                    "there is no issue iss_9",
		"issue ignore":                         "wrong number of arguments",
		"issue ignore iss_9":                   "there is no issue iss_9",
		"issue list --code x --mailbox-of-ann": "unknown flag",
	} {
		h := shown(t)
		code, _, talk := h.run(strings.Fields(args)...)
		if code == 0 || !strings.Contains(talk, want) {
			t.Errorf("%s: exit code %d, says %s", args, code, talk)
		}
	}
}

func TestRetryAndIgnoreSayHowMany(t *testing.T) {
	h := shown(t)
	if code, _, talk := h.run("issue", "retry", "--code", "dav.403"); code != 0 || !strings.Contains(talk, "0 items will be tried again.") {
		t.Errorf("exit code %d, says %s", code, talk)
	}
	if code, out, talk := h.run("issue", "ignore", "iss_1", "--json"); code != 0 || !strings.Contains(out, `"issues": 0`) {
		t.Errorf("exit code %d, prints %s, says %s", code, out, talk)
	}
}
