"""Hostile files against the decoder: mutated films of every format, and bombs.

    python -m bench.hostile [--n 5000] [--seed 0] [--size 160] [--out FILE.jsonl] [--no-bombs]

File number i is drawn from (seed, i), so that a run that was stopped goes on with the same --out:
what stands in it is not done again. Each file is decoded in a worker process as the app does it.
Counted are crashes (the process ended by itself), errors that are no ``CXRError`` (in the worker or
here), films that took over 2 s of computing time (GDCM's process included; a busy machine would
make any waiting time meaningless) or over 1 GB of memory, and films that a limit ended. Linux only.
"""

import argparse
import io
import json
import os
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from bench.damaged_films import ENCODINGS as INTACT
from bench.damaged_films import Gray, Rng, dicom, to_bytes
from bench.hostile_bombs import BOMBS
from cxr_core.errors import CXRError
from cxr_core.imaging.workers.worker import DecodeWorker, DecodingStoppedError
from cxr_core.phantom.draw import draw_phantom
from cxr_core.reading.sources import film_sources

MAX_CPU_SECONDS, MAX_MEGABYTES = 2.0, 1024
N_ORIGINALS = 6
_TICKS = os.sysconf("SC_CLK_TCK")


# Intact files.


def in_syntax(pixels: Gray, syntax: Any) -> bytes:
    """A DICOM file in another of the uncompressed transfer syntaxes."""
    ds = dicom(pixels, 12)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = syntax
    return to_bytes(ds)


def bare(pixels: Gray) -> bytes:
    """A DICOM data set without preamble and meta information."""
    ds, stream = dicom(pixels), io.BytesIO()
    del ds.file_meta
    ds.save_as(stream, implicit_vr=True, little_endian=True)
    return stream.getvalue()


def tiff(pixels: Gray, kind: str, compression: str | None = None) -> bytes:
    """A TIFF of another number type, or compressed otherwise."""
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(kind)).save(stream, "TIFF", compression=compression)
    return stream.getvalue()


def png_mode(pixels: Gray, mode: str) -> bytes:
    """A PNG with other channels."""
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def jpeg_cmyk(pixels: Gray) -> bytes:
    """A JPEG of four channels."""
    stream = io.BytesIO()
    Image.fromarray(pixels).convert("CMYK").save(stream, "JPEG")
    return stream.getvalue()


def zipped(pixels: Gray, method: int) -> bytes:
    """A zip of two films."""
    films = {"a.png": INTACT["PNG"](pixels), "b/c.dcm": INTACT["DICOM, 12 bits"](pixels)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in films.items():
            archive.writestr(name, data)
    return stream.getvalue()


FILES: dict[str, Callable[[Gray], bytes]] = INTACT | {
    "PNG, palette": partial(png_mode, mode="P"),
    "PNG, RGBA": partial(png_mode, mode="RGBA"),
    "PNG, gray and alpha": partial(png_mode, mode="LA"),
    "PNG, 1 bit": partial(png_mode, mode="1"),
    "TIFF, 16 bits": partial(tiff, kind="uint16"),
    "TIFF, float": partial(tiff, kind="float32"),
    "TIFF, LZW": partial(tiff, kind="uint8", compression="tiff_lzw"),
    "TIFF, PackBits": partial(tiff, kind="uint8", compression="packbits"),
    "JPEG, CMYK": jpeg_cmyk,
    "DICOM, implicit": partial(in_syntax, syntax=ImplicitVRLittleEndian),
    "DICOM, big endian": partial(in_syntax, syntax=ExplicitVRBigEndian),
    "DICOM, deflated": partial(in_syntax, syntax=DeflatedExplicitVRLittleEndian),
    "DICOM, bare": bare,
    "zip, stored": partial(zipped, method=0),
    "zip, deflated": partial(zipped, method=8),
}


@cache
def intact(name: str, original: int, size: int) -> bytes:
    """One original in one encoding."""
    return FILES[name](np.ascontiguousarray(draw_phantom(original, size=size).pixels))


# Mutations: (bytes, another file's bytes, random numbers) -> bytes.

Mutation = Callable[[bytes, bytes, Rng], bytes]
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEADER = 700  # bytes, in which most formats say what they are
_TAGS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "SamplesPerPixel", "PlanarConfiguration", "NumberOfFrames", "PixelPaddingValue",
    "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth",
)  # fmt: skip


