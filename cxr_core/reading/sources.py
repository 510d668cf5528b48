"""Where films come from: a file, an upload, or a member of a zip, each read only when asked."""

import io
import os
import re
import stat
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cxr_core.errors import ImageError
from cxr_core.files import open_regular
from cxr_core.imaging.decoded import MAX_FILE_BYTES
from cxr_core.imaging.radiograph import check_file_size

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")  # a member first, or an archive without any
MAX_MEMBERS = 2_000
MAX_MEMBER_BYTES = MAX_FILE_BYTES
MAX_TOTAL_BYTES = 16 * 2**30
MAX_LARGE_MEMBERS = 200_000
# Films pack to a half or a third, drawn ones to a fiftieth. Small members may be anything.
MAX_COMPRESSION_RATIO = 200
MIN_RATIO_BYTES = 16 * 2**20
_CENTRAL_HEADER = b"PK\x01\x02"  # before each entry of the table of contents (APPNOTE 4.3.12)
_LOCAL_HEADER_BYTES = 30  # before each member, with the name after it (APPNOTE 4.3.7)
_ENCRYPTED = 0x1  # general purpose flag (APPNOTE 4.4.4)
_OFFICE_MEMBER = "[Content_Types].xml"
_SYSTEM_FILES = frozenset(
    ("dicomdir", "thumbs.db", "desktop.ini", "autorun.inf", "index.htm", "index.html")
)
_TEXT_SUFFIXES = frozenset(
    (
        ".txt",
        ".csv",
        ".tsv",
        ".json",
        ".xml",
        ".md",
        ".log",
        ".ini",
        ".htm",
        ".html",
        ".yaml",
        ".yml",
    )
)
_CHUNK = 2**20


# A zip of films, read member by member in memory: nothing is ever extracted to disk.
#
# What a zip says of itself is not believed: names that would lead out of a folder are refused,
# sizes are counted while unpacking, and no zip inside the zip is opened.


class ZipArchive:
    """The files of one zip that may be films; each is unpacked when it is read. Thread-safe.

    Attributes:
        names: of its files, in the order of the zip; ``read`` takes their index.
        n_skipped: files that can be no films: hidden ones, DICOMDIR and other tables of contents.
    """

    def __init__(self, data: bytes | Path | BinaryIO, *, large: bool = False) -> None:
        """Open a zip by its bytes, its path or as an open file; only its table of contents is read.

        Args:
            large: it is one of whoever runs the program, and nobody's upload: up to 200,000 files,
                of any size together.

        Raises:
            ImageError: no zip after all, an Office document, too many files, or none.
        """
        if isinstance(data, bytes) and data.count(_CENTRAL_HEADER) > MAX_MEMBERS:
            raise _too_many_files_error(MAX_MEMBERS)  # before the whole table is parsed
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data)
        except Exception as error:  # whatever a parser raises on hostile bytes
            raise ImageError(
                "This zip is damaged or incomplete and cannot be opened",
                value=type(error).__name__,
                remedy="Zip or copy it again.",
            ) from error
        entries = [info for info in self._zip.infolist() if not info.is_dir()]
        limit = MAX_LARGE_MEMBERS if large else MAX_MEMBERS
        if len(entries) > limit:
            raise _too_many_files_error(limit)
        if any(info.filename == _OFFICE_MEMBER for info in entries):
            raise ImageError(
                "This file cannot be read",
                value="it looks like an Office document",
                remedy="Save its films as PNG, JPEG, TIFF or DICOM.",
            )
        _check_overlaps(entries, self._zip.start_dir)
        films = [info for info in entries if may_be_film(info.filename)]
        if not films:
            raise ImageError(
                "This zip contains no film",
                value=f"{len(entries)} files, only system files",
                remedy="Zip the films themselves.",
            )
        self._entries = films
        self.names = tuple(info.filename for info in films)
        self.n_skipped = len(entries) - len(films)
        self._large = large
        self._unpacked: dict[int, int] = {}  # member -> bytes, each counted once
        self._total = 0
        self._lock = threading.Lock()

    def read(self, index: int) -> bytes:
        """The bytes of one file, as often as asked.

        Raises:
            ImageError: it is refused or damaged; each cause has its own words.
        """
        info = self._entries[index]
        _check_entry(info)
        try:
            data = self._unpack(index, info)
        except ImageError:
            raise
        except Exception as error:  # whatever a decompressor raises on hostile bytes
            raise ImageError(
                "This file is damaged inside the zip",
                value=f"{info.compress_size:,} bytes packed",
                remedy="Zip the film again.",
            ) from error
        if data[:4] in ZIP_SIGNATURES:
            raise ImageError(
                "A zip inside a zip is not opened",
                value=f"{len(data):,} bytes",
                remedy="Unzip the inner zip and add its films.",
            )
        return data

    def _unpack(self, index: int, info: zipfile.ZipInfo) -> bytes:
        unpacked = bytearray()
        with self._zip.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                unpacked += chunk
                self._count_unpacked(index, len(unpacked))
                if len(unpacked) > MAX_MEMBER_BYTES:
                    raise _zip_bomb_error(f"more than {MAX_MEMBER_BYTES // 2**20} MB")
                if len(unpacked) > max(MIN_RATIO_BYTES, MAX_COMPRESSION_RATIO * info.compress_size):
                    raise _zip_bomb_error(
                        f"more than {MAX_COMPRESSION_RATIO} times its packed size"
                    )
        return bytes(unpacked)

    def _count_unpacked(self, index: int, size: int) -> None:
        with self._lock:
            more = max(0, size - self._unpacked.get(index, 0))
            self._unpacked[index] = self._unpacked.get(index, 0) + more
            self._total += more
            if self._total > MAX_TOTAL_BYTES and not self._large:
                raise _zip_bomb_error(f"the whole zip to more than {MAX_TOTAL_BYTES // 2**30} GB")


