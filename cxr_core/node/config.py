"""The node's settings: a TOML file, and everything that is wrong with it at once."""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from cxr_core.errors import ConfigError
from cxr_core.evaluation.cutoffs import SETTINGS, Setting

Kind = Literal["sr", "sc"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Stopped = Literal["report", "nothing"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:%-]{0,252}")
_AE_TITLE = re.compile(r"(?! )[ -\[\]-~]{1,16}(?<! )")  # PS3.5, AE: no backslash, no control
_T = TypeVar("_T")


@dataclass(frozen=True)
class Caller:
    """Who may send films.

    Attributes:
        name: our own word for it, as it stands in the audit log.
        ae_title: as it calls itself.
        addresses: from where it may come.
    """

    name: str
    ae_title: str
    addresses: tuple[Network, ...]


@dataclass(frozen=True)
class Destination:
    """Where results go.

    Attributes:
        name: our own word for it, as it stands in the audit log.
        send: which results it gets: ``sr``, the Structured Report, and ``sc``, the picture.
    """

    name: str
    ae_title: str
    host: str
    port: int
    send: tuple[Kind, ...] = KINDS


@dataclass(frozen=True)
class NodeConfig:
    """All settings.

    Attributes:
        ae_title: what the node is called, and calls itself when it sends.
        address, port: where it listens.
        model: the model's folder.
        spool: its folder; private.
        callers, destinations: at least one of each.
        setting: which cut-offs flag.
        stopped_films: what is sent of a film that the input check stopped: a report without numbers
            that says so, or nothing.
        max_films, max_megabytes: what may lie in the spool; more is refused for now.
        keep_hours: how long a film and its results stay after the last was sent.
        give_up_hours: how long results that a destination does not take are tried, from the film's
            coming on.
        remember_days: how long a film is known again, by its hash.
    """

    ae_title: str
    address: str
    port: int
    model: Path
    spool: Path
    callers: tuple[Caller, ...]
    destinations: tuple[Destination, ...]
    setting: Setting = "standard"
    stopped_films: Stopped = "report"
    max_films: int = 2_000
    max_megabytes: int = 40_000
    keep_hours: float = 0.0
    give_up_hours: float = 72.0
    remember_days: float = 30.0

    def caller(self, ae_title: str, address: str) -> Caller | None:
        """Who calls itself so and comes from there; None for a stranger."""
        return next((c for c in self._from(address) if c.ae_title == ae_title.strip()), None)

    def is_known_address(self, address: str) -> bool:
        """Whether any caller may come from there."""
        return any(True for _ in self._from(address))

    def _from(self, address: str) -> Iterable[Caller]:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return ()
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return (c for c in self.callers if any(found in network for network in c.addresses))


def read_config(path: Path) -> NodeConfig:
    """The settings in a TOML file; relative folders are below the file's own.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    config, problems = parse_config(path)
    if config is None or problems:
        raise problems[0]
    return config


def parse_config(path: Path) -> tuple[NodeConfig | None, list[ConfigError]]:
    """The settings, or all that is wrong with them."""
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))  # some editors begin with a mark
    except OSError as error:
        why, remedy = error.strerror, "Check the path, and that the file may be read."
    except (ValueError, RecursionError) as error:  # bad TOML, nested too deep, or not UTF-8
        why, remedy = str(error), "Mend the file (docs/node.md has an example)."
    else:
        return _parse(document, path.parent)
    return None, [ConfigError(f"The settings cannot be read ({why})", value=path, remedy=remedy)]


def _parse(document: dict[str, Any], base: Path) -> tuple[NodeConfig | None, list[ConfigError]]:
    top = _Table(document, "the file", [])
    problems = top.problems
    node, spool = top.table("node"), top.table("spool")
    callers, destinations = top.tables("callers"), top.tables("destinations")
    config = NodeConfig(
        ae_title=node.ae_title(),
        address=node.text("address", "127.0.0.1"),
        port=node.number("port", 11112, 1, 65535),
        model=base / node.text("model", "models/default"),
        setting=node.choice("setting", SETTINGS, "standard"),
        stopped_films=node.choice("stopped_films", get_args(Stopped), "report"),
        spool=base / spool.text("folder", words="the path of a folder"),
        max_films=spool.number("max_films", NodeConfig.max_films, 1, 10**6),
        max_megabytes=spool.number("max_megabytes", NodeConfig.max_megabytes, 200, 10**8),
        keep_hours=spool.number("keep_hours", NodeConfig.keep_hours, 0, 10_000),
        give_up_hours=spool.number("give_up_hours", NodeConfig.give_up_hours, 0, 10_000),
        remember_days=spool.number("remember_days", NodeConfig.remember_days, 0, 10_000),
        callers=tuple(
            Caller(one.name(), one.ae_title(), one.networks("addresses")) for one in callers
        ),
        destinations=tuple(
            Destination(
                name=one.name(),
                ae_title=one.ae_title(),
                host=one.host(),
                port=one.number("port", 104, 1, 65535),
                send=one.choices("send", KINDS),
            )
            for one in destinations
        ),
    )
    for table in (top, node, spool, *callers, *destinations):
        table.refuse_unknown()
    for one in config.destinations:
        if (one.host, one.port) == (config.address, config.port):
            # It would take its own results and keep none.
            top.problem("A destination is the node itself", one.name, "Name an archive.")
    for kind, names in (
        ("callers", [one.name for one in config.callers]),
        ("destinations", [one.name for one in config.destinations]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            top.problem(f"Two of the {kind} have one name", name, "Give each a name of its own.")
    return (None if problems else config), problems


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _one_of(allowed: tuple[Any, ...]) -> str:
    return " or ".join(map(str, allowed))


class _Table:
    """One table of the file; what is wrong in it is noted, and a value is given all the same."""

    def __init__(self, values: Any, where: str, problems: list[ConfigError]) -> None:
        self.problems, self._where = problems, where
        self._values: dict[str, Any] = dict(values) if isinstance(values, dict) else {}
        self._asked: set[str] = set()
        if not isinstance(values, dict):
            name, _, number = where.partition(" ")
            written = f"[[{name}]]" if number else f"[{name}]"
            self.problem(f"{where} is no table", values, f"Write it as {written}.")

    def problem(self, what: str, value: object, remedy: str) -> None:
        self.problems.append(ConfigError(what, value=value, remedy=remedy))

    def table(self, key: str) -> "_Table":
        return _Table(self._take(key, {}), key, self.problems)

    def tables(self, key: str) -> list["_Table"]:
        found = self._take(key, [])
        if not isinstance(found, list):
            shown = "one table" if isinstance(found, dict) else found
            self.problem(f"{key} is no list of tables", shown, f"Write [[{key}]].")
            return []
        if not found:
            self.problem(f"There are no {key}", "none", f"Add a [[{key}]] (docs/node.md).")
        return [_Table(one, f"{key} {n}", self.problems) for n, one in enumerate(found, 1)]

    def text(self, key: str, default: str | None = None, *, words: str = "a text") -> str:
        return str(self._get(key, default, _is_text, words))

    def host(self) -> str:
        return str(self._get("host", None, _matches(_HOST), "an IP address or a host's name"))

    def name(self) -> str:
        words = "a word of small letters, digits, _ and -, at most 32"
        return str(self._get("name", None, _matches(_NAME), words))

    def ae_title(self) -> str:
        words = "an AE title of 1 to 16 ASCII letters, without a backslash or a space at its ends"
        return str(self._get("ae_title", None, _matches(_AE_TITLE), words))

    def number(self, key: str, default: _T, low: float, high: float) -> _T:
        kinds = (int,) if isinstance(default, int) else (int, float)
        found: _T = self._get(
            key,
            default,
            lambda v: isinstance(v, kinds) and not isinstance(v, bool) and low <= v <= high,
            f"a {'whole ' if kinds == (int,) else ''}number from {low:.0f} to {high:.0f}",
        )
        return found

    def choice(self, key: str, allowed: tuple[_T, ...], default: _T) -> _T:
        found: _T = self._get(key, default, lambda v: v in allowed, _one_of(allowed))
        return found

    def choices(self, key: str, allowed: tuple[_T, ...]) -> tuple[_T, ...]:
        def fits(value: Any) -> bool:
            return isinstance(value, list) and bool(value) and all(v in allowed for v in value)

        return tuple(self._get(key, list(allowed), fits, f"a list of {_one_of(allowed)}"))

    def networks(self, key: str) -> tuple[Network, ...]:
        networks = []
        for one in self._get(
            key, None, lambda v: isinstance(v, list) and bool(v), "a list of IP addresses"
        ):
            try:
                networks.append(ipaddress.ip_network(one if isinstance(one, str) else ""))
            except ValueError:
                self.problem(
                    f"{self._where} has an address that is none", one,
                    "Write it as 10.0.0.5, 10.0.0.0/24 or fd00::5; host names are not looked up.",
                )  # fmt: skip
        return tuple(networks)

    def refuse_unknown(self) -> None:
        for key in self._values:
            if key not in self._asked:
                self.problem(
                    f"{self._where} has a setting that the node does not know",
                    key,
                    f"It knows {', '.join(sorted(self._asked))}.",
                )

    def _take(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        return self._values.get(key, default)

    def _get(self, key: str, default: Any, fits: Callable[[Any], bool], words: str) -> Any:
        value = self._take(key, default)
        if fits(value):
            return value
        shown = "nothing" if key not in self._values else value
        if isinstance(shown, str) and key in self._values:
            shown = f'"{value}"'  # a number in quotes looks like one without them
        self.problem(f"{key} in {self._where} is not {words}", shown, f"Give {words}.")
        return default if default is not None else ("" if key != "addresses" else [])
