// Mouse, pen and fingers over a panel. The left button does what the tool in hand does; the right one
// always moves window and level, the middle one the film; two fingers zoom.

const MOUSE_TOOLS = { 1: "pan", 2: "window" };
const DRAG_RANGE = 800; // pixels of the page over which a drag goes through the film's whole range

function listen(viewer, panel) {
  const { frame } = panel;
  const fingers = new Map(); // pointer -> where it is
  let drag = null; // the tool of the drag, and for a measure what moves its point

  frame.addEventListener("wheel", (event) => {
    if (!panel.place) return;
    const on = filmPoint(viewer, panel, event.clientX, event.clientY).on;
    if (!on && viewer.look.zoom <= 1) return; // beside the film the page scrolls
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    zoomBy(viewer, Math.exp((-event.deltaY * lines) / 500), ...fromMiddle(frame, event.clientX, event.clientY));
  }, { passive: false });

  // One finger may scroll the page past the film; two mean the film.
  frame.addEventListener("touchmove", (event) => {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault();
  }, { passive: false });
  // Where the middle button has the page scroll by itself, it would do so while it moves the film.
  frame.onmousedown = (event) => event.button === 1 && event.preventDefault();
  frame.oncontextmenu = (event) => event.preventDefault();
  frame.ondblclick = (event) => {
    if (wishes.tool !== "pan") return;
    if (viewer.look.zoom !== 1) fitFilm(viewer);
    else showOneToOne(viewer, ...fromMiddle(frame, event.clientX, event.clientY));
  };

  frame.onpointerdown = (event) => {
    if (!panel.place) return;
    viewer.root.focus({ preventScroll: true });
    endEditing(viewer);
    frame.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size > 1) {
      if (drag?.move) endMeasure(viewer, panel.place.scale); // the second finger means to zoom
      drag = { tool: "pinch" };
      return;
    }
    const tool = MOUSE_TOOLS[event.button] ?? wishes.tool;
    const point = filmPoint(viewer, panel, event.clientX, event.clientY);
    drag = { tool, move: KINDS[tool] ? beginMeasure(viewer, tool, point, panel.place.scale) : null };
    viewer.dragging = true;
    panel.pointer = point;
    viewer.refresh();
  };

  frame.onpointermove = (event) => {
    if (!panel.place) return;
    const point = filmPoint(viewer, panel, event.clientX, event.clientY);
    panel.pointer = point.on ? point : null;
    if (wishes.tool === "lens") viewer.refresh();
    const last = fingers.get(event.pointerId);
    if (!last || !drag) return;
    const before = fingers.size === 2 ? pinchOf(fingers) : null;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    if (before) pinch(viewer, frame, before, pinchOf(fingers));
    else if (drag.tool === "pan") panBy(viewer, dx, dy);
    else if (drag.tool === "window") dragWindow(viewer, dx, dy);
    else drag.move?.(point);
  };

  frame.onpointerup = frame.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    viewer.dragging = fingers.size > 0;
    if (drag?.move && !viewer.dragging) endMeasure(viewer, panel.place?.scale ?? 1);
    if (drag?.tool === "window") sayWindow(viewer);
    if (!viewer.dragging) drag = null;
    else if (drag) drag.tool = "pan"; // one finger of two is left
  };
  frame.onpointerleave = () => {
    panel.pointer = null;
    if (wishes.tool === "lens") viewer.refresh();
  };
}

// Two fingers: how far apart they are, and the middle between them.
function pinchOf(fingers) {
  const [a, b] = [...fingers.values()];
  return { spread: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

// What of the film was between the fingers stays there.
function pinch(viewer, frame, before, now) {
  if (before.spread && now.spread) {
    zoomBy(viewer, now.spread / before.spread, ...fromMiddle(frame, before.x, before.y));
  }
  panBy(viewer, now.x - before.x, now.y - before.y);
}

// To the right: wider; down: a higher level, so darker.
function dragWindow(viewer, dx, dy) {
  const film = films.get(viewer.film?.identity);
  if (!film) return;
  const before = windowOf(film, viewer.look);
  moveWindow(film, viewer.look, dy / DRAG_RANGE, dx / DRAG_RANGE);
  viewer.refresh();
  windowInStep(viewer, before);
}
