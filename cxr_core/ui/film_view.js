// A film with its map as a layer of its own above it: zoom by wheel, pinch, key or button, pan by
// drag or arrow key. Zoom and place stay while the pictures change; another film begins anew.
// Everything is drawn from the data handed in; nothing is fetched and nothing is sent back.

const MOST = 16; // times the whole film
const STEP = 1.4;
const WHOLE = { zoom: 1, x: 0.5, y: 0.5 }; // x, y: what of the film is in the middle, 0 to 1
const states = new WeakMap(); // a mounted element -> its viewer
let kept = { identity: "", ...WHOLE }; // outlasts a switch of pages and back

export default function ({ data, parentElement }) {
  let viewer = states.get(parentElement);
  if (!viewer) {
    viewer = build(parentElement);
    states.set(parentElement, viewer);
  }
  viewer.show(data);
}

function element(tag, name, parent) {
  const made = document.createElement(tag);
  made.className = name;
  parent.appendChild(made);
  return made;
}

function build(parent) {
  const root = element("div", "viewer", parent);
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Film: + and - zoom, arrow keys move, 0 shows the whole film");
  const bar = element("div", "zoom", root);
  const panels = [0, 1].map(() => panel(root));
  const at = { ...WHOLE };
  let film = null;

  // Pixels of the screen a pixel of the whole film in a panel takes.
  const fitted = (box) => Math.min(box.width / film.width, box.height / film.height);
  const inside = (value, share) => Math.min(Math.max(value, share), 1 - share);

  function place() {
    if (!film) return;
    for (const each of panels) {
      const box = each.frame.getBoundingClientRect();
      if (!box.width || !box.height) continue;
      const scale = fitted(box) * at.zoom;
      const [width, height] = [film.width * scale, film.height * scale];
      at.x = inside(at.x, Math.min(0.5, box.width / width / 2));
      at.y = inside(at.y, Math.min(0.5, box.height / height / 2));
      const left = box.width / 2 - at.x * width;
      Object.assign(each.sheet.style, {
        width: `${width}px`, height: `${height}px`,
        left: `${left}px`, top: `${box.height / 2 - at.y * height}px`,
      });
      const top = Math.max(0, box.height / 2 - at.y * height);
      each.marks[0].style.left = `${Math.max(0, left)}px`;
      each.marks[1].style.right = `${Math.max(0, box.width - left - width)}px`;
      for (const mark of each.marks) mark.style.top = `${top}px`;
      each.frame.style.touchAction = at.zoom > 1 ? "none" : "pan-y";
    }
    kept = { identity: film.identity, ...at };
    root.dataset.zoom = at.zoom.toFixed(3);
    root.dataset.centre = `${at.x.toFixed(4)} ${at.y.toFixed(4)}`;
  }

  // Zoom by a factor about a point of a panel's frame, in pixels from its middle.
  function zoom(factor, box = panels[0].frame.getBoundingClientRect(), dx = 0, dy = 0) {
    const before = fitted(box) * at.zoom;
    at.zoom = Math.min(Math.max(at.zoom * factor, 1), MOST);
    const after = fitted(box) * at.zoom;
    at.x += (dx / before - dx / after) / film.width;
    at.y += (dy / before - dy / after) / film.height;
    place();
  }

  function pan(dx, dy) {
    const scale = fitted(panels[0].frame.getBoundingClientRect()) * at.zoom;
    at.x -= dx / scale / film.width;
    at.y -= dy / scale / film.height;
    place();
  }

  function whole() {
    Object.assign(at, WHOLE);
    place();
  }

  for (const [sign, name, act] of [
    ["+", "Zoom in", () => zoom(STEP)],
    ["−", "Zoom out", () => zoom(1 / STEP)],
    ["⤢", "Whole film", whole],
  ]) {
    const button = element("button", "", bar);
    button.type = "button";
    button.textContent = sign;
    button.title = name;
    button.setAttribute("aria-label", name);
    button.onclick = act;
  }

  const keys = {
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: whole,
    ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0),
    ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
  };
  root.onkeydown = (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  for (const each of panels) listen(each.frame, zoom, pan, whole);
  new ResizeObserver(place).observe(root);

  function show(data) {
    const { identity, ...where } = kept;
    if (film?.identity !== data.identity) {
      Object.assign(at, identity === data.identity ? where : WHOLE);
    }
    film = data;
    root.classList.toggle("beside", data.beside);
    root.classList.toggle("blinking", data.blink);
    panels.forEach((each, index) => {
      const used = index === 0 || data.beside;
      const last = index === (data.beside ? 1 : 0);
      draw(each.film, used ? data.film : "", index === 0 ? data.label : "");
      draw(each.map, last ? data.map : "", "");
      each.map.style.opacity = data.opacity;
      each.marks.forEach((mark, side) => {
        mark.textContent = data.marks ? data.marks[side] : "";
        mark.hidden = !data.marks;
      });
    });
    place();
  }
  return { show };
}

function panel(root) {
  const frame = element("div", "frame", root);
  const sheet = element("div", "sheet", frame);
  const [film, map] = [element("img", "film", sheet), element("img", "map", sheet)];
  for (const image of [film, map]) image.draggable = false;
  const marks = [element("b", "mark", frame), element("b", "mark", frame)];
  return { frame, sheet, film, map, marks };
}

function draw(image, source, alt) {
  image.alt = alt;
  image.hidden = !source;
  if (!source) image.removeAttribute("src");
  else if (image.getAttribute("src") !== source) image.src = source;
}

function listen(frame, zoom, pan, whole) {
  const held = new Map(); // pointer -> where it is
  const spread = () => {
    const [a, b] = [...held.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  const fromMiddle = (x, y) => {
    const box = frame.getBoundingClientRect();
    return [box, x - box.left - box.width / 2, y - box.top - box.height / 2];
  };
  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 500), ...fromMiddle(event.clientX, event.clientY));
  }, { passive: false });
  frame.ondblclick = whole;
  frame.onpointerdown = (event) => {
    frame.setPointerCapture(event.pointerId);
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  frame.onpointermove = (event) => {
    const last = held.get(event.pointerId);
    if (!last) return;
    const before = held.size === 2 ? spread() : 0;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (before) zoom(spread() / before, ...fromMiddle(event.clientX, event.clientY));
    else pan(event.clientX - last.x, event.clientY - last.y);
  };
  frame.onpointerup = frame.onpointercancel = (event) => held.delete(event.pointerId);
}
