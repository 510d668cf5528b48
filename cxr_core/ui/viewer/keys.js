// The keyboard, and the list of its keys. Keys of one letter work while nothing on the page that takes
// letters has the focus; the list has the switch that turns them off.

const KEY_LIST = [
  ["R", "Reset: window, zoom and map as at first"],
  ["I", "Invert"],
  ["+  −", "Zoom in, zoom out"],
  ["0", "Whole film"],
  ["O", "One to one: a pixel of the film on one of the screen"],
  ["F", "Full screen"],
  ["Space", "Map on or off"],
  ["V  W  M", "In hand: move, window, magnifier"],
  ["L  A  T", "In hand: ruler, angle, cardiothoracic ratio"],
  ["Enter", "With ruler, angle or ratio in hand: place it by keys, held by one end"],
  ["E", "Hold a measurement that is there; again: the next one"],
  ["While held", "Arrow keys move the end (Shift: finely), Tab next end, Enter done, Esc cancel, Delete remove"],
  ["Delete", "Remove all measurements"],
  ["Esc", "Back to moving the film"],
  ["Arrow keys", "Move the film; with the window in hand, level (up, down) and width (left, right)"],
  ["?", "This list"],
];
const MOUSE_LIST = [
  ["Wheel", "Zoom at the pointer"],
  ["Right button", "Window (sideways) and level (up and down)"],
  ["Middle button", "Move the film"],
  ["Double click", "One to one and back to the whole film"],
];
const TOOL_KEYS = { v: "pan", w: "window", m: "lens", l: "length", a: "angle", t: "ratio" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TAKES_LETTERS =
  "input, textarea, select, [contenteditable=true], dialog, " +
  "[role=slider], [role=combobox], [role=listbox], [role=menu]";
const ONLY_INSIDE = ["Escape", "Delete", "Backspace"]; // elsewhere these mean something else
const TAKES_ENTER = "button, select, a, summary";
const TAKES_SPACE = "button, a, summary, [role=button], [role=tab], [role=radio], [role=switch]";

// Returns whether the key was the viewer's.
function pressed(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !viewer.film) return false;
  const at = event.target instanceof Element ? event.target : document.body;
  const inside = viewer.root.contains(at);
  if (at.closest(TAKES_LETTERS)) return false;
  if (!inside && (!wishes.shortcuts || ONLY_INSIDE.includes(event.key))) return false;
  if (inside && !at.closest(TAKES_ENTER)) {
    const places = event.key === "Enter" && wishes.tool in KINDS;
    const act = viewer.editing
      ? editingAction(viewer, event)
      : places && (() => placeByKeys(viewer));
    if (act) {
      act();
      return true;
    }
  }
  if (event.key in ARROWS) return inside && !at.closest(TAKES_SPACE) && arrow(viewer, ARROWS[event.key]);
  if (event.key === " " && (at.closest(TAKES_SPACE) || !viewer.film.map)) return false;
  const act = actionOf(viewer, event.key.length === 1 ? event.key.toLowerCase() : event.key);
  if (!act) return false;
  act();
  return true;
}

function arrow(viewer, [x, y]) {
  if (wishes.tool === "window") {
    dragWindow(viewer, 16 * x, 16 * y);
    sayWindow(viewer);
  } else panBy(viewer, -60 * x, -60 * y);
  return true;
}

function actionOf(viewer, key) {
  if (key in TOOL_KEYS) return () => takeTool(viewer, TOOL_KEYS[key]);
  const actions = {
    r: reset, i: invert, "+": zoomIn, "=": zoomIn, "-": zoomOut, 0: fitFilm, o: showOneToOne,
    f: fullScreen, " ": toggleMap, Delete: clearMeasures, Backspace: clearMeasures, "?": showKeys,
    e: holdNext,
    Escape: wishes.tool === "pan" ? null : (of) => takeTool(of, "pan"),
  };
  if (actions[key]) return () => actions[key](viewer);
  const shortcut = viewer.film.shortcuts.find((each) => each.key === key);
  const button = shortcut && document.querySelector(`.st-key-${shortcut.widget} button`);
  return button ? () => button.click() : null;
}

function keyDialog(viewer) {
  const dialog = element("dialog", "keys", viewer.root);
  dialog.setAttribute("aria-label", "Keys of the viewer");
  return dialog;
}

function showKeys(viewer) {
  const { dialog } = viewer;
  dialog.replaceChildren();
  element("h2", "", dialog).textContent = "Keys and mouse";
  const further = viewer.film.shortcuts.map(({ key, words }) => [key.toUpperCase(), words]);
  const table = element("table", "", dialog);
  for (const [key, words] of [...KEY_LIST, ...further, ...MOUSE_LIST]) {
    const row = element("tr", "", table);
    const head = element("th", "", row);
    head.scope = "row";
    head.textContent = key;
    element("td", "", row).textContent = words;
  }
  element("p", "", dialog).textContent =
    "All of it changes the display alone, never what the model sees.";
  const label = element("label", "", dialog);
  const box = element("input", "", label);
  box.type = "checkbox";
  box.checked = wishes.shortcuts;
  box.onchange = () => (wishes.shortcuts = box.checked);
  label.append(" Keys work also while the focus is not in the viewer");
  const close = element("button", "", dialog);
  close.type = "button";
  close.textContent = "Close";
  close.onclick = () => dialog.close();
  dialog.showModal();
}