def _check_overlaps(entries: list[zipfile.ZipInfo], table_start: int) -> None:
    """Refuse a zip in which files share their bytes: a hundred kilobytes would be any number of
    films.

    Args:
        table_start: where the table of contents begins.
    """
    ordered = sorted(entries, key=lambda info: info.header_offset)
    starts = [*(info.header_offset for info in ordered), table_start][1:]
    shared = sum(
        info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size > start
        for info, start in zip(ordered, starts, strict=True)
    )
    if shared:
        raise ImageError(
            "Files in this zip lie over one another and it was not opened",
            value=f"{shared:,} of {len(entries):,} files",
            remedy="No program packs films so. Zip the films again.",
        )


def _check_entry(info: zipfile.ZipInfo) -> None:
    """Refuse by the table of contents what must not or cannot be unpacked."""
    name = info.orig_filename
    parts = re.split(r"[/\\]", name)
    if ".." in parts or not parts[0] or re.match("[A-Za-z]:", name) or "\0" in name:
        raise ImageError(
            "This file's path points outside the zip",
            value="a path that is absolute or goes up",
            remedy="It was not opened. Zip the films with plain file names.",
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ImageError(
            "This is a link to another file, not a film",
            value="a symbolic link in a zip",
            remedy="Zip the film itself.",
        )
    if info.flag_bits & _ENCRYPTED:
        raise ImageError(
            "This file is password-protected",
            value="an encrypted file in a zip",
            remedy="Zip the films without a password.",
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ImageError(
            "This file's compression method is not supported",
            value=f"zip method {info.compress_type}",
            remedy="Zip the films with the standard method (Deflate).",
        )


def may_be_film(name: str) -> bool:
    """Whether a file, by its path inside a zip or a folder, may be a film.

    Hidden files, system files, DICOMDIR and other tables of contents, and texts are none.
    """
    parts = PurePosixPath(name.replace("\\", "/").casefold()).parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    if not parts or hidden or "__macosx" in parts or parts[-1] in _SYSTEM_FILES:
        return False
    return PurePosixPath(parts[-1]).suffix not in _TEXT_SUFFIXES


def _too_many_files_error(limit: int) -> ImageError:
    return ImageError(
        "This zip contains too many files",
        value=f"more than {limit:,}",
        remedy="Zip fewer films at a time.",
    )


def _zip_bomb_error(extent: str) -> ImageError:
    return ImageError(
        "This file is too large when unpacked and was not read",
        value=f"it unpacks to {extent}",
        remedy="Zip the films themselves.",
    )


@dataclass(frozen=True)
class FilmSource:
    """One film that is yet to be read.

    Attributes:
        number: its position among the films, from 1.
        name: as the user named it.
        load: gives the file's bytes, when called and as often; raises ImageError or OSError.
    """

    number: int
    name: str
    load: Callable[[], bytes]


def film_sources(
    name: str, data: bytes | Path, *, first_number: int
) -> tuple[list[FilmSource], int]:
    """One file as films: itself, or the members of a zip.

    A zip that cannot be opened is one film that cannot be read, whose reason says why.

    Args:
        name: the file's name; a member of a zip is ``name/member``.
        data: the file's bytes, or where it lies.
        first_number: number of the first film.

    Returns:
        the films, and how many members of a zip were left out since they can be no films.
    """
    load = partial(_read_file, data) if isinstance(data, Path) else partial(bytes, data)
    try:
        if not _is_zip(data):
            return [FilmSource(first_number, name, load)], 0
        archive = ZipArchive(data)
    except ImageError as error:
        return [FilmSource(first_number, name, partial(_raise, error))], 0
    except OSError:  # said when the file is read
        return [FilmSource(first_number, name, load)], 0
    films = [
        FilmSource(first_number + index, f"{name}/{member}", partial(archive.read, index))
        for index, member in enumerate(archive.names)
    ]
    return films, archive.n_skipped


def _is_zip(data: bytes | Path) -> bool:
    if isinstance(data, Path):
        with open_regular(data) as stream:
            return stream.read(4) in ZIP_SIGNATURES
    return data[:4] in ZIP_SIGNATURES


def _read_file(path: Path) -> bytes:
    with open_regular(path) as stream:
        check_file_size(os.fstat(stream.fileno()).st_size)  # before it fills the memory
        data = stream.read(MAX_FILE_BYTES + 1)
    check_file_size(len(data))  # it may have grown meanwhile
    return data


def _raise(error: ImageError) -> bytes:
    raise error
