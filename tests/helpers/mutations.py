"""Changes that make a file one that should not be: to bytes, JSON, tables, text and DICOM.

Each draws from a ``random.Random``; hypothesis gives one that it can replay and shrink,
``bench/fuzz_loaders.py`` a seeded one.
"""

import copy
import io
import json
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from cxr_core.imaging.dicom.identity import _KEYWORDS as IDENTITY_KEYWORDS
from cxr_core.imaging.dicom.tags import PARSED_KEYWORDS

Mutation = Callable[[bytes, Random], bytes]
NAN, INF = float("nan"), float("inf")
# Words that are put in a JSON text after it was written, since Python would not write them.
_DEEP, _LONG = "@@DEEP@@", "@@LONG@@"
JSON_JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 224.5, 10**400, -(10**400), 2**63, 1e308, NAN, INF, -INF, "", " ",
    "0.3", "nan", "\ud800", "\x00", "a" * 5000, "=1+1", "[a](http://b)", [], [[]], {}, [None],
    [NAN], [1, 2, 3], {"": {}}, {"a": [1]}, [[0.0]] * 4, ["x"] * 4, _DEEP, _LONG,
)  # fmt: skip
CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-1", "0", "1", "2", "0.5", "1,5", "10" * 200,
    "=1+1", "'", '"', '""', "a\nb", "a;b", "|", "||", "No Finding|Effusion", "\ufeff", "\u200b",
    "\x00", "\x1a", "x" * 400, "../../etc/passwd", "C:\\a\\b.png", "é", "日本", "🫁", "None",
    "null", "True", "058Y", "9" * 30, "０", "1_000", "+5", "- 5", "image", "image index",
)  # fmt: skip
BYTES = (b"\0", b"\xff\xfe", b"\r", b'"', b",", b"\xc3", b"PK\x03\x04")
TOML_VALUES = (
    "1" * 6000, "nan", "-inf", "1e400", '""', '"\\ud800"', "[]", "[[1]]", "{}", "{a = 1}", "true",
    "1979-05-27", "0x10", '"x"', "-1", "0.5", "[1, 2, 3]", "[" * 3000, '["a", 1]', "1e999", '"=1"',
)  # fmt: skip
DICOM_VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL",
    "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "ZZ",
)  # fmt: skip
LONG_VRS = ("OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT")  # length in four bytes
DICOM_VALUES = (
    b"", b" ", b"\0", b"1", b"-1", b"0", b"99999999999999999999", b"1e400", b"nan", b"inf", b"1.5",
    b"1\\2\\3", b"\\\\\\", b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1.99", b"a" * 70, b"PA\\AP",
    b"\xff\xfe\xff\xfe", bytes(8), b"\xff" * 8, b"\xff" * 7, struct.pack("<3H", 0, 0, 16),
    struct.pack("<3H", 65535, 65535, 255), b"20231399", b"058Y", b"Doe^Jane=\xe5", bytes(1024),
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\x04\0\0\0abcd",
)  # fmt: skip


