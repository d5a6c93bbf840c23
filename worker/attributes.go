package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
)

// addAttributes gives a namespace the search attributes that it lacks. Without
// them the server refuses what a mailbox says of its state, and the mailbox
// stands still; so a worker does not start.
func addAttributes(ctx context.Context, operator operatorservice.OperatorServiceClient, namespace string, wanted map[string]enums.IndexedValueType) error {
	have, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		is, ok := have.GetCustomAttributes()[name]
		switch {
		case !ok:
			missing[name] = wanted[name]
		case is != wanted[name]:
			return fmt.Errorf("the search attribute %s of namespace %s is of the type %s, not %s; remove it, or use another namespace", name, namespace, is, wanted[name])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("the namespace %s lacks search attributes, and this worker may not add them (%w); add them with:%s", namespace, err, byHand(namespace, missing))
	}
	return nil
}

// byHand says how a person adds search attributes.
func byHand(namespace string, missing map[string]enums.IndexedValueType) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		fmt.Fprintf(&b, "\n  temporal operator search-attribute create --namespace %s --name %s --type %s", namespace, name, missing[name])
	}
	return b.String()
}
