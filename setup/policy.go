package setup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"lockstep.dev/model"
)

// unset is how a key that a policy need not have is shown where it is not there.
const unset = "(not set)"

// PolicyChanges says in which keys two policies differ once every default is
// filled in, as "kinds.event.past_days: 45 -> 90", sorted.
func PolicyChanges(old, to model.Policy) []string {
	was, is := flat(old.Complete()), flat(to.Complete())
	var out []string
	for _, m := range [][2]map[string]string{{was, is}, {is, was}} {
		for key := range m[0] {
			if _, there := m[1][key]; !there {
				m[1][key] = unset
			}
		}
	}
	for key, value := range is {
		if was[key] != value {
			out = append(out, fmt.Sprintf("%s: %s -> %s", key, was[key], value))
		}
	}
	slices.Sort(out)
	return out
}

// flat lists a policy's values by dotted key.
func flat(p model.Policy) map[string]string {
	// A struct of texts and numbers cannot fail to encode.
	text, _ := json.Marshal(p)
	var tree map[string]any
	_ = json.Unmarshal(text, &tree)
	out := map[string]string{}
	flatten("", tree, out)
	delete(out, "name")
	return out
}

func flatten(prefix string, value any, out map[string]string) {
	node, ok := value.(map[string]any)
	if !ok {
		out[prefix] = fmt.Sprint(value)
		if list, several := value.([]any); several {
			text, _ := json.Marshal(list) // it was read from JSON
			out[prefix] = string(text)
		}
		return
	}
	for key, v := range node {
		if prefix != "" {
			key = prefix + "." + key
		}
		flatten(key, v, out)
	}
}

// PolicyText writes policies, complete with their defaults, as a file that
// ReadPolicies reads.
func PolicyText(policies ...model.Policy) ([]byte, error) {
	in := struct {
		Policies []model.Policy `yaml:"policies"`
	}{}
	for _, p := range policies {
		in.Policies = append(in.Policies, p.Complete())
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(in); err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	return out.Bytes(), enc.Close()
}
