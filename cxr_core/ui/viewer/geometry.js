// Where the film lies in its panels: zoom, pan, fit, one to one.

const STEP = 1.25; // of a key or button
const WHOLE = { zoom: 1, x: 0.5, y: 0.5 }; // times the whole film; what of it is in the middle, 0 to 1

function dots() {
  return window.devicePixelRatio || 1;
}

// Pixels of the page that a pixel of the whole film takes in a panel.
function fitted(viewer, box) {
  return Math.max(Math.min(box.width / viewer.film.width, box.height / viewer.film.height), 1e-6);
}

function firstBox(viewer) {
  return viewer.panels[0].frame.getBoundingClientRect();
}

// The zoom at which a pixel of the film is one of the screen.
function oneToOne(viewer, box = firstBox(viewer)) {
  return 1 / dots() / fitted(viewer, box);
}

// Lay each panel's film; the painting follows at the next frame.
function place(viewer) {
  const { film, look } = viewer;
  if (!film || matchMedia("print").matches) return;
  if (look.zoom <= 1) Object.assign(look, { x: 0.5, y: 0.5 });
  look.x = held(look.x, 0, 1);
  look.y = held(look.y, 0, 1);
  const ratio = dots();
  for (const panel of viewer.panels) {
    const box = panel.frame.getBoundingClientRect();
    if (!box.width || !box.height) {
      panel.place = null;
      continue;
    }
    const scale = fitted(viewer, box) * look.zoom;
    // On whole pixels of the screen, so that one to one shows the film's own.
    const whole = (value) => Math.round(value * ratio) / ratio;
    const left = whole(box.width / 2 - look.x * film.width * scale);
    const top = whole(box.height / 2 - look.y * film.height * scale);
    panel.place = { left, top, scale, width: box.width, height: box.height };
    Object.assign(panel.sheet.style, {
      left: `${left}px`, top: `${top}px`,
      width: `${film.width * scale}px`, height: `${film.height * scale}px`,
    });
    panel.marks[0].style.left = `${Math.max(0, left)}px`;
    panel.marks[1].style.right = `${Math.max(0, box.width - left - film.width * scale)}px`;
    for (const mark of panel.marks) mark.style.top = `${Math.max(0, top)}px`;
    panel.frame.style.touchAction = look.zoom > 1 || wishes.tool !== "pan" ? "none" : "pan-y";
  }
  readyForPrint(viewer);
  viewer.root.dataset.zoom = look.zoom.toFixed(3);
  viewer.root.dataset.centre = `${look.x.toFixed(4)} ${look.y.toFixed(4)}`;
  viewer.refresh();
}

// A printed page has another width, and no script runs before it: style.css lays the panels out in
// the size they have now, and scales them as they are.
function readyForPrint(viewer) {
  const { width, height } = firstBox(viewer);
  const across = width * (viewer.film.beside ? 2 : 1) * (1 + othersOf(viewer).length);
  if (!across || !height) return;
  viewer.root.style.setProperty("--panel-width", `${width}px`);
  viewer.root.style.setProperty("--panel-height", `${height}px`);
  viewer.root.style.setProperty("--print-zoom", Math.min(640 / across, 400 / height));
}

// Zoom by a factor; the point of a panel's frame that lies (dx, dy) from its middle stays. A film in
// step is zoomed by what the first one was, about the same point of its own frame.
function zoomBy(viewer, factor, box = firstBox(viewer), dx = 0, dy = 0) {
  const { film, look } = viewer;
  if (!film) return;
  const single = oneToOne(viewer, box);
  const wanted = held(look.zoom * factor, Math.min(1, single), Math.max(16, 8 * single));
  const done = wanted / look.zoom;
  zoomTo(viewer, wanted, box, dx, dy);
  for (const other of inStep(viewer).slice(1)) {
    zoomTo(other, held(other.look.zoom * done, 0.02, 200), firstBox(other), dx, dy);
  }
}

function zoomTo(viewer, zoom, box, dx, dy) {
  const { film, look } = viewer;
  const fit = fitted(viewer, box);
  const before = fit * look.zoom;
  look.zoom = zoom;
  const after = fit * zoom;
  look.x += (dx / before - dx / after) / film.width;
  look.y += (dy / before - dy / after) / film.height;
  place(viewer);
}

// Films in step move as far on the screen, so that what was laid over each other stays so.
function panBy(viewer, dx, dy) {
  for (const each of inStep(viewer)) {
    const scale = fitted(each, firstBox(each)) * each.look.zoom;
    each.look.x -= dx / scale / each.film.width;
    each.look.y -= dy / scale / each.film.height;
    place(each);
  }
}

function fitFilm(viewer) {
  for (const each of inStep(viewer)) {
    Object.assign(each.look, WHOLE);
    place(each);
  }
}

function showOneToOne(viewer, box = firstBox(viewer), dx = 0, dy = 0) {
  if (viewer.film) zoomBy(viewer, oneToOne(viewer, box) / viewer.look.zoom, box, dx, dy);
}

// A point of the page, in pixels of the film, and whether it lies on the film.
function filmPoint(viewer, panel, clientX, clientY) {
  const box = panel.frame.getBoundingClientRect();
  const { left, top, scale } = panel.place;
  const x = (clientX - box.left - left) / scale;
  const y = (clientY - box.top - top) / scale;
  const on = x >= 0 && y >= 0 && x <= viewer.film.width && y <= viewer.film.height;
  return { x: held(x, 0, viewer.film.width), y: held(y, 0, viewer.film.height), on };
}

function fromMiddle(frame, x, y) {
  const box = frame.getBoundingClientRect();
  return [box, x - box.left - box.width / 2, y - box.top - box.height / 2];
}