def flip_bits(data: bytes, other: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    for at in rng.integers(len(data), size=int(rng.integers(1, 24))):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def flip_header(data: bytes, other: bytes, rng: Rng) -> bytes:
    return flip_bits(data[:_HEADER], other, rng) + data[_HEADER:]


def put_number(data: bytes, other: bytes, rng: Rng) -> bytes:
    width, order = int(rng.choice([1, 2, 4])), str(rng.choice(["little", "big"]))
    value = int(rng.choice(_NUMBERS)) % (1 << 8 * width)
    end = min(len(data), _HEADER) if rng.random() < 0.7 else len(data)
    at = int(rng.integers(end))
    return data[:at] + value.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]


def drop_block(data: bytes, other: bytes, rng: Rng) -> bytes:
    at, size = _block(data, rng)
    return data[:at] + data[at + size :]


def repeat_block(data: bytes, other: bytes, rng: Rng) -> bytes:
    at, size = _block(data, rng)
    return data[:at] + data[at : at + size] * int(rng.integers(2, 40)) + data[at + size :]


def noise_block(data: bytes, other: bytes, rng: Rng) -> bytes:
    at, size = _block(data, rng)
    return data[:at] + rng.bytes(size) + data[at + size :]


def even_block(data: bytes, other: bytes, rng: Rng) -> bytes:
    at, size = _block(data, rng)
    return data[:at] + bytes([int(rng.choice([0, 0x80, 0xFF]))]) * size + data[at + size :]


def truncate(data: bytes, other: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(1, max(2, len(data))))]


def splice(data: bytes, other: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(1, max(2, len(data))))] + other[int(rng.integers(len(other))) :]


def lie(data: bytes, other: bytes, rng: Rng) -> bytes:
    """Another number in one of a DICOM file's elements; other files as they are."""
    if data[128:132] != b"DICM" or DeflatedExplicitVRLittleEndian.encode() in data:
        return flip_header(data, other, rng)
    try:
        ds = dcmread(io.BytesIO(data))
        for tag in rng.choice(_TAGS, int(rng.integers(1, 4))):
            value = int(rng.choice([*_NUMBERS[:9], int(rng.integers(2**15))]))
            setattr(ds, str(tag), value)
        return to_bytes(ds)
    except Exception:  # an earlier mutation has made it unreadable: it is hostile enough
        return data


