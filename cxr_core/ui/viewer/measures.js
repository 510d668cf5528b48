// Ruler, angle and cardiothoracic ratio: drawn over the film in its own pixels, measured in the
// file's. A length or an angle needs the file's pixel spacing; the ratio of two level lines does not.

const SVG = "http://www.w3.org/2000/svg";
const REACH = 10; // pixels of the page within which a point is taken hold of
const KINDS = {
  length: {
    name: "Ruler",
    points: 2,
    ends: ["First end", "Second end"],
    hints: ["Ruler: drag from one point to the other."],
  },
  angle: {
    name: "Angle",
    points: 3,
    ends: ["End of one side", "Corner", "End of the other side"],
    hints: ["Angle: drag from the end of one side to the corner.", "Now press at the other side's end."],
  },
  ratio: {
    name: "Cardiothoracic ratio",
    points: 4,
    ends: ["Heart, first end", "Heart, second end", "Chest, first end", "Chest, second end"],
    hints: [
      "Cardiothoracic ratio: drag across the heart where it is widest.",
      "Now drag across the inside of the chest where it is widest.",
    ],
  },
};

function unfinished(viewer) {
  const last = viewer.look.measures.at(-1);
  return last && last.points.length < KINDS[last.kind].points ? last : null;
}

// Begin a line at a point of the film, or take hold of a point that is there.
// Returns what moves that point, or null.
function beginMeasure(viewer, kind, point, scale) {
  for (const measure of viewer.look.measures) {
    const near = measure.points.findIndex(
      ({ x, y }) => Math.hypot(x - point.x, y - point.y) * scale < REACH,
    );
    if (near >= 0) return mover(viewer, measure, near);
  }
  let measure = unfinished(viewer);
  if (!measure || measure.kind !== kind) {
    dropUnfinished(viewer);
    measure = { kind, points: [] };
    viewer.look.measures.push(measure);
  }
  const line = kind !== "angle" || measure.points.length === 0; // else only the last end is missing
  measure.points.push({ ...point });
  if (line) measure.points.push({ ...point });
  return mover(viewer, measure, measure.points.length - 1);
}

function mover(viewer, measure, index) {
  return ({ x, y }) => {
    measure.points[index] = { x, y };
    // The heart's width and the chest's are level lines: both ends of one stay at one height.
    if (measure.kind === "ratio") measure.points[index ^ 1].y = y;
    viewer.refresh();
  };
}

// After a line was let go: one without length was a click and no line.
function endMeasure(viewer, scale) {
  const measure = viewer.look.measures.at(-1);
  if (measure) {
    const [a, b] = measure.points.slice(-2);
    if (!b || Math.hypot(a.x - b.x, a.y - b.y) * scale < 4) {
      measure.points.splice(measure.kind === "angle" && measure.points.length === 3 ? -1 : -2);
      if (measure.points.length === 0) viewer.look.measures.pop();
    } else {
      say(viewer, unfinished(viewer) ? hintOf(viewer) : measureTexts(viewer, measure).join(", "));
    }
  }
  viewer.refresh();
}

function dropUnfinished(viewer) {
  if (unfinished(viewer)) viewer.look.measures.pop();
}

function clearMeasures(viewer) {
  viewer.look.measures.length = 0;
  viewer.editing = null;
  viewer.refresh();
}

// What the reader is to do next with the tool in hand; empty when it is no measure.
function hintOf(viewer) {
  if (viewer.editing) return editingHint(viewer);
  const kind = KINDS[wishes.tool];
  if (!kind || viewer.dragging) return "";
  if (unfinished(viewer)?.kind === wishes.tool) return kind.hints[1];
  return `${kind.hints[0]} Or press Enter, and place it by keys.`;
}

function spacingOf(viewer) {
  return films.get(viewer.film?.identity)?.spacing ?? null;
}

function lengthOf(spacing, a, b) {
  return Math.hypot((a.x - b.x) * spacing.column, (a.y - b.y) * spacing.row);
}

function angleOf(spacing, [end, corner, other]) {
  const side = (point) =>
    Math.atan2((point.y - corner.y) * spacing.row, (point.x - corner.x) * spacing.column);
  const turn = Math.abs(side(end) - side(other)) * (180 / Math.PI);
  return Math.min(turn, 360 - turn);
}

// A label for each of a measure's lines.
function measureTexts(viewer, { kind, points }) {
  const spacing = spacingOf(viewer);
  if (kind === "length") return spacing ? [`${lengthOf(spacing, ...points).toFixed(1)} mm`] : [""];
  if (kind === "angle") {
    return spacing && points.length === 3 ? [`${angleOf(spacing, points).toFixed(1)}°`] : [""];
  }
  const widths = [Math.abs(points[0].x - points[1].x)];
  if (points.length === 4) widths.push(Math.abs(points[2].x - points[3].x));
  const long = (width) => (spacing ? ` ${(width * spacing.column).toFixed(0)} mm` : "");
  const texts = [`Heart${long(widths[0])}`];
  if (widths[1]) texts.push(`Chest${long(widths[1])}, ratio ${(widths[0] / widths[1]).toFixed(2)}`);
  return texts;
}

function drawMeasures(viewer) {
  const said = viewer.look.measures.map((measure) => measureSentence(viewer, measure)).join(" ");
  if (viewer.measured.textContent !== said) viewer.measured.textContent = said;
  for (const panel of viewer.panels) {
    panel.drawing.replaceChildren();
    if (!panel.place || !panel.used || !films.has(viewer.film.identity)) continue;
    for (const measure of viewer.look.measures) drawMeasure(viewer, panel, measure);
  }
}

// A measure in words, for those who do not see it.
function measureSentence(viewer, measure) {
  const texts = measureTexts(viewer, measure).filter(Boolean).join(", ");
  return `${KINDS[measure.kind].name}: ${texts || "not complete"}.`;
}

function drawMeasure(viewer, panel, measure) {
  const { left, top, scale } = panel.place;
  const at = measure.points.map(({ x, y }) => ({ x: left + x * scale, y: top + y * scale }));
  const texts = measureTexts(viewer, measure);
  const lines = measure.kind === "angle" ? [at] : [at.slice(0, 2), at.slice(2)];
  let first = 0; // number of the line's first point
  lines.forEach((line, index) => {
    if (line.length < 2) return;
    const points = line.map(({ x, y }) => `${x},${y}`).join(" ");
    for (const name of ["edge", "line"]) shape(panel, "polyline", { points, class: name });
    for (const { x, y } of line) shape(panel, "circle", { cx: x, cy: y, r: 3.5, class: "end" });
    const end = viewer.editing?.measure === measure && line[viewer.editing.index - first];
    for (const name of end ? ["edge", "held"] : []) {
      shape(panel, "circle", { cx: end.x, cy: end.y, r: 9, class: name });
    }
    first += line.length;
    const anchor = measure.kind === "angle" ? line[1] : line[line[0].x > line[1].x ? 0 : 1];
    const label = shape(panel, "text", { x: anchor.x + 8, y: anchor.y - 8 });
    label.textContent = texts[index] ?? "";
    const over = anchor.x + 8 + label.getComputedTextLength() - panel.place.width;
    if (over > 0) label.setAttribute("x", anchor.x - over);
  });
}

function shape(panel, name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return panel.drawing.appendChild(made);
}
