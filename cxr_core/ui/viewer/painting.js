// The film on its canvas, at the screen's resolution and only where it is seen; once a frame.

const grays = Uint32Array.from({ length: 256 }, (_, gray) => 0xff000000 | (gray * 0x10101));
const LENS = 240; // side of the magnifier, pixels of the page
const LENS_ZOOM = 3;

// The table over codes as colours of the canvas.
function coloursOf(table) {
  return Uint32Array.from(table, (gray) => grays[gray]);
}

function paint(viewer) {
  const film = films.get(viewer.film.identity);
  viewer.root.classList.toggle("waiting", !film);
  for (const panel of viewer.panels) {
    if (!film || !panel.place || !panel.used) {
      blank(panel.canvas);
      panel.drawn = null;
    }
  }
  if (!film) return;
  const settings = JSON.stringify([film.key, viewer.look.preset, viewer.look.custom, viewer.look.inverted]);
  if (viewer.settings !== settings) {
    const [plane, table] = displayOf(film, viewer.look);
    Object.assign(viewer, { settings, plane, colours: coloursOf(table) });
  }
  for (const panel of viewer.panels) if (panel.used && panel.place) paintPanel(viewer, film, panel);
  paintLens(viewer, film);
}

function blank(canvas) {
  canvas.hidden = true;
  canvas.removeAttribute("data-film");
  canvas.width = canvas.height = 1;
}

// The visible part of a panel's film, in whole pixels of the screen.
function visiblePart({ left, top, scale, width, height }, film) {
  const ratio = dots();
  const x = Math.max(0, Math.round(left * ratio));
  const y = Math.max(0, Math.round(top * ratio));
  const right = Math.min(Math.round(width * ratio), Math.round((left + film.width * scale) * ratio));
  const bottom = Math.min(Math.round(height * ratio), Math.round((top + film.height * scale) * ratio));
  return { x, y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
}

function paintPanel(viewer, film, panel) {
  const ratio = dots();
  const part = visiblePart(panel.place, viewer.film);
  // The film may have been scaled down on its way here.
  const step = film.width / viewer.film.width / (panel.place.scale * ratio);
  const wanted = {
    left: (part.x - panel.place.left * ratio) * step,
    top: (part.y - panel.place.top * ratio) * step,
    step, width: part.width, height: part.height,
  };
  const key = JSON.stringify([film.key, viewer.plane, wanted]);
  const { canvas } = panel;
  if (panel.drawn !== key) {
    panel.codes = resample(film.planes[viewer.plane], wanted);
    panel.drawn = key;
    if (canvas.width !== part.width || canvas.height !== part.height) {
      Object.assign(canvas, { width: part.width, height: part.height });
    }
    Object.assign(canvas.style, {
      left: `${part.x / ratio}px`, top: `${part.y / ratio}px`,
      width: `${part.width / ratio}px`, height: `${part.height / ratio}px`,
    });
    panel.image = null;
  }
  panel.image ??= new ImageData(part.width, part.height);
  colour(panel.codes, viewer.colours, panel.image);
  canvas.getContext("2d").putImageData(panel.image, 0, 0);
  canvas.hidden = false;
  canvas.dataset.film = film.key;
}

function colour(codes, colours, image) {
  const dotsOut = new Uint32Array(image.data.buffer);
  for (let at = 0; at < codes.length; at++) dotsOut[at] = colours[codes[at]];
}

// The magnifier: the film under the pointer, larger, without its map.
function paintLens(viewer, film) {
  for (const panel of viewer.panels) {
    const { lens } = panel;
    const at = panel.used && panel.place && wishes.tool === "lens" ? panel.pointer : null;
    lens.hidden = !at;
    if (!at) continue;
    const side = Math.round(LENS * dots());
    const share = film.width / viewer.film.width;
    const step = share / (Math.max(panel.place.scale * LENS_ZOOM, 2 / dots()) * dots());
    const codes = resample(film.planes[viewer.plane], {
      left: at.x * share - (side / 2) * step, top: at.y * share - (side / 2) * step,
      step, width: side, height: side,
    });
    if (lens.width !== side) lens.width = lens.height = side;
    const image = new ImageData(side, side);
    colour(codes, viewer.colours, image);
    lens.getContext("2d").putImageData(image, 0, 0);
    const { left, top, scale } = panel.place;
    Object.assign(lens.style, {
      left: `${left + at.x * scale - LENS / 2}px`, top: `${top + at.y * scale - LENS / 2}px`,
    });
  }
}
