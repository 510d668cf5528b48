"""Modules run as ``python -m`` runs them, without the seconds that another interpreter takes."""

import runpy
import sys

import pytest


def run_as_main(monkeypatch: pytest.MonkeyPatch, module: str, *arguments: str) -> object:
    """The status that ``python -m module arguments`` ends with; what it prints is the test's.

    Its own import, if there was one, is out of the way meanwhile: Python warns of a second one.
    """
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    return ended.value.code
