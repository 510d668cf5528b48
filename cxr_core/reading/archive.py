"""The films of an archive, one after the other: of folders, zips and lists of files, here or at an
address as ``s3://bucket/folder``.

Nothing is held but one folder's names and the zips that are open, however many films there are.
What is told of a film, ``FilmPlace``, is small and can be sent to another machine that sees the
same files; ``FilmOpener`` makes a film of it there.
"""

import errno
import io
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple, cast
from urllib.parse import SplitResult, quote, unquote, urlsplit

from cxr_core.errors import ConfigError, ImageError
from cxr_core.files import open_regular
from cxr_core.imaging.decoded import MAX_FILE_BYTES
from cxr_core.imaging.radiograph import check_file_size
from cxr_core.reading.sources import (
    ZIP_SIGNATURES,
    FilmSource,
    ZipArchive,
    may_be_film,
)
from cxr_core.wording import listed

# Files with these names are not opened while they are listed: on a network disk that takes as long
# as to read them. All others may be zips.
_FILM_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm"))
_OPEN_ZIPS = 8
# Each of these would end a row's line, or has no place in UTF-8.
_NOT_IN_A_LINE = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]")
_SCHEMES = ("s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss", "file")
_BUCKETS = ("s3", "gs", "gcs")
_STORE_WORD = re.compile(r"(?:AWS Error|Azure Error:|cloud::Status\() ?\[?(\w+)")
_REACH = "Check its name, the network, and the keys in the environment."


class FilmPlace(NamedTuple):
    """Where one film lies.

    Attributes:
        number: its position among the films, from 1.
        path: of the file or its zip, or its address, quoted as addresses are.
        member: its index among the films of the zip; None for a file.
        name: for its row; a member of a zip is ``zip/member``.
    """

    number: int
    path: str
    member: int | None
    name: str


def is_address(place: str) -> bool:
    """Whether a place is an address, and not a path of this machine."""
    return "://" in place


