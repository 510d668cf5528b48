// The line of buttons over the film, and what they do.

const ICONS = {
  pan: "M10 2v16M2 10h16M10 2 8 4M10 2l2 2M10 18l-2-2M10 18l2-2M2 10l2-2M2 10l2 2M18 10l-2-2M18 10l-2 2",
  window: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M10 3v14M10 5h3M10 8h6M10 11h6M10 14h4",
  lens: "M8.5 3a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M12.5 12.5 17 17",
  length: "M3 13 13 3l4 4L7 17zM6 10l2 2M9 7l2 2M12 4l2 2",
  angle: "M4 3v13h13M4 8a8 8 0 0 1 8 8",
  ratio: "M2 14h16M2 11.500v5M18 11.500v5M6 6h7M6 3.500v5M13 3.500v5",
  invert: "M4 4h12v12H4zM10 4v12M10 7h6M10 10h6M10 13h6",
  map: "M10 3 2 7l8 4 8-4zM2 11l8 4 8-4",
  reset: "M5 7a6.500 6.500 0 1 1-1 6M4 3v4.500h4.500",
  minus: "M4 10h12",
  plus: "M4 10h12M10 4v12",
  fit: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4M7 7h6v6H7z",
  full: "M12 3h5v5M17 3l-6 6M8 17H3v-5M3 17l6-6",
  remove: "M4 6h12M8 6V4h4v2M6 6l1 11h6l1-11",
};
const TOOLS = [
  ["pan", "Move the film (V)"],
  ["window", "Window and level (W, or the right button)"],
  ["lens", "Magnifier (M)"],
  ["length", "Ruler (L)"],
  ["angle", "Angle (A)"],
  ["ratio", "Cardiothoracic ratio (T)"],
];
const NO_SPACING = "the file states no pixel spacing";

function zoomIn(viewer) {
  zoomBy(viewer, STEP);
}

function zoomOut(viewer) {
  zoomBy(viewer, 1 / STEP);
}

function invert(viewer) {
  for (const each of inStep(viewer)) {
    each.look.inverted = !each.look.inverted;
    each.refresh();
  }
  sayWindow(viewer);
}

function toggleMap(viewer) {
  const hidden = !viewer.look.mapHidden;
  for (const each of inStep(viewer)) {
    each.look.mapHidden = hidden;
    each.refresh();
  }
  say(viewer, viewer.look.mapHidden ? "Map hidden" : "Map shown");
}

// As the film opened; the measurements stay, as they were work.
function reset(viewer) {
  for (const each of inStep(viewer)) {
    Object.assign(each.look, { ...WHOLE, preset: 0, custom: null, inverted: false, mapHidden: false });
    place(each);
  }
  sayWindow(viewer);
}

function fullScreen(viewer) {
  const whole = othersOf(viewer).length ? viewer.root.closest(".st-key-two_films") : null;
  if (!document.fullscreenEnabled) {
    tell(viewer, "This browser has no full screen for a part of a page.");
    return;
  }
  const change = document.fullscreenElement
    ? document.exitFullscreen()
    : (whole ?? viewer.root).requestFullscreen();
  change.catch((error) => tell(viewer, `The browser refuses full screen: ${error.message}`));
}

function takeTool(viewer, tool) {
  if ((tool === "length" || tool === "angle") && !spacingOf(viewer)) {
    tell(viewer, `No ruler and no angle: ${NO_SPACING}.`);
    return;
  }
  endEditing(viewer);
  if (tool !== wishes.tool) dropUnfinished(viewer);
  wishes.tool = tool;
  for (const each of [viewer, ...othersOf(viewer)]) place(each); // the tool in hand is one
  say(viewer, hintOf(viewer));
}

function buildToolbar(viewer) {
  const bar = element("div", "tools", viewer.root);
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Film");
  const windows = element("select", "", bar);
  windows.setAttribute("aria-label", "Window");
  windows.onchange = () => {
    viewer.look.preset = Number(windows.value);
    viewer.refresh();
    presetInStep(viewer);
    sayWindow(viewer);
  };
  const buttons = {};
  const add = (name, title, act) => {
    const button = element("button", "", bar);
    button.type = "button";
    button.onclick = act;
    button.dataset.tool = name;
    nameButton(button, title);
    if (ICONS[name]) {
      button.innerHTML = `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
    }
    buttons[name] = button;
    return button;
  };
  const gap = () => element("span", "gap", bar);
  add("invert", "Invert (I)", () => invert(viewer));
  add("reset", "Reset window and zoom (R)", () => reset(viewer));
  gap();
  for (const [tool, title] of TOOLS) {
    add(tool, title, (event) => {
      takeTool(viewer, tool);
      // Taken by keyboard: the next key is for the film.
      if (event.detail === 0 && tool in KINDS) viewer.root.focus({ preventScroll: true });
    });
  }
  add("remove", "Remove all measurements (Delete)", () => clearMeasures(viewer));
  gap();
  add("minus", "Zoom out (−)", () => zoomOut(viewer));
  add("plus", "Zoom in (+)", () => zoomIn(viewer));
  add("fit", "Whole film (0)", () => fitFilm(viewer));
  add("single", "One to one (O)", () => showOneToOne(viewer)).textContent = "1:1";
  add("full", "Full screen (F)", () => fullScreen(viewer)).hidden = !document.fullscreenEnabled;
  gap();
  add("map", "Map on or off (space)", () => toggleMap(viewer));
  add("help", "List of keys (?)", () => showKeys(viewer)).textContent = "?";
  return { windows, buttons };
}

function nameButton(button, title) {
  button.title = title;
  button.setAttribute("aria-label", title);
}

// The buttons as things stand; nothing is told by colour alone (aria-pressed, and a line below).
function updateToolbar(viewer) {
  const { windows, buttons } = viewer.toolbar;
  const film = films.get(viewer.film.identity);
  const { look } = viewer;
  const names = film ? film.windows.map((window) => window.name) : [];
  const offered = JSON.stringify([names, look.preset === CUSTOM]);
  if (windows.dataset.offered !== offered) {
    windows.dataset.offered = offered;
    const options = names.map((name, index) => new Option(name, index));
    if (look.preset === CUSTOM) options.push(new Option("Custom window", CUSTOM));
    windows.replaceChildren(...options);
  }
  windows.value = String(look.preset);
  for (const [tool, title] of TOOLS) {
    const needs = film && !film.spacing && (tool === "length" || tool === "angle");
    buttons[tool].setAttribute("aria-pressed", wishes.tool === tool);
    buttons[tool].disabled = Boolean(needs);
    if (film) nameButton(buttons[tool], needs ? `${title}: ${NO_SPACING}` : title);
  }
  buttons.invert.setAttribute("aria-pressed", look.inverted);
  buttons.map.hidden = !viewer.film.map;
  buttons.map.setAttribute("aria-pressed", !look.mapHidden);
  buttons.remove.disabled = look.measures.length === 0; // not hidden: the film must not move
}
