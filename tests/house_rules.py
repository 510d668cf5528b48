"""The rules of the house: each takes the source and returns what breaks it, a line a fault."""

import ast
import re
from pathlib import PurePosixPath

from tests.house import House, Import, imports_of, path_of, reach, room_of, rooms

# Ground first. A file imports from its own room or from a lower floor, and from nowhere else.
FLOORS = (
    {"ground"},
    {"imaging"},
    {"data", "model"},
    {"evaluation"},
    {"training", "reading"},
    {"export"},
    {"ui"},
    {"pages", "app", "train"},
)
FLOOR = {room: level for level, names in enumerate(FLOORS) for room in names}
SCREEN_ROOMS = {"ui", "pages", "app"}
SCREEN_LIBRARIES = {"streamlit", "plotly"}
HEAVY_LIBRARIES = {"pandas", "sklearn"}
MAX_LINES = 220
# Split in two, lest this line break the rule it serves.
MACHINE = re.compile(r"(?<![\w.:/-])/" + r"(home|Users|root|work|workspace)/\w|\b[A-Z]:\\\w")


def floors(house: House) -> list[str]:
    """Imports go down; rooms side by side do not know one another."""
    faults = []
    for path, room, tree in rooms(house):
        if room not in FLOOR:
            faults.append(f"{path}: the room {room} has no floor")
            continue
        if any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree)):
            faults.append(f"{path}: a relative import; write cxr_core in full")
        for step in imports_of(path, house):
            other = room_of(path_of(step.module, house) or "outside")
            if other and other != room and FLOOR.get(other, len(FLOORS)) >= FLOOR[room]:
                faults.append(f"{path}:{step.line}: {room} imports {step.module} of {other}")
    return faults


def screen_libraries(house: House) -> list[str]:
    """Only ui, pages and app draw; train.py reaches neither library by any import."""
    outside = {path for path, room, _ in rooms(house) if room not in SCREEN_ROOMS}
    trained = reach({"train.py"} & set(house), house)
    return [
        f"{path}:{step.line}: {step.library} outside ui and pages, or on train.py's way"
        for path in sorted(outside | trained)
        for step in imports_of(path, house)
        if step.library in SCREEN_LIBRARIES
    ]


def light_reading(house: House) -> list[str]:
    """Reading a film loads neither pandas nor scikit-learn nor training code."""
    reading = {path for path, room, _ in rooms(house) if room == "reading"}
    return [
        f"{path}:{step.line}: reading needs {step.module}"
        for path in sorted(reach(reading, house, lambda _, step: not step.late))
        for step in imports_of(path, house)
        if (path in reading or not step.late)
        and (step.library in HEAVY_LIBRARIES or step.module.startswith("cxr_core.training"))
    ]


def late_grad_cam(house: House) -> list[str]:
    """It loads OpenCV, matplotlib and scipy: only model/evidence.py may, and only when called."""
    return [
        f"{path}:{step.line}: pytorch_grad_cam outside a function of model/evidence.py"
        for path, _, _ in rooms(house)
        for step in imports_of(path, house)
        if step.library == "pytorch_grad_cam"
        and not (step.late and path == "cxr_core/model/evidence.py")
    ]


def sizes(house: House) -> list[str]:
    """A file that outgrows its room wants a wall."""
    lengths = {path: text.count("\n") for path, text in house.items() if path.endswith(".py")}
    return [f"{path}: {n} lines, over {MAX_LINES}" for path, n in lengths.items() if n > MAX_LINES]


def prints(house: House) -> list[str]:
    """``print`` belongs to command lines: train.py and the files that run with ``-m``."""
    return [
        f"{path}:{node.lineno}: print below the command line; use logging"
        for path, room, tree in rooms(house)
        if room != "train" and '__name__ == "__main__"' not in house[path]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]


def machine_paths(house: House) -> list[str]:
    """No path of a developer's machine, in code, in texts or in a shipped model."""
    return [
        f"{path}: a path of one machine, {text[found.start() : found.end() + 30]!r}"
        for path, text in house.items()
        if (found := MACHINE.search(text))
    ]


def empty_packages(house: House) -> list[str]:
    """No code in ``__init__.py``: importing one file of a room loads that file alone."""
    return [
        f"{path}: code in an __init__.py"
        for path, _, tree in rooms(house)
        if path.endswith("__init__.py") and len(tree.body) > (ast.get_docstring(tree) is not None)
    ]


def tests_mirror(house: House) -> list[str]:
    """Each file is imported by a test, or by a tested room-mate; pages are named in a test.

    What the pages draw with (ui) counts as tested with the page that uses it.
    """
    tests = [path for path in house if path.startswith("tests/")]
    words = "\n".join(house[path] for path in tests if path != "tests/test_architecture.py")
    pages = {path for path, room, _ in rooms(house) if room in {"pages", "app", "train"}}
    named = {path for path in pages if PurePosixPath(path).name in words}
    steps = [step for path in tests for step in imports_of(path, house)]
    named |= {path for step in steps if room_of(path := path_of(step.module, house) or "outside")}

    def beside(path: str, step: Import) -> bool:
        here, there = room_of(path), room_of(path_of(step.module, house) or "outside")
        return here == there != "ground" or (here in {"pages", "app"} and there == "ui")

    covered = reach(named, house, beside)
    own = [path for path, _, _ in rooms(house) if not path.endswith("__init__.py")]
    return [f"{path}: no test imports or names it" for path in own if path not in covered]


def unique_test_names(house: House) -> list[str]:
    """Without packages in tests/, two files of one name would hide one another."""
    names = [PurePosixPath(path).name for path in house if path.startswith("tests/")]
    twice = {name for name in names if names.count(name) > 1} - {"conftest.py"}
    return [f"{name}: two test files of this name" for name in sorted(twice)]
