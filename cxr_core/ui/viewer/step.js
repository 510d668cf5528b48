// Two films side by side: what is done to one is done to the other while they are in step.
//
// A gesture is repeated, not a state copied: films that were aligned by hand, out of step, stay aligned
// when they are in step again.

let lastUsed = null; // the viewer that had the focus last: it has the keys

function othersOf(viewer) {
  return [...viewers.values()].filter((other) => other !== viewer && other.film && other.root.isConnected);
}

// The viewer itself, and the one that goes with it.
function inStep(viewer) {
  if (!viewer.film) return [];
  return viewer.film.inStep ? [viewer, ...othersOf(viewer)] : [viewer];
}

// How a film opens: as a whole, or where the film beside it is.
function firstLook(viewer, data) {
  const [other] = data.inStep ? othersOf(viewer) : [];
  const { zoom, x, y } = other?.look ?? WHOLE;
  return { ...newLook(), zoom, x, y };
}

// Whether a key is for this viewer: in it, or nowhere else, and this one was used last.
function isAddressed(viewer, event) {
  const at = event.target;
  const all = [...viewers.values()];
  const inside = all.find(({ root }) => at instanceof Node && root.contains(at));
  const first = all.find(({ film }) => film?.slot === "film") ?? all[0];
  return viewer === (inside ?? lastUsed ?? first);
}

// After a film's window was moved from what it was before: the same change of the picture beside it.
// Depths differ, so the numbers cannot be the same: a level moves by a share of the window's width, a
// width by a factor. Of a film whose low values are bright, a level moves the other way.
function windowInStep(viewer, before) {
  const film = films.get(viewer.film.identity);
  const now = windowOf(film, viewer.look);
  const unit = Math.max(before.width, 1e-9);
  const level = (now.center - before.center) / unit;
  const width = now.width / unit;
  for (const other of inStep(viewer).slice(1)) {
    const second = films.get(other.film.identity);
    if (!second) continue;
    const from = windowOf(second, other.look);
    const turned = isTurned(film, viewer.look) !== isTurned(second, other.look);
    const moved = from.center + (turned ? -level : level) * from.width;
    setWindow(second, other.look, moved, from.width * width);
    other.refresh();
  }
}

function isTurned(film, look) {
  return film.inverted !== look.inverted;
}

// After a window was chosen by its name: the one of that name beside it, where the other file has it.
function presetInStep(viewer) {
  const { name } = windowOf(films.get(viewer.film.identity), viewer.look);
  for (const other of inStep(viewer).slice(1)) {
    const found = films.get(other.film.identity)?.windows.findIndex((window) => window.name === name);
    if (!(found >= 0)) continue;
    other.look.preset = found;
    other.refresh();
  }
}
