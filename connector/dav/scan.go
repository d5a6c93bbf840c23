package dav

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A small reader of XML as DAV servers write it. encoding/xml is not used for
// answers for two reasons: it folds CRLF to LF inside calendar data (XML 1.0
// section 2.11), so that what we keep would no longer be the object's own
// bytes, and it refuses a whole answer because one object in it holds a control
// character. Document types are refused, so entities cannot be declared.

// Limits of one answer element.
const (
	maxElementBytes = 64 << 20 // one response element with everything in it
	maxElementNodes = 100_000
	maxDepth        = 64
)

// name is an element's namespace and local name.
type name struct{ space, local string }

// node is an element with its text and its children.
type node struct {
	name     name
	attrs    []attr // without xmlns
	text     string
	children []*node
}

type attr struct{ local, value string }

// child returns the first child of that name, or an empty node.
func (n *node) child(want name) *node {
	for _, c := range n.children {
		if c.name == want {
			return c
		}
	}
	return &node{}
}

func (n *node) has(want name) bool {
	for _, c := range n.children {
		if c.name == want {
			return true
		}
	}
	return false
}

func (n *node) attr(local string) string {
	for _, a := range n.attrs {
		if a.local == local {
			return a.value
		}
	}
	return ""
}

// token is what the scanner found: the start of an element (empty: it ended at
// once), its end, or the end of the document.
type token struct {
	kind  tokenKind
	name  name
	attrs []attr
	empty bool
}

type tokenKind uint8

const (
	startToken tokenKind = iota
	endToken
	eofToken
)

var errXML = errors.New("not well-formed XML")

// scanner reads a document piece by piece; text between tags collects in text.
type scanner struct {
	r      *bufio.Reader
	text   []byte
	tag    []byte
	spaces []binding
	depths []int // len(spaces) at each open element
	budget int   // bytes the current element may still take
}

type binding struct{ prefix, space string }

func newScanner(r io.Reader) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 64<<10), budget: maxElementBytes}
}

// next returns the next tag. Text before it is in s.text.
func (s *scanner) next() (token, error) {
	for {
		if err := s.readText(); err != nil {
			if errors.Is(err, io.EOF) && len(s.depths) == 0 && len(bytes.TrimSpace(s.text)) == 0 {
				return token{kind: eofToken}, nil
			}
			return token{}, unexpectedEnd(err)
		}
		t, done, err := s.markup()
		if err != nil {
			return token{}, unexpectedEnd(err)
		}
		if done {
			return t, nil
		}
	}
}

func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the document ended unexpectedly: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// readText appends everything up to the next "<" to s.text, entities resolved.
func (s *scanner) readText() error {
	from := len(s.text)
	for {
		chunk, err := s.r.ReadSlice('<')
		if errors.Is(err, bufio.ErrBufferFull) {
			err = nil
			s.text = append(s.text, chunk...)
		} else if err == nil {
			s.text = append(s.text, chunk[:len(chunk)-1]...)
			return s.resolve(from, len(chunk))
		}
		if err != nil {
			s.text = append(s.text, chunk...)
			return err
		}
		if err := s.spend(len(chunk)); err != nil {
			return err
		}
	}
}

func (s *scanner) spend(n int) error {
	if s.budget -= n; s.budget < 0 {
		return fmt.Errorf("one element is larger than %d MB: %w", maxElementBytes>>20, errXML)
	}
	return nil
}

// resolve replaces entities in the text from an offset on.
func (s *scanner) resolve(from, spent int) error {
	if err := s.spend(spent); err != nil {
		return err
	}
	part := s.text[from:]
	amp := bytes.IndexByte(part, '&')
	if amp < 0 {
		return nil
	}
	resolved, err := unescape(part[amp:])
	if err != nil {
		return err
	}
	s.text = append(s.text[:from+amp], resolved...)
	return nil
}

// unescape resolves the five entities and character references of XML 1.0
// sections 4.1 and 4.6.
func unescape(in []byte) ([]byte, error) {
	out := make([]byte, 0, len(in))
	for {
		amp := bytes.IndexByte(in, '&')
		if amp < 0 {
			return append(out, in...), nil
		}
		out = append(out, in[:amp]...)
		in = in[amp+1:]
		semi := bytes.IndexByte(in[:min(len(in), 12)], ';')
		if semi < 0 {
			return nil, fmt.Errorf("an ampersand without its entity: %w", errXML)
		}
		r, ok := entity(string(in[:semi]))
		if !ok {
			return nil, fmt.Errorf("an unknown entity: %w", errXML)
		}
		out = utf8.AppendRune(out, r)
		in = in[semi+1:]
	}
}

