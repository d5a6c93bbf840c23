package memory

import (
	"context"
	"errors"
	"fmt"

	"lockstep.dev/connector"
	"lockstep.dev/model"
)

// Apply implements connector.Session.
func (s *session) Apply(ctx context.Context, ops []model.Operation) ([]model.Receipt, error) {
	h, err := s.enter(ctx, "apply")
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	out := make([]model.Receipt, len(ops))
	for i, op := range ops {
		s.count("write")
		st, err := s.write(h, op)
		out[i] = s.receipt(op, st, err)
	}
	return out, nil
}

func (s *session) receipt(op model.Operation, st *state, err error) model.Receipt {
	if errors.Is(err, errExisted) {
		out := s.receipt(op, st, nil)
		out.Existed = true
		return out
	}
	switch {
	case err != nil:
		return model.Receipt{Outcome: model.Refused, Err: err}
	case st == nil:
		return model.Receipt{Outcome: model.Done, Ref: op.Ref}
	case st.gone || s.config.Silent:
		return model.Receipt{Outcome: model.Done, Ref: s.ref(st)}
	default:
		it := s.read(st)
		return model.Receipt{Outcome: model.Done, Ref: it.Ref, Item: &it}
	}
}

// write carries out one operation and returns the state it led to; nil = what
// was to be deleted is gone already.
func (s *session) write(h *home, op model.Operation) (*state, error) {
	if s.config.Refuse != nil && s.config.Refuse(op) {
		return nil, s.fault("memory.rule")
	}
	switch op.Action {
	case model.Create:
		return s.create(h, op)
	case model.Update, model.Delete, model.Stamp:
		return s.rewrite(h, op)
	default:
		return nil, s.fault("memory.action")
	}
}

// errExisted says that a create's key had made an item before.
var errExisted = errors.New("it was created before")

func (s *session) create(h *home, op model.Operation) (*state, error) {
	if err := s.writable(h, op.Ref); err != nil {
		return nil, err
	}
	tier := s.tier(op.Ref.Kind)
	id := fmt.Sprintf("%s-%d", op.Ref.Kind, s.number())
	if tier == connector.T1 && op.Key != "" {
		id = string(op.Key)
		if known := h.keys[op.Key]; known != "" {
			switch i := h.items[key(op.Ref.Kind, known)]; {
			case i != nil && !i.now().gone:
				return i.now(), errExisted
			case !s.config.Reuse:
				return nil, s.fault("memory.key-used")
			}
		}
		h.keys[op.Key] = id
	}
	st := state{
		kind: op.Ref.Kind, id: id, collection: op.Ref.Collection, uid: op.UID, owner: op.Actor, content: op.Content.Clone(),
	}
	if tier != connector.T3 {
		st.stamp = op.Key
	}
	if s.config.OwnUID {
		st.uid = ""
	}
	if st.uid == "" {
		st.uid = id + "@" + s.config.Name + ".example"
	}
	now := s.change(h, st)
	s.send(op, now)
	return now, nil
}

// rewrite updates, deletes or stamps what is there.
func (s *session) rewrite(h *home, op model.Operation) (*state, error) {
	i := h.items[key(op.Ref.Kind, op.Ref.ID)]
	if i == nil || i.now().gone {
		if op.Action == model.Delete {
			return nil, nil
		}
		return nil, s.fault("memory.missing")
	}
	st := *i.now()
	if s.config.Kinds[st.kind].Conditional && op.Expect != "" && op.Expect != version(st.seq) {
		return nil, s.fault("memory.version")
	}
	if err := s.writable(h, s.ref(&st)); err != nil {
		return nil, err
	}
	switch op.Action {
	case model.Delete:
		st.gone = true
	case model.Stamp:
		st.stamp = op.Key
	default:
		st.content = st.content.Clone()
		for _, f := range op.Changed {
			st.content.Put(f, op.Content[f])
		}
	}
	now := s.change(h, st)
	s.send(op, now)
	return now, nil
}

func (s *session) writable(h *home, r model.Ref) error {
	for _, c := range h.collections {
		if c.ID == r.Collection && c.Kind == r.Kind {
			if c.ReadOnly {
				return s.fault("memory.read-only")
			}
			return nil
		}
	}
	return s.fault("memory.collection")
}

// send mails the attendees, where the operation says so.
func (s *session) send(op model.Operation, st *state) {
	if op.Notify != model.NotifyAttendees {
		return
	}
	for _, e := range st.content.Set("attendees") {
		if e.Key != model.FoldAddress(st.content.Text("organizer")) {
			s.outbox = append(s.outbox, Mail{To: e.Key, Item: st.id, About: op.Action})
		}
	}
}

// Unstamp implements connector.Cleaner.
func (s *session) Unstamp(ctx context.Context, refs []model.Ref) error {
	h, err := s.enter(ctx, "unstamp")
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	for _, r := range refs {
		if i := h.items[key(r.Kind, r.ID)]; i != nil && !i.now().gone && i.now().stamp != "" {
			s.count("write")
			st := *i.now()
			st.stamp = ""
			s.change(h, st)
		}
	}
	return nil
}
