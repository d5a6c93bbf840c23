package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"google.golang.org/grpc"

	"lockstep.dev/workflows"
)

// operator is a namespace's search attributes.
type operator struct {
	operatorservice.OperatorServiceClient
	have   map[string]enums.IndexedValueType
	denied error
	added  int
}

func (o *operator) ListSearchAttributes(context.Context, *operatorservice.ListSearchAttributesRequest, ...grpc.CallOption) (*operatorservice.ListSearchAttributesResponse, error) {
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: o.have}, nil
}

func (o *operator) AddSearchAttributes(_ context.Context, in *operatorservice.AddSearchAttributesRequest, _ ...grpc.CallOption) (*operatorservice.AddSearchAttributesResponse, error) {
	if o.denied != nil {
		return nil, o.denied
	}
	for name, kind := range in.GetSearchAttributes() {
		o.have[name] = kind
		o.added++
	}
	return &operatorservice.AddSearchAttributesResponse{}, nil
}

func TestMissingSearchAttributesAreAddedOnce(t *testing.T) {
	wanted := workflows.SearchAttributes()
	o := &operator{have: map[string]enums.IndexedValueType{"LockstepState": wanted["LockstepState"], "Other": enums.INDEXED_VALUE_TYPE_INT}}
	for range 2 {
		if err := addAttributes(t.Context(), o, "default", wanted); err != nil {
			t.Fatal(err)
		}
	}
	if o.added != len(wanted)-1 || len(o.have) != len(wanted)+1 {
		t.Errorf("added %d: %v", o.added, o.have)
	}
}

func TestSearchAttributesThatCannotBeAddedAreNamed(t *testing.T) {
	wanted := workflows.SearchAttributes()
	o := &operator{have: map[string]enums.IndexedValueType{}, denied: errors.New("permission denied")}
	err := addAttributes(t.Context(), o, "sales", wanted)
	for name, kind := range wanted {
		want := "\n  temporal operator search-attribute create --namespace sales --name " + name + " --type " + kind.String()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("says %v, want %s", err, want)
		}
	}
	o = &operator{have: map[string]enums.IndexedValueType{"LockstepState": enums.INDEXED_VALUE_TYPE_DOUBLE}}
	err = addAttributes(t.Context(), o, "sales", wanted)
	if err == nil || !strings.HasPrefix(err.Error(), "the search attribute LockstepState of namespace sales is of the type Double, not Keyword") {
		t.Errorf("says %v", err)
	}
}
