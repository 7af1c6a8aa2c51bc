"""Imports run one way: what decides is pure, and what performs it stands around it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]

PURE_PACKAGES = ("calls", "requests", "agents", "presence", "routing", "flows")
"""Packages of ``kemi`` that know no Kamailio, no database, no loop and no clock."""

PURE_MODULES = {"kemi.facts"}

PURE_STANDARD_LIBRARY = {
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "ipaddress",
    "itertools",
    "math",
    "re",
    "types",
    "typing",
    "urllib",
}
"""Neither the clock, nor chance, nor the outside world."""


def modules(package: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((HOME / package).rglob("*.py")):
        name = ".".join(path.relative_to(HOME).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports(path: Path) -> set[str]:
    """Full names of everything that a file imports, wherever in the file it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_pure(name: str) -> bool:
    parts = name.split(".")
    return parts[0] == "kemi" and (name in PURE_MODULES or (len(parts) > 1 and parts[1] in PURE_PACKAGES))


def within(imported: str, allowed: set[str]) -> bool:
    return any(imported == name or imported.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize(("name", "path"), [entry for entry in modules("kemi") if is_pure(entry[0])])
def test_pure_modules_import_only_pure_things(name: str, path: Path) -> None:
    allowed = {
        "tlib",
        "msgspec",
        *PURE_MODULES,
        *PURE_STANDARD_LIBRARY,
        *(f"kemi.{p}" for p in PURE_PACKAGES),
    }
    # ``from kemi import facts`` names the package and the module at once.
    foreign = {imported for imported in imports(path) if not within(imported, allowed)}
    assert not foreign, f"{name} imports {sorted(foreign)}"


def test_only_the_adapter_and_the_shim_import_ksr() -> None:
    importers = {name for name, path in modules("kemi") if within_any(imports(path), {"KSR"})}
    assert importers <= {"kemi.ksr", "kemi.entry"}


@pytest.mark.parametrize("package", ["tlib", "tlib_gateway", "kamcti"])
def test_what_runs_outside_kamailio_does_not_import_what_runs_inside(package: str) -> None:
    for name, path in modules(package):
        assert not within_any(imports(path), {"kemi", "KSR"}), name


def test_tlib_stands_on_its_own() -> None:
    for name, path in modules("tlib"):
        foreign = {
            imported
            for imported in imports(path)
            if not within(imported, {"tlib", "msgspec"})
            and imported.split(".")[0] not in sys.stdlib_module_names
        }
        assert not foreign, f"{name} imports {sorted(foreign)}"


def test_nothing_inside_kamailio_starts_a_thread_or_a_loop() -> None:
    banned = {"threading", "concurrent", "asyncio", "multiprocessing", "_thread"}
    for name, path in modules("kemi"):
        assert not within_any(imports(path), banned), name


def test_one_module_inside_kamailio_knows_the_database() -> None:
    users = {name for name, path in modules("kemi") if within_any(imports(path), {"psycopg"})}
    assert users == {"kemi.database"}


def within_any(imported: set[str], names: set[str]) -> bool:
    return any(within(each, names) for each in imported)
