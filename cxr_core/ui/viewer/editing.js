// Measures by keyboard: one is placed in the middle of what is seen and held by one of its ends, which
// the arrow keys move.

const NUDGE = 8; // pixels of the page that an arrow key moves an end; with Shift, one
// Where a measure is placed, in shares of what is seen of the film.
const STARTS = {
  length: [[0.35, 0.5], [0.65, 0.5]],
  angle: [[0.35, 0.5], [0.5, 0.5], [0.6, 0.35]],
  ratio: [[0.35, 0.6], [0.65, 0.6], [0.2, 0.75], [0.8, 0.75]],
};

function panelInUse(viewer) {
  return viewer.panels.find((panel) => panel.used && panel.place);
}

function placeByKeys(viewer) {
  const panel = panelInUse(viewer);
  if (!panel) return;
  dropUnfinished(viewer);
  const { film } = viewer;
  const { left, top, scale, width, height } = panel.place;
  const [x0, x1] = [held(-left / scale, 0, film.width), held((width - left) / scale, 0, film.width)];
  const [y0, y1] = [held(-top / scale, 0, film.height), held((height - top) / scale, 0, film.height)];
  const points = STARTS[wishes.tool].map(([x, y]) => ({ x: x0 + x * (x1 - x0), y: y0 + y * (y1 - y0) }));
  const measure = { kind: wishes.tool, points };
  viewer.look.measures.push(measure);
  hold(viewer, measure, null);
}

// Take hold of a measure by its first end. `before` is what Escape brings back; null takes it away.
function hold(viewer, measure, before) {
  viewer.editing = { measure, index: 0, before };
  sayEnd(viewer);
  viewer.refresh();
}

// The next one of the measures, after the last one the first again.
function holdNext(viewer) {
  dropUnfinished(viewer);
  const { measures } = viewer.look;
  if (!measures.length) {
    tell(viewer, "No measurement to take hold of.");
    return;
  }
  const next = (measures.indexOf(viewer.editing?.measure) + 1) % measures.length;
  hold(viewer, measures[next], measures[next].points.map((point) => ({ ...point })));
}

function editingHint({ editing: { measure, index } }) {
  return (
    `${KINDS[measure.kind].ends[index]}: arrow keys move it, with Shift finely. ` +
    "Tab next end, Enter done, Esc cancel, Delete remove."
  );
}

function sayEnd(viewer) {
  const { measure, index } = viewer.editing;
  const { ends } = KINDS[measure.kind];
  const place = `${ends[index]}, ${index + 1} of ${ends.length}.`;
  say(viewer, `${place} ${measureSentence(viewer, measure)}`);
}

// What a key does while a measure is held; null for a key that has nothing to do with it.
function editingAction(viewer, event) {
  const { measure, index, before } = viewer.editing;
  const { measures } = viewer.look;
  const drop = () => measures.splice(measures.indexOf(measure), 1);
  const end = (sentence) => {
    endEditing(viewer);
    say(viewer, sentence);
  };
  if (event.key in ARROWS) {
    const [x, y] = ARROWS[event.key];
    return () => nudge(viewer, x, y, event.shiftKey ? 1 : NUDGE);
  }
  const { length } = measure.points;
  const actions = {
    Tab: () => {
      viewer.editing.index = (index + (event.shiftKey ? length - 1 : 1)) % length;
      sayEnd(viewer);
      viewer.refresh();
    },
    Enter: () => end(`Done. ${measureSentence(viewer, measure)}`),
    Escape: () => {
      if (before) measure.points = before;
      else drop();
      end(before ? `As it was. ${measureSentence(viewer, measure)}` : "Cancelled.");
    },
    Delete: () => {
      drop();
      end("Removed.");
    },
  };
  return actions[event.key === "Backspace" ? "Delete" : event.key] ?? null;
}

function nudge(viewer, x, y, step) {
  const { measure, index } = viewer.editing;
  const { film } = viewer;
  const move = step / (panelInUse(viewer)?.place.scale ?? 1);
  const point = measure.points[index];
  mover(viewer, measure, index)({
    x: held(point.x + x * move, 0, film.width), y: held(point.y + y * move, 0, film.height),
  });
  say(viewer, measureSentence(viewer, measure));
}

// Let go of it as it is.
function endEditing(viewer) {
  if (!viewer.editing) return;
  viewer.editing = null;
  viewer.refresh();
}
