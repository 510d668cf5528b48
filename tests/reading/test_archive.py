"""An archive's films one after the other: folders, zips, lists, addresses; none is left out."""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest

from cxr_core.errors import ConfigError, ImageError
from cxr_core.reading.archive import FilmOpener, FilmPlace, list_films
from tests.helpers.object_store import object_store
from tests.helpers.zips import zip_bytes

ODD = "b c?#%25+é.png"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with films at several depths, a zip, and what is no film."""
    files = {
        "z/a.png": b"1",
        f"z/{ODD}": b"2",
        "m.zip": zip_bytes({"1.png": b"3", "notes.txt": b"", "s/2.dcm": b"4"}),
        "a.dcm": b"5",
        "zipped": zip_bytes({"3": b"6"}),
        "broken.zip": b"PK\x03\x04 and no more",
        "DICOMDIR": b"x",
        "z/.hidden/a.png": b"x",
        "z/notes.csv": b"x",
    }
    for name, data in files.items():
        path = tmp_path / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "archive"


INSIDE = ["a.dcm", "broken.zip", "m.zip/1.png", "m.zip/s/2.dcm", "z/a.png", f"z/{ODD}", "zipped/3"]
LOADED = [b"5", "This zip is damaged or incomplete", b"3", b"4", b"1", b"2", b"6"]


def loaded(films: Iterable[FilmPlace], opener: FilmOpener) -> list[bytes | str]:
    """The bytes of each film, or why there are none."""
    found: list[bytes | str] = []
    for film in films:
        try:
            found.append(opener.source(film).load())
        except ImageError as error:
            found.append(error.problem)
    return found


@pytest.mark.parametrize("at", ["", "file://", "fsspec+file://"])
def test_every_film_below_a_folder_is_there_once_in_order(archive: Path, at: str) -> None:
    place = f"{at}{archive}"
    films = list(list_films([place], opener=FilmOpener()))
    assert [film.number for film in films] == [1, 2, 3, 4, 5, 6, 7]
    assert [film.name for film in films] == [f"{place}/{name}" for name in INSIDE]
    # Opened elsewhere, by nothing but what was listed.
    for got, expected in zip(loaded(films, FilmOpener()), LOADED, strict=True):
        assert got == expected or str(got).startswith(str(expected))


def test_a_list_has_films_zips_folders_and_addresses(archive: Path, tmp_path: Path) -> None:
    lines = [archive / "z", "", archive / "m.zip", (archive / "a.dcm").as_uri(), tmp_path / "gone"]
    (tmp_path / "list.txt").write_text("\r\n".join(map(str, lines)))
    opener = FilmOpener()
    films = list(list_films([str(archive / "a.dcm")], [tmp_path / "list.txt"], opener=opener))
    assert loaded(films[:-1], opener) == [b"5", b"1", b"2", b"3", b"4", b"5"]
    assert films[-1].name == str(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        opener.source(films[-1]).load()


def test_a_list_is_read_no_further_than_films_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("1.png\n2.png\nnone://there\n")
    films = list_films([], [tmp_path / "list.txt"], opener=FilmOpener())
    assert [film.name for film in islice(films, 2)] == ["1.png", "2.png"]
    with pytest.raises(ConfigError, match="no such kind of address: none://"):
        next(films)


def test_films_in_a_bucket(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over S3's protocol, as Arrow's client speaks it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with object_store("films") as store:
        for path in archive.rglob("*"):
            if path.is_file():
                key = f"2026/{path.relative_to(archive)}"
                store.buckets["films"][key] = path.read_bytes()
        opener = FilmOpener()
        films = list(list_films([f"s3://films/2026?{store.place}"], opener=opener))
        assert [film.name for film in films] == [f"s3://films/2026/{name}" for name in INSIDE]
        for got, expected in zip(loaded(films, FilmOpener()), LOADED, strict=True):
            assert got == expected or str(got).startswith(str(expected))
        store.closed = {"2026/a.dcm"}
        with pytest.raises(OSError, match="ACCESS_DENIED$"):
            opener.source(films[0]).load()
        with pytest.raises(FileNotFoundError, match="No such file or directory$"):
            opener.source(FilmPlace(1, f"s3://no/film.png?{store.place}", None, "film.png")).load()


@pytest.mark.parametrize(
    "address", ["s3://key:secret@bucket/films", "fsspec+sftp://me:secret@host/films"]
)
def test_a_key_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError, match="must not hold a key") as caught:
        next(list_films([address], opener=FilmOpener()))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://", "names no bucket: s3://. Write it as s3://bucket/folder."),
        ("s3:///films", "names no bucket: s3:///films."),
        ("http://host/film.png", "no such kind of address: http://. Use s3://"),
        (
            "fsspec+nothing://x/y",
            "no such address .Protocol not known: nothing.: fsspec.nothing://x",
        ),
        ("fsspec+memory://x/gone?a", None),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(address: str, said: str | None) -> None:
    opener = FilmOpener()
    if said is not None:
        with pytest.raises(ConfigError, match=said):
            next(list_films([address], opener=opener))
        return
    (film,) = list_films([address], opener=opener)
    with pytest.raises(OSError, match="No such file or directory$"):
        opener.source(film).load()


def test_a_stores_own_word_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pyarrow has it of S3; all that it says would name the request."""
    words = (
        "When reading information for key 'k/A_B.png' in bucket 'b': AWS Error ACCESS_DENIED "
        "during HeadObject operation: No response body. (Request ID: 4711)"
    )

    class Store:
        def get_file_info(self, asked: object) -> None:
            raise OSError(words)

        def open_input_file(self, path: str) -> None:
            raise OSError(words)

    opener = FilmOpener()
    monkeypatch.setattr(opener, "file_systems", lambda address: (Store(), "b/k"))
    with pytest.raises(ConfigError, match=r"listed \(ACCESS_DENIED\): s3://b/k\."):
        next(list_films(["s3://b/k"], opener=opener))
    film = opener.source(FilmPlace(1, "s3://b/k/A_B.png", None, "A_B.png"))
    with pytest.raises(OSError, match=r"^\[Errno \d+\] ACCESS_DENIED$"):
        film.load()


