"""Zips for the tests: honest ones, and some that lie."""

import io
import struct
import zipfile


def zip_bytes(
    members: dict[str, bytes] | dict[zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip of the members, by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def with_declared_size(archive: bytes, size: int) -> bytes:
    """The zip of one member, with another unpacked size in both of its headers (APPNOTE 4.3)."""
    changed = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = archive.index(signature) + offset
        changed[at : at + 4] = struct.pack("<I", size)
    return bytes(changed)


def encrypted(archive: bytes) -> bytes:
    """The zip of one member, marked as encrypted."""
    changed = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[archive.index(signature) + offset] |= 1
    return bytes(changed)