func entity(s string) (rune, bool) {
	switch s {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, base := strings.TrimPrefix(s, "#"), 10
	if digits == s {
		return 0, false
	}
	if hex := strings.TrimPrefix(digits, "x"); hex != digits {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil && utf8.ValidRune(rune(n))
}

// markup reads what follows a "<": done is false for what carries no element.
func (s *scanner) markup() (t token, done bool, err error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return token{}, false, err
	}
	switch c {
	case '?':
		return token{}, false, s.skip("?>")
	case '!':
		return token{}, false, s.declaration()
	case '/':
		t, err = s.endTag()
		return t, true, err
	}
	if err := s.r.UnreadByte(); err != nil {
		return token{}, false, err
	}
	t, err = s.startTag()
	return t, true, err
}

// declaration reads a comment (skipped) or CDATA (text as it stands).
func (s *scanner) declaration() error {
	head, err := s.r.Peek(2)
	if err != nil {
		return err
	}
	if string(head) == "--" {
		return s.skip("-->")
	}
	intro := make([]byte, len("[CDATA["))
	if _, err := io.ReadFull(s.r, intro); err != nil {
		return err
	}
	if string(intro) != "[CDATA[" {
		return fmt.Errorf("a document type: %w", errXML)
	}
	return s.until("]]>", &s.text)
}

func (s *scanner) skip(end string) error {
	var dropped []byte
	return s.until(end, &dropped)
}

// until reads up to and including end and appends what stands before it.
func (s *scanner) until(end string, to *[]byte) error {
	from := len(*to)
	for {
		chunk, err := s.r.ReadSlice(end[len(end)-1])
		*to = append(*to, chunk...)
		if spendErr := s.spend(len(chunk)); spendErr != nil {
			return spendErr
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if bytes.HasSuffix((*to)[from:], []byte(end)) {
			*to = (*to)[:len(*to)-len(end)]
			return nil
		}
	}
}

// readTag reads up to the ">" that ends a tag; one inside an attribute value
// does not.
func (s *scanner) readTag() ([]byte, error) {
	s.tag = s.tag[:0]
	var quote byte
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return nil, err
		}
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return s.tag, s.spend(len(s.tag) + 1)
		}
		if s.tag = append(s.tag, c); len(s.tag) > 64<<10 {
			return nil, fmt.Errorf("a tag without an end: %w", errXML)
		}
	}
}

func (s *scanner) endTag() (token, error) {
	tag, err := s.readTag()
	if err != nil {
		return token{}, err
	}
	if len(s.depths) == 0 {
		return token{}, fmt.Errorf("an end without a start: %w", errXML)
	}
	t := token{kind: endToken, name: s.qualify(strings.TrimSpace(string(tag)))}
	s.leave()
	return t, nil
}

func (s *scanner) leave() {
	last := len(s.depths) - 1
	s.spaces = s.spaces[:s.depths[last]]
	s.depths = s.depths[:last]
}

func (s *scanner) startTag() (token, error) {
	tag, err := s.readTag()
	if err != nil {
		return token{}, err
	}
	if len(s.depths) >= maxDepth {
		return token{}, fmt.Errorf("elements nest too deeply: %w", errXML)
	}
	text := string(tag)
	t := token{kind: startToken}
	if cut, ok := strings.CutSuffix(text, "/"); ok {
		t.empty, text = true, cut
	}
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 {
		end = len(text)
	}
	s.depths = append(s.depths, len(s.spaces))
	attrs, err := s.attributes(text[end:])
	if err != nil {
		return token{}, err
	}
	t.attrs = attrs
	if t.name = s.qualify(text[:end]); t.name.local == "" {
		return token{}, fmt.Errorf("an element without a name: %w", errXML)
	}
	if t.empty {
		s.leave()
	}
	return t, nil
}

// attributes reads name="value" pairs and takes namespace declarations in.
func (s *scanner) attributes(text string) ([]attr, error) {
	var out []attr
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return out, nil
		}
		key, rest, ok := strings.Cut(text, "=")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || rest == "" || (rest[0] != '"' && rest[0] != '\'') {
			return nil, fmt.Errorf("an attribute without a value: %w", errXML)
		}
		raw, after, ok := strings.Cut(rest[1:], rest[:1])
		if !ok {
			return nil, fmt.Errorf("an attribute that does not end: %w", errXML)
		}
		value, err := unescape([]byte(raw))
		if err != nil {
			return nil, err
		}
		key, text = strings.TrimSpace(key), after
		switch prefix, local, found := strings.Cut(key, ":"); {
		case key == "xmlns":
			s.spaces = append(s.spaces, binding{"", string(value)})
		case found && prefix == "xmlns":
			s.spaces = append(s.spaces, binding{local, string(value)})
		case found:
			out = append(out, attr{local, string(value)})
		default:
			out = append(out, attr{key, string(value)})
		}
	}
}

// qualify resolves a prefix. One that was never declared stands for itself, as
// some servers forget the declaration.
func (s *scanner) qualify(raw string) name {
	prefix, local, found := strings.Cut(raw, ":")
	if !found {
		prefix, local = "", raw
	}
	for i := len(s.spaces) - 1; i >= 0; i-- {
		if s.spaces[i].prefix == prefix {
			return name{s.spaces[i].space, local}
		}
	}
	return name{prefix, local}
}

// tree reads the element that t opened, with everything in it.
func (s *scanner) tree(t token) (*node, error) {
	count := 0
	return s.subtree(t, &count)
}

func (s *scanner) subtree(t token, count *int) (*node, error) {
	n := &node{name: t.name, attrs: t.attrs}
	if *count++; *count > maxElementNodes {
		return nil, fmt.Errorf("too many elements in one: %w", errXML)
	}
	s.text = s.text[:0]
	if t.empty {
		return n, nil
	}
	for {
		next, err := s.next()
		if err != nil {
			return nil, err
		}
		switch next.kind {
		case startToken:
			child, err := s.subtree(next, count)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		case endToken:
			if next.name != n.name {
				return nil, fmt.Errorf("an element is closed by the end of another: %w", errXML)
			}
			// Text between children is white space; what a leaf holds counts.
			if len(n.children) == 0 {
				n.text = string(s.text)
			}
			s.text = s.text[:0]
			return n, nil
		default:
			return nil, fmt.Errorf("an element without its end: %w", errXML)
		}
	}
}
