// The viewer: a line of tools, one or two panels with the film and its map, and the words in their
// corners. What the reader chose outlasts reruns and page switches; another film begins anew.

const wishes = { tool: "pan", shortcuts: true }; // for every film
const viewers = new Map(); // a mounted element -> its viewer
const SESSION = "cxr-session"; // where the tab keeps the word of the session that its last film was of
const TICKET = "cxr-list"; // and what it may ask for its worklist with, once, after a reload
const NOTICE_MS = 6000;
const kept = new Map(); // place on the page -> the film that was last there, and what was chosen for it

function newLook() {
  return { ...WHOLE, preset: 0, custom: null, inverted: false, mapHidden: false, measures: [] };
}

export default function ({ data, parentElement, setTriggerValue }) {
  watchConnection();
  if (data instanceof Uint8Array) {
    const forget = receive(data, parentElement);
    const unask = asker(parentElement, setTriggerValue);
    return () => [forget, unask].forEach((end) => end());
  }
  if (data.mark) {
    sessionStorage.setItem(SESSION, data.mark);
    sessionStorage.setItem(TICKET, data.ticket);
    return asker(parentElement, setTriggerValue);
  }
  if (data.newSession) return noteSession(data, parentElement, setTriggerValue);
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = build(parentElement);
    viewers.set(parentElement, viewer);
  }
  show(viewer, data);
  return () => {
    viewer.end();
    viewers.delete(parentElement);
    if (lastUsed === viewer) lastUsed = null;
    for (const other of viewers.values()) place(other);
  };
}

// Says that the session of the last film is over, on a page of another session; a page that had a
// list asks for it first, and says so only where it is gone.
function noteSession({ newSession, note, ask }, parent, setTriggerValue) {
  const last = sessionStorage.getItem(SESSION);
  parent.replaceChildren();
  if (!last || last === newSession) return;
  const ticket = ask && sessionStorage.getItem(TICKET);
  if (ticket) {
    sessionStorage.removeItem(TICKET);
    setTriggerValue("ticket", ticket);
    return;
  }
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
  const viewer = { root, film: null, look: newLook(), dragging: false, editing: null, notice: "" };
  viewer.toolbar = buildToolbar(viewer);
  viewer.stated = buildStated(root);
  const stage = element("div", "stage", root);
  viewer.panels = [0, 1].map(() => buildPanel(stage));
  viewer.words = element("p", "words", stage);
  viewer.spoken = element("p", "spoken", root);
  viewer.spoken.setAttribute("role", "status");
  viewer.measured = element("p", "spoken measured", root);
  viewer.dialog = keyDialog(viewer);
  viewer.refresh = oncePerFrame(() => viewer.film && draw(viewer));
  for (const panel of viewer.panels) listen(viewer, panel);

  const onKey = (event) => {
    if (!isAddressed(viewer, event) || !pressed(viewer, event)) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // Streamlit has keys of its own, and so has the other viewer
  };
  root.addEventListener("focusin", () => (lastUsed = viewer));
  const onFilm = (key) => key === viewer.film?.identity && viewer.refresh();
  const watch = new ResizeObserver(() => place(viewer));
  window.addEventListener("keydown", onKey, true);
  listeners.add(onFilm);
  watch.observe(stage);
  viewer.end = () => {
    window.removeEventListener("keydown", onKey, true);
    listeners.delete(onFilm);
    watch.disconnect();
    clearTimeout(viewer.noticed);
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
    if (kept.get(data.slot)?.identity !== data.identity) {
      kept.set(data.slot, { identity: data.identity, look: firstLook(viewer, data) });
    }
    viewer.look = kept.get(data.slot).look;
    viewer.editing = null;
    viewer.notice = "";
    if (wishes.tool in KINDS) wishes.tool = "pan"; // the next film may have no spacing
  }
  viewer.film = data;
  showStated(viewer);
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
  for (const other of othersOf(viewer)) place(other); // alone or not, it is printed otherwise
}

// The line over the film: which of two it is, and what its file says of itself.
function buildStated(root) {
  const line = element("p", "stated", root);
  return { line, title: element("strong", "", line), text: element("span", "", line) };
}

function showStated({ root, film, stated }) {
  stated.title.textContent = film.title;
  stated.text.textContent = film.stated;
  stated.text.title = film.stated;
  stated.line.hidden = !film.title && !film.stated;
  stated.text.classList.toggle("unprinted", !film.printStated);
  const name = film.title ? `Film viewer, ${film.title.toLowerCase()}` : "Film viewer";
  root.setAttribute("aria-label", `${name}; press ? for its keys`);
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
    if (viewer.notice) lines.push(viewer.notice);
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

// Why something was not done: said, and in the corner for a while.
function tell(viewer, text) {
  say(viewer, text);
  viewer.notice = text;
  clearTimeout(viewer.noticed);
  viewer.noticed = setTimeout(() => {
    viewer.notice = "";
    viewer.refresh();
  }, NOTICE_MS);
  viewer.refresh();
}

function sayWindow(viewer) {
  const film = films.get(viewer.film?.identity);
  if (film) say(viewer, windowText(film, viewer.look) + (viewer.look.inverted ? ", inverted" : ""));
}

export { displayOf, grayFunction, resample, unpack, windowTable };
