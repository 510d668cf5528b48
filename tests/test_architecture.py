"""The house keeps to its plan, and the rules that say so notice when it does not."""

from collections.abc import Callable

import pytest

from tests import house_rules as rules
from tests.house import House, Import, imports_of, read_house, room_of

Rule = Callable[[House], list[str]]

RULES: list[Rule] = [
    rules.floors,
    rules.screen_libraries,
    rules.light_reading,
    rules.late_grad_cam,
    rules.sizes,
    rules.prints,
    rules.machine_paths,
    rules.empty_packages,
    rules.tests_mirror,
    rules.unique_test_names,
]

# A house in order, in small: every rule is content with it.
SOUND = {
    "app.py": "from cxr_core.ui.page import begin_page\n",
    "train.py": "from cxr_core.training.run import run\nprint('done')\n",
    "pages/1_Read.py": "import streamlit as st\nfrom cxr_core.ui.page import begin_page\n",
    "cxr_core/__init__.py": '"""Words only."""\n',
    "cxr_core/errors.py": "",
    "cxr_core/model/__init__.py": "",
    "cxr_core/model/evidence.py": "def draw():\n    import pytorch_grad_cam\n",
    "cxr_core/evaluation/calibration.py": "def fit():\n    import sklearn\n",
    "cxr_core/training/run.py": "import pandas\nfrom cxr_core import errors\n",
    "cxr_core/reading/analyzer.py": "from cxr_core.model import evidence\n"
    "from cxr_core.evaluation.calibration import fit\n",
    "cxr_core/reading/batch.py": 'if __name__ == "__main__":\n    print("file")\n',
    "cxr_core/ui/page.py": "import streamlit\nfrom cxr_core.reading.analyzer import load\n",
    "tests/conftest.py": "",
    "tests/pages/conftest.py": "",
    "tests/test_all.py": "from cxr_core import errors\nfrom cxr_core.model.evidence import draw\n"
    "import cxr_core.evaluation.calibration, cxr_core.training.run\n"
    "from cxr_core.reading import analyzer, batch\nFILES = ['app.py', 'train.py', '1_Read.py']\n",
}

# One fault each: the rule, the file that gets it, its new text, words of the complaint.
FAULTS = [
    (rules.floors, "cxr_core/model/evidence.py", "import cxr_core.reading.analyzer", "of reading"),
    (rules.floors, "cxr_core/errors.py", "from cxr_core.model import evidence", "of model"),
    (rules.floors, "cxr_core/training/run.py", "from cxr_core.reading import batch", "of reading"),
    (rules.floors, "cxr_core/data/cache.py", "import cxr_core.model.evidence", "of model"),
    (rules.floors, "cxr_core/reading/batch.py", "def f():\n  import cxr_core.ui.page", "of ui"),
    (rules.floors, "cxr_core/reading/batch.py", "import app", "of app"),
    (rules.floors, "cxr_core/model/evidence.py", "from . import densenet", "relative"),
    (rules.floors, "cxr_core/attic/box.py", "", "attic has no floor"),
    (rules.screen_libraries, "cxr_core/model/evidence.py", "import plotly.express", "plotly"),
    (rules.screen_libraries, "train.py", "from cxr_core.ui.page import begin_page", "ui/page.py:1"),
    (rules.light_reading, "cxr_core/model/evidence.py", "from pandas import DataFrame", "pandas"),
    (rules.light_reading, "cxr_core/evaluation/calibration.py", "import sklearn.metrics", "sklear"),
    (rules.light_reading, "cxr_core/reading/batch.py", "def f():\n  import pandas", "batch.py:2"),
    (rules.light_reading, "cxr_core/reading/batch.py", "import cxr_core.training.loop", "training"),
    (rules.late_grad_cam, "cxr_core/model/evidence.py", "import pytorch_grad_cam", "evidence.py:1"),
    (
        rules.late_grad_cam,
        "cxr_core/ui/page.py",
        "def f():\n  import pytorch_grad_cam",
        "page.py:2",
    ),
    (rules.sizes, "tests/test_all.py", "\n" * 221, "221 lines"),
    (rules.prints, "cxr_core/model/evidence.py", "def f():\n  print(1)", "evidence.py:2"),
    (rules.machine_paths, "README.md", "see /ho" + "me/ann/films", "ann/films"),
    (rules.machine_paths, "cxr_core/errors.py", "A = r'C:" + "\\films'", "films"),
    (rules.empty_packages, "cxr_core/model/__init__.py", "from cxr_core import errors", "code"),
    (rules.tests_mirror, "cxr_core/model/densenet.py", "", "densenet.py: no test"),
    (rules.tests_mirror, "pages/2_Worklist.py", "", "2_Worklist.py: no test"),
    (rules.unique_test_names, "tests/model/test_all.py", "", "test_all.py: two"),
]


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule, house: House) -> None:
    faults = rule(house)
    assert not faults, "\n".join([rule.__doc__ or "", *faults])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_is_content_with_a_sound_house(rule: Rule) -> None:
    assert rule(SOUND) == []


@pytest.mark.parametrize(("rule", "path", "text", "words"), FAULTS)
def test_a_rule_names_the_one_fault(rule: Rule, path: str, text: str, words: str) -> None:
    (fault,) = rule({**SOUND, path: text})
    assert words in fault


def test_every_rule_has_a_fault_that_it_names() -> None:
    assert {rule.__name__ for rule in RULES} == {rule.__name__ for rule, *_ in FAULTS}


def test_imports_are_found_wherever_they_stand() -> None:
    source = (
        "import a, b.c\n"
        "from d import e\n"
        "if TYPE_CHECKING:\n    import f\n"
        "def late():\n    from g.h import i\n"
        "class Now:\n    import j\n"
        "importlib.import_module('k')\n"
    )
    assert imports_of("x.py", {"x.py": source}) == [
        Import("a", 1, late=False),
        Import("b.c", 1, late=False),
        Import("d", 2, late=False),
        Import("f", 4, late=True),
        Import("g.h", 6, late=True),
        Import("j", 8, late=False),
        Import("k", 9, late=False),
    ]


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("cxr_core/findings.py", "ground"),
        ("cxr_core/imaging/raster.py", "imaging"),
        ("pages/1_Read.py", "pages"),
        ("app.py", "app"),
        ("train.py", "train"),
        ("tests/imaging/test_raster.py", None),
        ("README.md", None),
    ],
)
def test_every_file_has_its_room(path: str, room: str | None) -> None:
    assert room_of(path) == room


def test_the_house_that_is_read_is_this_one(house: House) -> None:
    assert {"cxr_core/findings.py", "train.py", "app.py", "tests/conftest.py"} <= set(house)