def mutate_bytes(data: bytes, rng: Random) -> bytes:
    """One to four bits flipped, or a part cut out, doubled, overwritten or put in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed)) if changed else 0
        length = rng.choice((1, 2, 7, 64, 1000))
        kind = rng.randrange(7)
        if kind <= 1 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        elif kind == 4:
            changed[at : at + length] = bytes(rng.randrange(256) for _ in range(min(length, 64)))
        elif kind == 5:
            changed[at:at] = rng.choice(
                (b"\0", b"\xff\xfe", b"\r", b'"', b",", b"\xc3", b"PK\x03\x04")
            )
        else:
            del changed[at:]
    return bytes(changed)


def mutate_json_value(document: Any, rng: Random) -> Any:
    """The document with a value anywhere in it replaced, left out or renamed."""
    places = list(_places(document))
    if not places:
        return rng.choice(JSON_JUNK)
    parent, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[rng.choice(("", "x", "\ud800", str(key).upper()))] = parent.pop(key)
    elif kind == 2:
        parent[key] = [copy.deepcopy(parent[key])]
    elif kind == 3 and isinstance(parent[key], int | float):
        parent[key] = -parent[key] * rng.choice((0, 1, 10**6, 10**30))
    else:
        parent[key] = copy.deepcopy(rng.choice(JSON_JUNK))
    return document


def _places(document: Any) -> Any:
    pairs: Any = ()
    if isinstance(document, dict):
        pairs = list(document.items())
    elif isinstance(document, list):
        pairs = list(enumerate(document[:20]))
    for key, value in pairs:
        yield document, key
        yield from _places(value)


def json_bytes(document: Any) -> bytes:
    """The document as JSON, with what Python itself would not write."""
    text = json.dumps(document)
    text = text.replace(f'"{_DEEP}"', "[" * 20_000 + "]" * 20_000)
    return text.replace(f'"{_LONG}"', "1" * 6000).encode()


def mutate_json(data: bytes, rng: Random) -> bytes:
    """One to three values changed, or the text itself."""
    if rng.randrange(5) == 0:
        return mutate_bytes(data, rng)
    document = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        document = mutate_json_value(document, rng)
    return json_bytes(document)


def mutate_table(data: bytes, rng: Random) -> bytes:
    """Cells, lines or columns of a CSV changed, or the text itself."""
    if rng.randrange(5) == 0:
        return mutate_bytes(data, rng)
    lines = [line.split(",") for line in data.decode().splitlines()]
    for _ in range(rng.randint(1, 4)):
        line = rng.choice(lines)
        kind = rng.randrange(9)
        if kind <= 3:
            line[rng.randrange(len(line))] = rng.choice(CELLS)
        elif kind == 4:
            lines.insert(rng.randrange(len(lines) + 1), list(rng.choice(lines)))
        elif kind == 5:
            line.insert(rng.randrange(len(line) + 1), rng.choice(CELLS))
        elif kind == 6 and len(line) > 1:
            del line[rng.randrange(len(line))]
        elif kind == 7:
            column, value = rng.randrange(len(lines[0])), rng.choice(CELLS)
            for row in lines[1:]:
                if column < len(row):
                    row[column] = value
        else:
            one, two = rng.randrange(len(lines[0])), rng.randrange(len(lines[0]))
            lines[0][one] = lines[0][two]
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    return end.join(",".join(line) for line in lines).encode("utf-8", "surrogatepass")


def mutate_text(data: bytes, rng: Random) -> bytes:
    """Lines changed of a text such as TOML."""
    if rng.randrange(3) == 0:
        return mutate_bytes(data, rng)
    lines = data.decode().splitlines()
    at = rng.randrange(len(lines))
    name = lines[at].partition("=")[0] or "x"
    value = rng.choice(TOML_VALUES)
    lines[at] = f"{name} = {value}"
    return "\n".join(lines).encode()


def mutate_dicom(data: bytes, rng: Random) -> bytes:
    """One to three elements that are read, of another VR, value or number of values."""
    if rng.randrange(6) == 0:
        return mutate_bytes(data, rng)
    ds = pydicom.dcmread(io.BytesIO(data))
    names = [name for name in (*PARSED_KEYWORDS, *IDENTITY_KEYWORDS) if name != "PixelData"]
    raw: list[tuple[int, bytes]] = []
    for _ in range(rng.randint(1, 3)):
        tag = tag_for_keyword(rng.choice(names))
        assert tag is not None
        ds.pop(tag, None)
        raw = [one for one in raw if one[0] != tag]
        raw.append((tag, _element(tag, rng)))
    meta = rng.randrange(6) == 0
    return _with_elements(ds, raw, _element(0x00020010, rng) if meta else None)


def _element(tag: int, rng: Random) -> bytes:
    vr, value = rng.choice(DICOM_VRS), rng.choice(DICOM_VALUES)
    value += b" " * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in LONG_VRS:
        return head + b"\0\0" + struct.pack("<I", len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def _with_elements(ds: Dataset, raw: list[tuple[int, bytes]], syntax: bytes | None) -> bytes:
    """The file with elements put in as bytes, in the tags' order: no library would write them."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    whole = buffer.getvalue()
    group_length = struct.unpack("<I", whole[140:144])[0]
    meta, body = whole[144 : 144 + group_length], whole[144 + group_length :]
    if syntax is not None:
        at = meta.index(b"\x02\0\x10\0UI")
        length = struct.unpack("<H", meta[at + 6 : at + 8])[0]
        meta = meta[:at] + syntax + meta[at + 8 + length :]
    ordered = sorted([*_elements(body), *raw], key=lambda part: part[0])
    head = whole[:140] + struct.pack("<I", len(meta))
    return head + meta + b"".join(encoded for _, encoded in ordered)


def _elements(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and bytes of each element, explicit VR and little endian."""
    at = 0
    while at < len(body):
        group, number = struct.unpack("<HH", body[at : at + 4])
        if body[at + 4 : at + 6].decode() in LONG_VRS:
            end = at + 12 + int(struct.unpack("<I", body[at + 8 : at + 12])[0])
        else:
            end = at + 8 + int(struct.unpack("<H", body[at + 6 : at + 8])[0])
        yield group << 16 | number, body[at:end]
        at = end
