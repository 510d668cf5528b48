"""Under which licence each package comes that the app runs on (``make licences``).

    python -m bench.licences [requirements.lock ...]

Lists the packages of lock files that belong on this platform, each with the licence that its own
metadata state, and ends with 1 where one states none, or one that neither is permissive nor is
accepted below with a reason. What a wheel bundles in other projects' libraries it says itself.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Protocol

from license_expression import ExpressionError, LicenseExpression, get_spdx_licensing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PERMISSIVE = frozenset(
    [
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "OFL-1.1",  # of fonts: they may go into documents and along with programs
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    ]
)
# What older metadata write in place of an SPDX expression. Which BSD licence is meant is not always
# said; both are permissive.
SPDX_OF = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
    "python software foundation license": "PSF-2.0",
    "sil open font license 1.1 (ofl-1.1)": "OFL-1.1",
}
NVIDIA = "LicenseRef-NVIDIA-Proprietary"
# By package, a star at the end for all that begin so: the licence that is accepted, and why.
ACCEPTED = {
    "certifi": ("MPL-2.0", "a list of certificates, used unchanged"),
    "tqdm": ("MPL-2.0", "copyleft by file, used unchanged"),
    "nvidia-*": (
        NVIDIA,
        "free to use, not open; from PyTorch's GPU build, not for reading on a CPU",
    ),
    "cuda-toolkit": (NVIDIA, "states none; names the wheels of NVIDIA's CUDA, itself empty"),
}
_LONGEST_NAME = 60  # characters; what is longer in `License` is a licence's text


class Metadata(Protocol):
    """What is asked of a package's metadata."""

    def get_all(self, name: str, failobj: Any = None) -> Any:
        """All values under a name, or ``failobj``."""


@dataclass(frozen=True)
class Stated:
    """A package and its licence: an SPDX expression, or empty where it states none."""

    name: str
    version: str
    licence: str

    def refused(self) -> str:
        """Why it may not be used; empty where it may."""
        if not self.licence:
            return "states no licence"
        accepted, _ = accepted_for(self.name)
        try:
            allowed = is_allowed(self.licence, {*PERMISSIVE, accepted})
        except ExpressionError:
            return f"states no SPDX licence: {self.licence}"
        return "" if allowed else f"is not permissive: {self.licence}"


def accepted_for(name: str) -> tuple[str, str]:
    """The licence accepted for this package beside the permissive ones, and why; else empty."""
    for pattern, entry in ACCEPTED.items():
        if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
            return entry
    return "", ""


def is_allowed(expression: str, allowed: Iterable[str]) -> bool:
    """Whether an SPDX expression can be met with ``allowed``: every part of AND, one of OR.

    Raises:
        ExpressionError: it is no SPDX expression.
    """
    licensing, names = get_spdx_licensing(), set(allowed)
    parsed = licensing.parse(expression)

    def met(part: LicenseExpression) -> bool:
        if isinstance(part, licensing.AND):
            return all(met(one) for one in part.args)
        if isinstance(part, licensing.OR):
            return any(met(one) for one in part.args)
        return part.render() in names

    return met(parsed)


def stated_licence(metadata: Metadata) -> str:
    """The licence in a package's metadata, as SPDX writes it; empty where there is none.

    In this order: ``License-Expression``; classifiers; a short ``License``. A classifier is kept as
    it is where SPDX's name for it is not known, so that it is refused.
    """
    if expressions := metadata.get_all("License-Expression", []):
        return " AND ".join(expressions)
    classifiers = [line.split(" :: ") for line in metadata.get_all("Classifier", [])]
    names = [parts[-1] for parts in classifiers if parts[0] == "License"]
    if not names:
        stated = [text for text in metadata.get_all("License", []) if text]
        names = [text for text in stated if "\n" not in text and len(text) <= _LONGEST_NAME]
    return " AND ".join(SPDX_OF.get(name.lower(), name) for name in names)


def packages_in(lock: Path) -> tuple[list[Requirement], list[Requirement]]:
    """What a lock file names: for this platform, and for others."""
    lines = (line.rstrip("\\").strip() for line in lock.read_text("utf-8").splitlines())
    found = [Requirement(line) for line in lines if line[:1].isalnum()]
    here = [one for one in found if one.marker is None or one.marker.evaluate()]
    return here, [one for one in found if one not in here]


def look_up(wanted: Requirement) -> Stated:
    """What the installed package states.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    installed = distribution(wanted.name)
    name = canonicalize_name(wanted.name)
    licence = stated_licence(installed.metadata)
    if not licence and name in ACCEPTED:
        licence = ACCEPTED[name][0]
    return Stated(name, installed.version, licence)


def report(packages: Sequence[Stated]) -> str:
    """A Markdown table of the packages, and how many there are under each licence."""
    lines = ["| package | version | licence | |", "| --- | --- | --- | --- |"]
    for one in packages:
        accepted, why = accepted_for(one.name)
        note = why if accepted in one.licence and why else ""
        lines.append(f"| {one.name} | {one.version} | {one.licence or '?'} | {note} |")
    counts = Counter(one.licence or "?" for one in packages)
    lines.append("")
    lines.extend(f"{count:3d}  {licence}" for licence, count in counts.most_common())
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the list; 1 where something in it may not be used, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("locks", nargs="*", type=Path, default=[Path("requirements.lock")])
    here: dict[str, Requirement] = {}
    elsewhere: dict[str, Requirement] = {}
    for lock in parser.parse_args(arguments).locks:
        for found, these in zip(packages_in(lock), (here, elsewhere), strict=True):
            these |= {one.name: one for one in found}
    packages, problems = [], []
    for wanted in here.values():
        try:
            one = look_up(wanted)
        except PackageNotFoundError:
            problems.append(f"{wanted.name} is not installed, so its licence cannot be read")
            continue
        packages.append(one)
        if not wanted.specifier.contains(one.version, prereleases=True):
            problems.append(f"{one.name} is installed as {one.version}, locked {wanted.specifier}")
        if refused := one.refused():
            problems.append(f"{one.name} {refused}")
    print(report(packages))
    for other in elsewhere.values():
        print(f"\nNot for this platform, and not looked at: {other.name} ({other.marker})")
    for problem in problems:
        print(f"licences: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
