// A film's values: unpacked once from what film_source.py packs, kept while the film is open, and
// resampled for the screen. Nothing is fetched, and nothing is sent back.

const films = new Map(); // key -> film; those that are open, and no others
const owners = new Map(); // mounted element -> key of its film
const listeners = new Set(); // viewers, told when a film has come

// A film that the page sends; the answer forgets it when the page takes it away.
function receive(bytes, parent) {
  const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  owners.set(parent, header.key);
  forgetUnowned();
  if (!films.has(header.key)) {
    unpack(header, bytes.subarray(4 + size)).then((film) => {
      if (owners.get(parent) !== header.key) return; // another film has come meanwhile
      films.set(header.key, film);
      for (const listener of listeners) listener(header.key);
    });
  }
  return () => {
    owners.delete(parent);
    forgetUnowned();
  };
}

function forgetUnowned() {
  const owned = new Set(owners.values());
  for (const key of films.keys()) if (!owned.has(key)) films.delete(key);
}

async function unpack(header, packed) {
  let at = 0;
  const planes = [];
  for (const [index, size] of header.sizes.entries()) {
    const bytes = await inflated(packed.subarray(at, at + size));
    planes.push([summed(bytes, header.width, header.height, header.bits[index])]);
    at += size;
  }
  const windows = header.windows.map((window) => ({
    ...window, table: window.table && bytesOf(window.table),
  }));
  return { ...header, planes, windows, modelTable: header.modelTable && bytesOf(header.modelTable) };
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// The level of a plane at full size, from the differences between neighbours in a row.
function summed(steps, width, height, bits) {
  const count = width * height;
  const values = bits === 8 ? new Uint8Array(count) : new Uint16Array(count);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0, sum = 0; column < width; column++, at++) {
      sum += bits === 8 ? steps[at] : steps[at] | (steps[count + at] << 8);
      values[at] = sum; // wraps round as the differences did
    }
  }
  return { width, height, values };
}

// The level of a plane (0 is the film, each further one half as large), made when first wanted.
function levelOf(plane, wanted) {
  while (plane.length <= wanted) {
    const last = plane[plane.length - 1];
    if (last.width < 2 || last.height < 2) break;
    plane.push(halved(last));
  }
  return Math.min(wanted, plane.length - 1);
}

function halved({ width, height, values }) {
  const [w, h] = [(width + 1) >> 1, (height + 1) >> 1];
  const small = new values.constructor(w * h);
  for (let row = 0, at = 0; row < h; row++) {
    const above = 2 * row * width;
    const below = Math.min(2 * row + 1, height - 1) * width;
    for (let column = 0; column < w; column++, at++) {
      const left = 2 * column;
      const right = Math.min(left + 1, width - 1);
      small[at] =
        (values[above + left] + values[above + right] + values[below + left] +
          values[below + right] + 2) >> 2;
    }
  }
  return { width: w, height: h, values: small };
}

// What a part of the film looks like on the screen: codes, interpolated between pixels, so that a
// window applies to them as to the film's own.
//   left, top: of the part, in pixels of the plane; step: of those, a pixel of the screen.
function resample(plane, { left, top, step, width, height }) {
  const depth = levelOf(plane, Math.max(0, Math.floor(Math.log2(step) + 1e-6)));
  const level = plane[depth];
  const shrink = 2 ** depth;
  const across = neighbours(left / shrink, step / shrink, width, level.width);
  const down = neighbours(top / shrink, step / shrink, height, level.height);
  const { values } = level;
  const codes = new Uint16Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    const [above, below] = [down.first[row] * level.width, down.second[row] * level.width];
    const share = down.share[row];
    for (let column = 0; column < width; column++, at++) {
      const a = across.first[column];
      const b = across.second[column];
      const part = across.share[column];
      const upper = values[above + a] + (values[above + b] - values[above + a]) * part;
      const lower = values[below + a] + (values[below + b] - values[below + a]) * part;
      codes[at] = upper + (lower - upper) * share + 0.5;
    }
  }
  return codes;
}

// For each pixel of the screen along one axis: the two pixels of the level that it lies between.
function neighbours(start, step, count, size) {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const share = new Float32Array(count);
  for (let at = 0; at < count; at++) {
    const place = Math.min(Math.max(start + (at + 0.5) * step - 0.5, 0), size - 1);
    first[at] = Math.floor(place);
    second[at] = Math.min(first[at] + 1, size - 1);
    share[at] = place - first[at];
  }
  return { first, second, share };
}