def test_names_that_do_not_fit_a_line_stay_apart(tmp_path: Path) -> None:
    for name in (b"a\nb", b"a b", b"a\xffb", b"a\xfeb"):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    opener = FilmOpener()
    films = list(list_films([str(tmp_path)], opener=opener))
    names = [film.name.removeprefix(f"{tmp_path}/") for film in films]
    assert sorted(names) == ["a b", "a\\nb", "a\\udcfeb", "a\\udcffb"]
    assert set(loaded(films, opener)) == {b"a\nb", b"a b", b"a\xffb", b"a\xfeb"}


def test_a_zip_under_a_films_name_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "films.png").write_bytes(zip_bytes({"1.png": b"1"}))
    opener = FilmOpener()
    assert loaded(list_films([str(tmp_path)], opener=opener), opener) == ["This is a zip"]
    named = list_films([str(tmp_path / "films.png")], opener=opener)
    assert loaded(named, opener) == [b"1"]


@pytest.mark.skipif(os.name != "posix", reason="there are no pipes in folders here")
@pytest.mark.parametrize("name", ["pipe.png", "device.png", "circle.png"])
def test_what_is_no_file_is_a_film_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "circle.png").symlink_to("circle.png")
    opener = FilmOpener()
    (film,) = list_films([str(tmp_path / name)], opener=opener)
    with pytest.raises(OSError, match="no regular file|symbolic links"):
        opener.source(film).load()


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own here")
def test_odd_entries_of_a_folder_stop_none_of_the_others(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("b.png")
    (tmp_path / "c.png").symlink_to("nowhere.png")
    (tmp_path / "d").symlink_to(".")
    (tmp_path / "e.png").write_bytes(b"film")
    films = list_films([str(tmp_path)], opener=FilmOpener())
    assert [Path(film.path).name for film in films] == ["b.png", "e.png"]
