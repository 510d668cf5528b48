"""Reads the project's source for ``test_architecture.py``: files, rooms, imports."""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ("*.py", *(f"{room}/**/*.py" for room in ("cxr_core", "pages", "tests", "bench")))
TEXTS = ("*.md", "Makefile", ".ci/run", "docs/**/*.md", "models/**/*.json", "models/**/*.md")

House = Mapping[str, str]  # path relative to the project, with slashes -> text


@dataclass(frozen=True)
class Import:
    """One imported module; ``late`` when loading the file does not load it."""

    module: str
    line: int
    late: bool

    @property
    def library(self) -> str:
        return self.module.partition(".")[0]


def read_house(root: Path = ROOT) -> House:
    files = sorted({path for pattern in PYTHON + TEXTS for path in root.glob(pattern)})
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in files}


def room_of(path: str) -> str | None:
    """The room of a file: its folder in cxr_core, ``ground`` for those that lie directly there.

    ``pages``, ``app`` and ``train`` are rooms too; tests, bench and texts lie outside (None).
    """
    parts = PurePosixPath(path).parts
    if parts[0] == "cxr_core":
        return parts[1] if len(parts) > 2 else "ground"
    return PurePosixPath(parts[0]).stem if parts[0] in ("pages", "app.py", "train.py") else None


def rooms(house: House) -> Iterable[tuple[str, str, ast.Module]]:
    """Path, room and syntax tree of every file that lies in a room."""
    for path, text in house.items():
        if room := room_of(path):
            yield path, room, ast.parse(text, path)


def path_of(module: str, house: House) -> str:
    """The project file that ``module`` names; empty for a library."""
    base = module.replace(".", "/")
    return next((path for path in (f"{base}.py", f"{base}/__init__.py") if path in house), "")


def _modules(node: ast.AST, house: House) -> list[str]:
    """The modules that one statement or ``import_module("...")`` call imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if path_of(name, house) else node.module for name in names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return [str(word.value) for word in node.args[:1] if isinstance(word, ast.Constant)]
    return []


def imports_of(path: str, house: House) -> list[Import]:
    """Every import of a file, those inside functions too."""
    found: list[Import] = []

    def visit(node: ast.AST, late: bool) -> None:
        found.extend(Import(name, node.lineno, late) for name in _modules(node, house))
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        late = late or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        for child in ast.iter_child_nodes(node):
            visit(child, late)

    visit(ast.parse(house[path], path), late=False)
    return found


def reach(
    start: Iterable[str], house: House, follow: Callable[[str, Import], bool] = lambda *_: True
) -> set[str]:
    """The project files reached from ``start`` along the imports that ``follow`` accepts."""
    seen = set(start)
    waiting = list(seen)
    while waiting:
        path = waiting.pop()
        steps = [step for step in imports_of(path, house) if follow(path, step)]
        new = {path_of(step.module, house) for step in steps} - seen - {""}
        seen |= new
        waiting.extend(new)
    return seen
