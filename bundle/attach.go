package bundle

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// What may be attached: pictures, this many of this size.
const (
	MostAttachments = 5
	LargestPicture  = 5 << 20 // bytes
)

// Attachment is a picture that somebody adds to a bundle. Its name is not kept:
// names of files tell what they are about.
type Attachment struct {
	extension string
	body      []byte
}

// Attach reads pictures. What a file is goes by its content, not by its name.
func Attach(paths ...string) ([]Attachment, error) {
	if len(paths) > MostAttachments {
		return nil, fmt.Errorf("attach pictures: %d are too many; at most %d go along", len(paths), MostAttachments)
	}
	var out []Attachment
	for _, p := range paths {
		a, err := attach(p)
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", filepath.Base(p), err)
		}
		out = append(out, a)
	}
	return out, nil
}

func attach(path string) (Attachment, error) {
	f, err := os.Open(path) //nolint:gosec // the person who runs the program names it
	if err != nil {
		return Attachment{}, fmt.Errorf("it cannot be opened: %w", err)
	}
	defer func() { _ = f.Close() }()
	body, err := io.ReadAll(io.LimitReader(f, LargestPicture+1))
	switch {
	case err != nil:
		return Attachment{}, fmt.Errorf("it cannot be read: %w", err)
	case len(body) > LargestPicture:
		return Attachment{}, fmt.Errorf("it is larger than %d MB", LargestPicture>>20)
	}
	extension, ok := map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}[http.DetectContentType(body)]
	if !ok {
		return Attachment{}, fmt.Errorf("it is no picture; PNG, JPEG, GIF and WebP can be attached")
	}
	return Attachment{extension: extension, body: body}, nil
}
