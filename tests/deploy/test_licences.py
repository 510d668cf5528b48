"""``make licences``: what a package states is read, and only what is permissive passes."""

from email.message import Message
from pathlib import Path

import pytest

from bench.licences import NVIDIA, PERMISSIVE, Stated, is_allowed, main, packages_in, stated_licence
from tests.helpers import ROOT


def metadata(*headers: tuple[str, str]) -> Message:
    message = Message()
    for name, value in headers:
        message[name] = value
    return message


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR BSD-2-Clause)", True),
        ("GPL-3.0-only WITH GCC-exception-3.1", False),
        ("LGPL-2.1-or-later", False),
        ("MPL-2.0", False),
        ("LicenseRef-Own", False),
    ],
)
def test_every_part_of_and_and_one_of_or_must_be_permissive(expression: str, allowed: bool) -> None:
    assert is_allowed(expression, PERMISSIVE) is allowed


@pytest.mark.parametrize(
    ("headers", "licence"),
    [
        ([("License-Expression", "BSD-3-Clause"), ("License", "whatever")], "BSD-3-Clause"),
        ([("License", "MIT")], "MIT"),
        ([("License", "BSD"), ("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        ([("License", "Copyright (c) 2020\nAll rights reserved."), ("Name", "x")], ""),
        ([("License", "x" * 61)], ""),
        ([("Classifier", "Programming Language :: Python :: 3")], ""),
        ([("Classifier", "License :: Free for non-commercial use")], "Free for non-commercial use"),
        ([], ""),
    ],
)
def test_the_licence_is_found_where_metadata_have_it(
    headers: list[tuple[str, str]], licence: str
) -> None:
    assert stated_licence(metadata(*headers)) == licence


@pytest.mark.parametrize(
    ("name", "licence", "said"),
    [
        ("numpy", "BSD-3-Clause", ""),
        ("tqdm", "MPL-2.0 AND MIT", ""),
        ("another", "MPL-2.0 AND MIT", "is not permissive: MPL-2.0 AND MIT"),
        ("nvidia-cublas", NVIDIA, ""),
        ("another", NVIDIA, f"is not permissive: {NVIDIA}"),
        ("tqdm", NVIDIA, f"is not permissive: {NVIDIA}"),
        ("another", "", "states no licence"),
        ("another", "Free for (non-", "states no SPDX licence: Free for (non-"),
    ],
)
def test_what_is_not_permissive_is_accepted_for_named_packages_alone(
    name: str, licence: str, said: str
) -> None:
    assert Stated(name, "1.0", licence).refused() == said


def test_a_lock_is_split_by_platform(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(
        "# made\nalpha==1.0 \\\n    --hash=sha256:00\n    # via beta\n"
        "beta==2.0 ; sys_platform == 'none' \\\n    --hash=sha256:00\n"
    )
    here, elsewhere = packages_in(lock)
    assert [str(one) for one in here] == ["alpha==1.0"]
    assert [one.name for one in elsewhere] == ["beta"]


def test_an_unknown_package_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text("pytest==0.1\nno-such-package-here==1.0\n")
    assert main([str(lock)]) == 1
    said = capsys.readouterr()
    assert "| pytest |" in said.out
    assert "pytest is installed as" in said.err
    assert "no-such-package-here is not installed" in said.err


def test_all_that_the_app_runs_on_may_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    locks = {str(path) for path in ROOT.glob("requirements*.lock")}
    assert main(sorted(locks - {str(ROOT / "requirements-dev.lock")})) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "| streamlit |" in told
    assert "| ? |" not in told