def right_checksums(data: bytes, other: bytes, rng: Rng) -> bytes:
    """A PNG whose chunks have right checksums again, so that what is in them is looked at."""
    if not data.startswith(b"\x89PNG"):
        return data
    fixed, at = bytearray(data), 8
    while at + 12 <= len(fixed):
        end = at + 8 + int.from_bytes(fixed[at : at + 4])
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = zlib.crc32(fixed[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(fixed)


def _block(data: bytes, rng: Rng) -> tuple[int, int]:
    size = int(min(len(data), 2 ** rng.uniform(0, 12)))
    return int(rng.integers(len(data))), size


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_header, flip_header, put_number, put_number, drop_block, repeat_block,
    noise_block, even_block, truncate, splice, lie, lie,
)  # fmt: skip


def hostile_file(seed: int, number: int, size: int) -> tuple[str, str, bytes]:
    """File ``number``: the encoding it comes from, its mutations, its bytes."""
    rng = np.random.default_rng([seed, number])
    names = list(FILES)
    name = names[number % len(names)]  # every format as often
    data = intact(name, int(rng.integers(N_ORIGINALS)), size)
    other = intact(str(rng.choice(names)), int(rng.integers(N_ORIGINALS)), size)
    done = []
    for index in rng.integers(len(MUTATIONS), size=int(rng.integers(1, 5))):
        mutation = MUTATIONS[index]
        data = mutation(data, other, rng) or b"\0"
        done.append(mutation.__name__)
    if rng.random() < 0.5:
        data = right_checksums(data, other, rng)
    return name, "+".join(done), data


# What became of them.


class MeasuredWorker:
    """A worker, and what each film cost it."""

    def __init__(self) -> None:
        self._worker = DecodeWorker()
        self._warm_up()

    def decode(self, data: bytes) -> dict[str, Any]:
        """One film's outcome: what it ended as, its sentence, computing time and peak memory."""
        if not self._worker.usable:
            self._worker = DecodeWorker()
            self._warm_up()
        proc = Path("/proc", str(self._worker.pid))
        (proc / "clear_refs").write_text("5")  # the peak starts anew
        before = _cpu_seconds(proc)
        outcome, said = "film", ""
        try:
            self._worker.submit(data)
            self._worker.result()
        except DecodingStoppedError as error:
            outcome, said = error.cause, str(error)
        except CXRError as error:
            outcome, said = "refused", error.problem
        except Exception as error:
            outcome, said = "fault", f"{type(error).__name__} in the app"
        alive = self._worker.usable
        cost = {"cpu": _cpu_seconds(proc) - before, "mb": _peak(proc)} if alive else {}
        return {"outcome": outcome, "said": said, **cost}

    def _warm_up(self) -> None:
        self._worker.submit(intact("PNG", 0, 160))
        self._worker.result()


def _cpu_seconds(proc: Path) -> float:
    """Of a process and of its children that have ended."""
    fields = (proc / "stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _peak(proc: Path) -> float:
    """MB of memory at most since the peak was reset."""
    lines = (proc / "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def outcomes(worker: MeasuredWorker, data: bytes) -> Iterator[dict[str, Any]]:
    """Of a file as the Worklist takes it: itself, or the films of a zip (three at most)."""
    began = time.process_time()
    try:
        films = film_sources("film", data, first_number=1)[0][:3]
        loaded = [film.load() for film in films]
    except CXRError as error:
        yield {"outcome": "refused", "said": error.problem, "cpu": time.process_time() - began}
        return
    except Exception as error:
        yield {"outcome": "fault", "said": f"{type(error).__name__} in the app"}
        return
    for film in loaded:
        yield worker.decode(film)


def summary(records: list[dict[str, Any]]) -> str:
    """The counts that must be 0, and what they were counted on."""
    kinds = Counter(record["outcome"] for record in records)
    slow = [r for r in records if r.get("cpu", 0) > MAX_CPU_SECONDS or r["outcome"] == "cpu"]
    large = [r for r in records if r.get("mb", 0) > MAX_MEGABYTES or r["outcome"] == "memory"]
    lines = [
        f"{len({r['number'] for r in records}):,} files, {len(records):,} films: "
        + ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()),
        f"crashes                  {kinds['ended']:6}",
        f"errors that are no CXRError {kinds['fault']:3}",
        f"over {MAX_CPU_SECONDS:g} s of computing   {len(slow):6}",
        f"over {MAX_MEGABYTES:,} MB            {len(large):6}",
        f"most computing {max((r.get('cpu', 0) for r in records), default=0):.2f} s, "
        f"most memory {max((r.get('mb', 0) for r in records), default=0):.0f} MB",
    ]
    worst = [r for r in records if r["outcome"] in ("ended", "fault", "wall", "start")]
    for r in [*worst, *slow, *large][:40]:
        lines.append(f"  {r['number']}: {r['file']}, {r['how']}: {r['outcome']}. {r['said']}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=5000, help="mutated files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=160, help="px of a phantom")
    parser.add_argument("--out", type=Path, help="results, a line a film; goes on where it ends")
    parser.add_argument("--no-bombs", dest="bombs", action="store_false")
    given = parser.parse_args()
    worker = MeasuredWorker()
    if given.bombs:
        for name, make in BOMBS.items():
            data = make()
            for found in outcomes(worker, data):
                cost = f"{found.get('cpu', float('nan')):6.2f} s {found.get('mb', 0):6.0f} MB"
                print(
                    f"{name:32} {len(data):>11,} bytes {cost}  {found['outcome']}: {found['said']}"
                )
                break
            sys.stdout.flush()
    records = _previous(given.out)
    finished = {record["number"] for record in records}
    log = given.out.open("a", encoding="utf-8") if given.out else None
    for number in range(given.n):
        if number in finished:
            continue
        name, how, data = hostile_file(given.seed, number, given.size)
        new = [
            {"number": number, "file": name, "how": how, **found}
            for found in outcomes(worker, data)
        ]
        records += new
        if log:
            log.write("".join(json.dumps(record) + "\n" for record in new))
            log.flush()
    print(summary(records))
    bad = ("ended", "fault", "cpu", "memory", "wall")
    return int(any(r["outcome"] in bad or r.get("cpu", 0) > MAX_CPU_SECONDS for r in records))


def _previous(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream if line.endswith("\n")]


if __name__ == "__main__":
    sys.exit(main())
