// Window and level in the browser: cxr_core/imaging/windowing.py's formulas, as a table over all
// codes of a film. A test compares the two.

const CUSTOM = -1; // in place of the number of a window on offer

// Halves go to the even side, as numpy has it.
function rounded(value) {
  const whole = Math.round(value);
  return whole - value === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
}

function held(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

// A function from a stored value to 0 to 255. `r` rounds each step to single precision where numpy
// computes in it, so that both come to the same gray level.
function grayFunction({ center, width, function: name, table, start }, r) {
  if (table) return (value) => table[held(rounded(value), start, start + table.length - 1) - start];
  const gray = (share) => rounded(r(held(share, 0, 1) * 255));
  if (name === "SIGMOID") {
    return (value) => {
      const exponent = r(r(-4 * r(value - r(center))) / r(width));
      return gray(r(1 / r(1 + r(Math.exp(held(exponent, -80, 80))))));
    };
  }
  if (name === "LINEAR_EXACT") {
    return (value) => gray(r(r(r(value - r(center)) / r(width)) + 0.5));
  }
  if (width <= 1) return (value) => (value > r(center - 0.5) ? 255 : 0);
  return (value) => gray(r(r(r(value - r(center - 0.5)) / r(width - 1)) + 0.5));
}

// Gray levels of all codes, Uint8Array (top + 1).
function windowTable(film, window, inverted) {
  const table = new Uint8Array(film.top + 1);
  const r = film.single ? Math.fround : (value) => value;
  const gray = grayFunction(window, r);
  const turn = film.inverted !== inverted;
  for (let code = 0; code <= film.top; code++) {
    const level = gray(r(code * film.slope + film.intercept));
    table[code] = turn ? 255 - level : level;
  }
  return table;
}

// The plane to draw and the table over its codes, for what the reader has chosen.
function displayOf(film, look) {
  if (look.preset !== 0) return [0, windowTable(film, windowOf(film, look), look.inverted)];
  const plain = film.modelTable ?? Uint8Array.from({ length: 256 }, (_, code) => code);
  return [film.modelTable ? 0 : 1, look.inverted ? plain.map((level) => 255 - level) : plain];
}

// The window in force; that of the model stands for its picture with the file's numbers.
function windowOf(film, look) {
  return look.preset === CUSTOM ? look.custom : film.windows[look.preset];
}

// Move the window's center and width, by shares of the film's whole range.
function moveWindow(film, look, level, width) {
  const range = rangeOf(film);
  const from = windowOf(film, look);
  setWindow(film, look, from.center + level * range, from.width + width * range);
}

function rangeOf(film) {
  return Math.max(film.top * film.slope, 1e-6);
}

// A window of the reader's own, within what the film's values allow.
function setWindow(film, look, center, width) {
  const range = rangeOf(film);
  const least = film.integer ? 1 : range / 1000;
  const low = film.intercept;
  look.custom = {
    function: windowOf(film, look).function, table: null, start: 0,
    center: held(center, low - range, low + 2 * range),
    width: held(width, least, 4 * range),
  };
  look.preset = CUSTOM;
}

function numberText(film, value) {
  if (film.integer) return Math.round(value).toLocaleString("en");
  return Number(value.toPrecision(4)).toString();
}

// How the picture is windowed, in words: always on screen.
function windowText(film, look) {
  const { center, width, name, table } = windowOf(film, look);
  if (table) return name; // its numbers only say what it spans
  const numbers = `L ${numberText(film, center)} W ${numberText(film, width)}`;
  return look.preset === CUSTOM ? numbers : `${name}: ${numbers}`;
}