class FileSystems:
    """What addresses lead to, as ``pyarrow.fs.FileSystem``. Thread-safe.

    They are kept: to make one for S3 asks the network.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], tuple[Any, str]] = {}
        self._lock = threading.Lock()

    def __call__(self, address: str) -> tuple[Any, str]:
        """The file system of an address, and the path in it.

        Args:
            address: of one of pyarrow's own kinds, or of any of fsspec's as ``fsspec+sftp://…``.
                Keys are never part of it: they belong into the environment or the machine's role.

        Raises:
            ConfigError: there is no such file system, or it cannot be reached.
        """
        parts = urlsplit(address)
        key = parts.scheme, parts.netloc, parts.query
        with self._lock:
            if key not in self._found:
                self._found[key] = _connect(parts)
        files, base = self._found[key]
        return files, f"{base}/{unquote(parts.path).strip('/')}".rstrip("/")


def _connect(parts: SplitResult) -> tuple[Any, str]:
    from pyarrow import fs

    if parts.password is not None or ("@" in parts.netloc and parts.scheme in _BUCKETS):
        raise ConfigError(
            "An address must not hold a key, as it would stand in every row",
            value=f"{parts.scheme}://…",
            remedy="Set keys in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY …) of "
            "every machine that reads.",
        )
    kinds = f"Use {listed([f'{one}://' for one in _SCHEMES])}, or fsspec+ before one of fsspec's."
    by_fsspec = parts.scheme.startswith("fsspec+")
    if parts.scheme not in _SCHEMES and not by_fsspec:
        raise ConfigError(
            "There is no such kind of address", value=f"{parts.scheme}://", remedy=kinds
        )
    if parts.scheme in _BUCKETS and not parts.netloc:
        raise ConfigError(
            "The address names no bucket",
            value=_address(parts),
            remedy=f"Write it as {parts.scheme}://bucket/folder.",
        )
    top = "/" if by_fsspec or parts.scheme == "file" else ""
    root = parts._replace(path=top, fragment="")
    told = f"{parts.scheme}://{parts.netloc}"
    try:
        files, base = fs.FileSystem.from_uri(_address(root))
    except ImportError as error:
        raise ConfigError(
            f"The address needs a package that is not installed ({error})",
            value=told,
            remedy="Install it on every machine that reads, or copy the films.",
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"There is no such address ({error})", value=told, remedy=kinds
        ) from error
    except Exception as error:  # each of fsspec's libraries has errors of its own
        raise ConfigError(
            f"The address cannot be reached ({_store_word(error)})", value=told, remedy=_REACH
        ) from error
    return files, base.rstrip("/")


def _store_word(error: Exception) -> str:
    """A store's own word for what is wrong, as ACCESS_DENIED; else the kind of the error.

    The rest of what it says names the request and no remedy.
    """
    found = _STORE_WORD.search(str(error))
    return found[1] if found else type(error).__name__


class FilmOpener:
    """Makes films of their places. Thread-safe; keeps few zips open."""

    def __init__(self) -> None:
        self.file_systems = FileSystems()
        self._zips: OrderedDict[str, ZipArchive] = OrderedDict()
        self._lock = threading.Lock()

    def source(self, place: FilmPlace) -> FilmSource:
        """The film, whose bytes are read when it is loaded."""
        return FilmSource(place.number, place.name, partial(self._load, place))

    def archive(self, path: str) -> ZipArchive:
        """A zip by its path or address; only its table of contents is read.

        Raises:
            ImageError: no zip after all, an Office document, too many files, or none.
            OSError: it cannot be read.
        """
        with self._lock:
            if path not in self._zips:
                data = self.open(path) if is_address(path) else Path(path)
                self._zips[path] = ZipArchive(data, large=True)
                while len(self._zips) > _OPEN_ZIPS:
                    self._zips.popitem(last=False)
            self._zips.move_to_end(path)
            return self._zips[path]

    def open(self, path: str) -> BinaryIO:
        """A file, to be read from any place in it.

        Raises:
            OSError: it cannot be read, or is no file: a pipe or a device has no end.
        """
        if not is_address(path):
            return open_regular(Path(path))
        files, inside = self.file_systems(path)
        return cast(BinaryIO, files.open_input_file(inside))

    def _load(self, place: FilmPlace) -> bytes:
        try:
            return self._read(place)
        except OSError as error:
            if not is_address(place.path):
                raise
            missing = errno.ENOENT if isinstance(error, FileNotFoundError) else None
            number = error.errno or missing
            # A store's own words are in no field of it, or quote the path.
            why = os.strerror(number) if number else _store_word(error)
            raise OSError(number or errno.EIO, why) from error

    def _read(self, place: FilmPlace) -> bytes:
        if place.member is not None:
            return self.archive(place.path).read(place.member)
        try:
            stream = self.open(place.path)
        except IsADirectoryError as error:
            raise ImageError(
                "This folder cannot be listed, and nothing in it was read",
                value=place.name,
                remedy="Check its permissions.",
            ) from error
        with stream:
            if stream.read(4) in ZIP_SIGNATURES:
                self.archive(place.path)  # says what is wrong with it
                raise ImageError(
                    "This is a zip",
                    value="not opened when the films were listed",
                    remedy="Give it a name that ends in .zip and run it again with --resume.",
                )
            check_file_size(stream.seek(0, io.SEEK_END))  # before it fills the memory
            stream.seek(0)
            data = stream.read(MAX_FILE_BYTES + 1)
        check_file_size(len(data))  # it may have grown; files of /proc say that they are empty
        return data


def list_films(
    places: Iterable[str], lists: Iterable[Path] = (), *, opener: FilmOpener
) -> Iterator[FilmPlace]:
    """The films of files, folders and zips, as they are asked for.

    Files as named, and every file below each folder that may be a film, sorted by path. Links to
    folders are not followed. What is not there, or is a zip that cannot be opened, is one film that
    cannot be read.

    Args:
        places: paths and addresses.
        lists: files with one path or address a line, taken after ``places``; blank lines are none.
            Relative paths are those of the working folder.

    Raises:
        ConfigError: a list cannot be read, or an address is none.
    """
    numbers = count(1)
    for place in _places(places, lists):
        for path, may_be_zip in _files(place, opener):
            for member, name in _members(path, opener, may_be_zip=may_be_zip):
                yield FilmPlace(next(numbers), path, member, _in_one_line(name))


def _places(places: Iterable[str], lists: Iterable[Path]) -> Iterator[str]:
    yield from places
    for path in lists:
        try:
            with path.open("rb") as lines:  # a pipe is welcome: find … | cxr-read --list /dev/stdin
                for line in lines:
                    if name := os.fsdecode(line.rstrip(b"\r\n")):
                        yield name
        except OSError as error:
            raise ConfigError(
                f"The list of films cannot be read ({error.strerror})",
                value=path,
                remedy="Give a text file with one path a line.",
            ) from error


def _files(place: str, opener: FilmOpener) -> Iterator[tuple[str, bool]]:
    """Each file of a place, and whether it may be a zip."""
    if is_address(place):
        yield from _files_at_address(place, opener)
    elif os.path.isdir(place):
        # As pathlib writes them: without ./ at the front, or a slash at the end.
        for path, name in _walk(str(Path(place)), ""):
            yield path, not _has_film_suffix(name)
    else:
        yield str(Path(place)), True


def _walk(folder: str, inside: str) -> Iterator[tuple[str, str]]:
    """Path, and path within the place, of each file that may be a film; sorted."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:  # said when it is read as a film
        yield folder, inside
        return
    for entry in found:
        path, name = str(Path(folder) / entry.name), f"{inside}/{entry.name}".lstrip("/")
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, name)
        elif may_be_film(name) and _may_be_file(entry):
            yield path, name


