"""The DICOM node: ``cxr-node CONFIG.toml``; ``cxr-node --check CONFIG.toml`` says what is wrong.

Exit status: 0 stopped on request, or nothing is wrong; 1 it ended by itself; 2 it cannot start, or
something is wrong.
"""

import argparse
import importlib.util
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from cxr_core.audit.log import AUDIT_ENV_VAR, FileLog, audit_log
from cxr_core.errors import ConfigError, CXRError
from cxr_core.node.config import Destination, NodeConfig, parse_config, read_config

PROG = "cxr-node"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module for what it returns."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="Take films by DICOM, read them, and send the results on."
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a TOML file (docs/node.md)")
    parser.add_argument("--check", action="store_true", help="say what is wrong, and start nothing")
    args = parser.parse_args(argv)
    try:
        _require_packages()
        return _check(args.config) if args.check else _run(read_config(args.config))
    except CXRError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2


def _require_packages() -> None:
    if importlib.util.find_spec("pynetdicom") is None:
        raise ConfigError(
            "The node needs a package that is not installed",
            value="pynetdicom",
            remedy="Install requirements-node.lock, or the package's extra `node`.",
        )


def _run(config: NodeConfig) -> int:
    from cxr_core.evaluation.model_facts import read_model_facts_if_usable
    from cxr_core.node.service import Node
    from cxr_core.reading.analyzer import load_analyzer

    # What other libraries tell of a film quotes its elements: only their errors are let through.
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    logging.getLogger("cxr_core").setLevel(logging.INFO)
    analyzer = load_analyzer(config.model)
    facts = read_model_facts_if_usable(config.model, analyzer.metadata)
    node = Node(config, analyzer, facts, audit_log())
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: node.stopping.set())
        listens = f"{config.ae_title} listens on {config.address}, port {config.port}."
        print(f"{PROG}: {listens}", flush=True)
        node.stopping.wait()
    finally:
        node.stop()
    return 1 if node.failed else 0


def _check(path: Path) -> int:
    config, problems = parse_config(path)
    found: list[CXRError] = [*problems]
    if config is not None:
        found += _problems(config)
    for problem in found:
        print(problem)
    if found:
        return 2
    print("Nothing is wrong.")
    if audit_log() is None:
        print(f"There is no audit log: {AUDIT_ENV_VAR} is not set.")
    return 0


def _problems(config: NodeConfig) -> Iterator[CXRError]:
    """Everything outside the file that would keep a node from its work."""
    checks: list[Callable[[NodeConfig], None]] = [
        _check_model, _check_spool, _check_audit_log, _check_port
    ]  # fmt: skip
    for check in checks:
        try:
            check(config)
        except CXRError as error:
            yield error
    for destination in config.destinations:
        try:
            _check_destination(config, destination)
        except CXRError as error:
            yield error


def _check_model(config: NodeConfig) -> None:
    from cxr_core.reading.analyzer import load_analyzer

    load_analyzer(config.model)


def _check_spool(config: NodeConfig) -> None:
    from cxr_core.node.spool_files import require_private

    folder, remedy = config.spool, "Mend it, or name another folder."
    try:
        if folder.exists():
            require_private(folder)
            with FileLock(folder / "lock", mode=0o600, timeout=0):
                pass
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        free = shutil.disk_usage(there).free
    except Timeout as error:
        raise ConfigError(
            "Another node uses the spool", value=folder, remedy="Stop it, or name another folder."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"The spool cannot be used ({error.strerror})", value=folder, remedy=remedy
        ) from error
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError("The spool cannot be written", value=folder, remedy=remedy)
    if free < config.max_megabytes * 10**6:
        raise ConfigError(
            "The disk of the spool has less room than max_megabytes",
            value=f"{free // 10**6:,} MB free, {config.max_megabytes:,} MB may be held",
            remedy="Make room, or lower max_megabytes.",
        )


def _check_audit_log(_: NodeConfig) -> None:
    log = audit_log()
    if not isinstance(log, FileLog):
        return
    log.head()
    if not os.access(log.path.parent, os.W_OK | os.X_OK):
        raise ConfigError(
            "The audit log cannot be written",
            value=log.path,
            remedy=f"Mend the place that {AUDIT_ENV_VAR} names.",
        )


def _check_port(config: NodeConfig) -> None:
    try:
        family, _, _, _, place = socket.getaddrinfo(
            config.address, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(place)
    except OSError as error:
        raise ConfigError(
            "The node cannot listen there",
            value=f"{config.address}, port {config.port} ({error.strerror})",
            remedy="Name an address of this machine and a port that nobody else uses.",
        ) from error


def _check_destination(config: NodeConfig, destination: Destination) -> None:
    from cxr_core.node.service import refusal

    if why := refusal(config, destination):
        raise ConfigError(
            f"The destination {destination.name} cannot be sent to ({why})",
            value=f"{destination.ae_title} at {destination.host}, port {destination.port}",
            remedy="Check its AE title, address and port, that it knows the node's AE title and "
            "takes Structured Reports and Secondary Captures, and that it runs.",
        )


if __name__ == "__main__":
    sys.exit(main())
