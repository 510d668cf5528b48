// The viewer: a line of tools, one or two panels with the film and its map, and the words in their
// corners. What the reader chose outlasts reruns and page switches; another film begins anew.

const wishes = { tool: "pan", shortcuts: true }; // for every film
const viewers = new WeakMap(); // a mounted element -> its viewer
const SESSION = "cxr-session"; // where the tab keeps the word of the session that its last film was of
let kept = { identity: "", look: null };

function newLook() {
  return { ...WHOLE, preset: 0, custom: null, inverted: false, mapHidden: false, measures: [] };
}

export default function ({ data, parentElement }) {
  if (data instanceof Uint8Array) return receive(data, parentElement);
  if (data.newSession) return noteSession(data, parentElement);
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = build(parentElement);
    viewers.set(parentElement, viewer);
  }
  show(viewer, data);
  return () => {
    viewer.end();
    viewers.delete(parentElement);
  };
}

// Says that the session of the last film is over, on a page of another session.
function noteSession({ newSession, note }, parent) {
  const last = sessionStorage.getItem(SESSION);
  parent.replaceChildren();
  if (!last || last === newSession) return;
  const said = element("p", "note", parent);
  said.setAttribute("role", "status");
  said.textContent = note;
}

function element(tag, name, parent) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  return parent.appendChild(made);
}

function build(parent) {
  const root = element("div", "viewer", parent);
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Film viewer; press ? for its keys");
  const viewer = { root, film: null, look: newLook(), dragging: false };
  viewer.toolbar = buildToolbar(viewer);
  const stage = element("div", "stage", root);
  viewer.panels = [0, 1].map(() => buildPanel(stage));
  viewer.words = element("p", "words", stage);
  viewer.spoken = element("p", "spoken", root);
  viewer.spoken.setAttribute("role", "status");
  viewer.dialog = keyDialog(viewer);
  viewer.refresh = oncePerFrame(() => viewer.film && draw(viewer));
  for (const panel of viewer.panels) listen(viewer, panel);

  const onKey = (event) => {
    if (!pressed(viewer, event)) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
  };
  const onFilm = (key) => key === viewer.film?.identity && viewer.refresh();
  const watch = new ResizeObserver(() => place(viewer));
  window.addEventListener("keydown", onKey, true);
  listeners.add(onFilm);
  watch.observe(stage);
  viewer.end = () => {
    window.removeEventListener("keydown", onKey, true);
    listeners.delete(onFilm);
    watch.disconnect();
  };
  return viewer;
}

function buildPanel(stage) {
  const frame = element("div", "frame", stage);
  const canvas = element("canvas", "film", frame);
  canvas.hidden = true;
  const sheet = element("div", "sheet", frame);
  const map = element("img", "map", sheet);
  map.draggable = false;
  map.alt = "";
  const drawing = frame.appendChild(document.createElementNS(SVG, "svg"));
  drawing.setAttribute("class", "measures");
  drawing.setAttribute("aria-hidden", "true");
  const lens = element("canvas", "lens", frame);
  lens.hidden = true;
  lens.setAttribute("aria-hidden", "true");
  const marks = [element("b", "mark", frame), element("b", "mark", frame)];
  return { frame, canvas, sheet, map, drawing, lens, marks, used: true, place: null, pointer: null };
}

function oncePerFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

function show(viewer, data) {
  if (viewer.film?.identity !== data.identity) {
    if (kept.identity !== data.identity) kept = { identity: data.identity, look: newLook() };
    viewer.look = kept.look;
    if (wishes.tool in KINDS) wishes.tool = "pan"; // the next film may have no spacing
  }
  viewer.film = data;
  if (data.session) sessionStorage.setItem(SESSION, data.session);
  viewer.root.classList.toggle("beside", data.beside);
  viewer.root.classList.toggle("blinking", data.blink);
  viewer.panels.forEach((panel, index) => {
    const last = index === (data.beside ? 1 : 0);
    panel.used = index === 0 || data.beside;
    panel.canvas.setAttribute("role", "img");
    panel.canvas.setAttribute("aria-label", index === 0 ? data.label : "The same film with its map.");
    panel.source = last ? data.map : "";
    panel.map.style.opacity = data.opacity;
    panel.marks.forEach((mark, side) => {
      mark.textContent = data.marks ? data.marks[side] : "";
      mark.hidden = !data.marks;
    });
  });
  place(viewer);
  draw(viewer); // at once: the last film must not stay for a frame
}

function draw(viewer) {
  paint(viewer);
  const ready = films.has(viewer.film.identity);
  for (const { map, source } of viewer.panels) {
    map.hidden = !source || !ready || viewer.look.mapHidden;
    if (map.hidden) map.removeAttribute("src");
    else if (map.getAttribute("src") !== source) map.src = source;
  }
  drawMeasures(viewer);
  updateToolbar(viewer);
  updateWords(viewer);
}

// The corner of the film: how it is windowed, how large it is, and what to do next.
function updateWords(viewer) {
  const { film, look, root } = viewer;
  const source = films.get(film.identity);
  const lines = [];
  if (!source) lines.push("Opening the film …");
  else {
    lines.push(windowText(source, look) + (look.inverted ? " · INVERTED" : ""));
    const size = Math.round((100 * look.zoom) / oneToOne(viewer));
    lines.push(`Zoom ${size} %` + (look.mapHidden && film.map ? " · MAP HIDDEN" : ""));
    if (look.preset !== 0 || look.inverted) {
      lines.push("Display only: the model reads its own picture.");
    }
    if (source.spacing && look.measures.some(({ kind }) => kind !== "angle")) {
      lines.push(`mm ${source.spacing.note}`);
    }
    const hint = hintOf(viewer);
    if (hint) lines.push(hint);
  }
  const text = lines.join("\n");
  if (viewer.words.textContent !== text) viewer.words.textContent = text;
  root.dataset.window = source ? windowText(source, look) : "";
  root.dataset.inverted = look.inverted;
}

// For those who do not see the corner.
function say(viewer, text) {
  viewer.spoken.textContent = text;
}

function sayWindow(viewer) {
  const film = films.get(viewer.film?.identity);
  if (film) say(viewer, windowText(film, viewer.look) + (viewer.look.inverted ? ", inverted" : ""));
}

export { displayOf, grayFunction, resample, unpack, windowTable };