def _may_be_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file, or a link of which nobody can say: that is said when it is
    read."""
    try:
        return entry.is_file()
    except OSError:  # it leads in a circle, or through a folder that is closed
        return True


def _files_at_address(place: str, opener: FilmOpener) -> Iterator[tuple[str, bool]]:
    from pyarrow import fs

    files, inside = opener.file_systems(place)
    parts = urlsplit(place)

    def walk(folder: str) -> Iterator[tuple[str, bool]]:
        for info in sorted(_infos(files, fs.FileSelector(folder), place), key=lambda i: i.path):
            name = info.path.removeprefix(inside).lstrip("/")
            if info.type == fs.FileType.Directory:
                yield from walk(info.path)
            elif may_be_film(name):
                path = f"{parts.path.rstrip('/')}/{quote(name)}"
                yield _address(parts._replace(path=path)), not _has_film_suffix(name)

    (info,) = _infos(files, [inside], place)
    if info.type == fs.FileType.Directory:
        yield from walk(inside)
    else:
        yield place, True


def _address(parts: SplitResult) -> str:
    """The parts as one address; ``geturl`` leaves // out where no host follows it."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


def _infos(files: Any, asked: Any, place: str) -> list[Any]:
    try:
        return cast(list[Any], files.get_file_info(asked))
    except Exception as error:  # each of fsspec's libraries has errors of its own
        raise ConfigError(
            f"The files at an address cannot be listed ({_store_word(error)})",
            value=place.partition("?")[0],
            remedy=_REACH,
        ) from error


def _has_film_suffix(name: str) -> bool:
    return PurePosixPath(name.casefold()).suffix in _FILM_SUFFIXES


def _members(
    path: str, opener: FilmOpener, *, may_be_zip: bool
) -> Iterator[tuple[int | None, str]]:
    """Index and name of each film in a zip; without index, the file itself."""
    name = unquote(path.partition("?")[0]) if is_address(path) else path
    members: tuple[str, ...] = ()
    if may_be_zip:
        with suppress(ImageError, OSError):  # said when it is read as a film
            with opener.open(path) as stream:
                is_zip = stream.read(4) in ZIP_SIGNATURES
            members = opener.archive(path).names if is_zip else ()
    if not members:
        yield None, name
    for index, member in enumerate(members):
        yield index, f"{name}/{member}"


def _in_one_line(name: str) -> str:
    """A name that stands in one line and in UTF-8, and is no other file's."""
    return _NOT_IN_A_LINE.sub(lambda found: ascii(found[0])[1:-1], name)
