"""Where films come from: a file, an upload, or a member of a zip, each read only when asked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cxr_core.errors import ImageError
from cxr_core.reading.archive import ZIP_SIGNATURES, Archive


@dataclass(frozen=True)
class Source:
    """One film that is yet to be read.

    Attributes:
        number: its position among the films, from 1.
        name: as the user named it; empty where names are not kept.
        load: gives the file's bytes, when called and as often; raises ImageError or OSError.
    """

    number: int
    name: str
    load: Callable[[], bytes]


def sources_of(name: str, data: bytes | Path, *, first: int) -> tuple[list[Source], int]:
    """One file as films: itself, or the members of a zip.

    A zip that cannot be opened is one film that cannot be read, whose reason says why.

    Args:
        name: the file's name; a member of a zip is ``name/member``.
        data: the file's bytes, or where it lies.
        first: number of the first film.

    Returns:
        the films, and how many members of a zip were left out since they can be no films.
    """
    load = data.read_bytes if isinstance(data, Path) else partial(bytes, data)
    try:
        if not _is_zip(data):
            return [Source(first, name, load)], 0
        archive = Archive(data)
    except ImageError as error:
        return [Source(first, name, partial(_refuse, error))], 0
    except OSError:  # said when the file is read
        return [Source(first, name, load)], 0
    films = [
        Source(first + index, f"{name}/{member}", partial(archive.read, index))
        for index, member in enumerate(archive.names)
    ]
    return films, archive.left_out


def without_names(sources: Iterable[Source]) -> Iterator[Source]:
    """The same films, with their names forgotten."""
    return (Source(source.number, "", source.load) for source in sources)


def _is_zip(data: bytes | Path) -> bool:
    if isinstance(data, Path):
        with data.open("rb") as stream:
            return stream.read(4) in ZIP_SIGNATURES
    return data[:4] in ZIP_SIGNATURES


def _refuse(error: ImageError) -> bytes:
    raise error
