package engine

import (
	"fmt"
	"slices"
	"sync" //tidy:sync actors of one node share its engine, and each has views of its own

	"github.com/cockroachdb/pebble/v2"
)

// MaxViews bounds the views that are open at once on one engine. Each keeps Pebble from dropping what was overwritten
// since, so whoever opens views has a bound of its own well below this and closes them when they are old.
const MaxViews = 1024

// View is what an engine held at one moment, whatever is committed later. It lives in memory only: a crash, and closing
// the disk, end it. Its values are read like an engine's, but errors of the disk are returned.
type View struct {
	views *views
	snap  *pebble.Snapshot
}

// views are the open views of one engine.
type views struct {
	mu   sync.Mutex
	open []*View
}

// View opens a view of everything that is committed. The caller closes it.
func (e *Engine) View() *View {
	e.views.mu.Lock()
	defer e.views.mu.Unlock()
	if len(e.views.open) >= MaxViews {
		panic(fmt.Sprintf("engine: %d views are open: somebody does not close them", len(e.views.open)))
	}
	v := &View{views: e.views, snap: e.db.NewSnapshot()}
	e.views.open = append(e.views.open, v)
	return v
}

// Close ends the view. Closing it again does nothing.
func (v *View) Close() {
	v.views.mu.Lock()
	defer v.views.mu.Unlock()
	if i := slices.Index(v.views.open, v); i >= 0 {
		v.views.open = slices.Delete(v.views.open, i, i+1)
		v.end()
	}
}

// end gives the view back to Pebble.
func (v *View) end() {
	if err := v.snap.Close(); err != nil {
		panic(fmt.Sprintf("engine: close a view: %v", err))
	}
}

// closeAll ends all views: the database is about to be closed, and must have none then.
func (vs *views) closeAll() {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for _, v := range vs.open {
		v.end()
	}
	vs.open = nil
}

// Scan is Engine.Scan on the view. If it returns an error, fn has not seen all pairs.
func (v *View) Scan(start, end []byte, fn func(key, value []byte) bool) error {
	return scan(v.snap, start, end, false, fn)
}

// Hash is Engine.Hash on the view.
func (v *View) Hash(start, end []byte) (hash uint64, pairs int, err error) {
	h := NewHasher()
	err = v.Scan(start, end, func(key, value []byte) bool {
		h.Add(key, value)
		return true
	})
	return h.Sum(), h.Pairs(), err
}
