"""The node's settings: what a sound file gives, and that all that is wrong is said at once."""

from pathlib import Path

import pytest

from cxr_core.errors import ConfigError
from cxr_core.node.config import parse_config, read_config
from tests.helpers.node import write_settings


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """Sound settings with these changes."""
    path = write_settings(folder, port=11112, archive_port=4242)
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_settings_that_are_not_given_have_safe_values(tmp_path: Path) -> None:
    config = read_config(changed(tmp_path))
    assert (config.address, config.port, config.spool) == ("127.0.0.1", 11112, tmp_path / "spool")
    assert (config.setting, config.stopped_films, config.keep_hours) == ("standard", "report", 0)
    (destination,) = config.destinations
    assert (destination.port, destination.send) == (4242, ("sr", "sc"))


def test_a_caller_is_known_by_name_and_address_together(tmp_path: Path) -> None:
    config = read_config(changed(tmp_path, ('"127.0.0.0/8", "::1"', '"10.1.2.0/24", "fd00::5"')))
    assert config.caller("ORTHANC ", "10.1.2.9") is config.callers[0]
    assert config.caller("ORTHANC", "::ffff:10.1.2.9") is config.callers[0]
    assert config.caller("ORTHANC", "fd00::5") is config.callers[0]
    for title, address in (("ORTHANC", "10.1.3.9"), ("OTHER", "10.1.2.9"), ("ORTHANC", "bad")):
        assert config.caller(title, address) is None
    assert config.is_known_address("10.1.2.9")
    assert not config.is_known_address("10.1.3.9")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        ('ae_title = "CXRNODE"', 'ae_title = "LONGER_THAN_16_LETTERS"\ncolour = 1'),
        ("port = 11112", "port = 70000"),
        ('folder = "spool"', "max_films = true"),
        ('"127.0.0.0/8"', '"xray.example.org"'),
        ("port = 4242", 'port = 4242\nsend = ["sr", "pdf"]'),
    )
    config, problems = parse_config(path)
    assert config is None
    told = " ".join(map(str, problems))
    for words in (
        "ae_title in node is not an AE title of 1 to 16 ASCII letters, without a backslash",
        "port in node is not a whole number from 1 to 65535: 70000",
        "node has a setting that the node does not know: colour",
        "folder in spool is not the path of a folder: nothing",
        "max_films in spool is not a whole number",
        "callers 1 has an address that is none: xray.example.org",
        "send in destinations 1 is not a list of sr or sc",
    ):
        assert words in told
    assert len(problems) == 7
    with pytest.raises(ConfigError):
        read_config(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[node", "cannot be read"),
        ("node = 3\n", "node is no table: 3. Write it as [node]."),
        ("callers = [1]\n", "callers 1 is no table: 1. Write it as [[callers]]."),
        ('[node]\nport = "104"\n', 'from 1 to 65535: "104".'),
        ('[node]\nae_title = "A"\n[spool]\nfolder = "s"\n', "There are no callers: none. Add a"),
        ('[callers]\nname = "a"\n', "callers is no list of tables: one table. Write [[callers]]."),
        ('[[destinations]]\nhost = "http://a"\n', "is not an IP address or a host's name"),
        ("[spool]\nmax_megabytes = 1\n", "a whole number from 200 to 100000000: 1."),
        ('\ufeff[node]\nport = "104"\n', 'from 1 to 65535: "104".'),
    ],
)
def test_a_file_that_is_no_settings_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "node.toml"
    path.write_text(text)
    assert any(words in str(problem) for problem in parse_config(path)[1])
    assert "cannot be read" in str(parse_config(tmp_path / "missing.toml")[1][0])


def test_a_node_that_would_send_to_itself_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, ("port = 4242", "port = 11112"))
    (problem,) = parse_config(path)[1]
    assert str(problem).startswith("A destination is the node itself: archive.")


def test_two_destinations_of_one_name_are_refused(tmp_path: Path) -> None:
    path = changed(tmp_path)
    text = path.read_text()
    path.write_text(text + text[text.index("[[destinations]]") :])
    (problem,) = parse_config(path)[1]
    assert "Two of the destinations have one name: archive" in str(problem)
