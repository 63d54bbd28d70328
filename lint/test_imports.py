"""The import contract of pyproject.toml sees a circle between rooms."""

import subprocess
import sys
import tomllib
from pathlib import Path

CONTRACTS = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
CIRCLES = next(each for each in CONTRACTS if each["type"] == "acyclic_siblings")


def has_circle(folder: Path, orders: str, shops: str) -> bool:
    """Whether the contract breaks for a package of two rooms with these sources."""
    for room, source in (("orders", orders), ("shops", shops)):
        (folder / "house" / room).mkdir(parents=True, exist_ok=True)
        (folder / "house" / "__init__.py").touch()
        (folder / "house" / room / "__init__.py").touch()
        (folder / "house" / room / "store.py").write_text(source)
    (folder / "contracts.toml").write_text(
        f"""
        [tool.importlinter]
        root_packages = ["house"]
        [[tool.importlinter.contracts]]
        name = {CIRCLES["name"]!r}
        type = {CIRCLES["type"]!r}
        ancestors = ["house"]
        """
    )
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--config", "contracts.toml", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return "0 broken" not in done.stdout


def test_rooms_that_import_each_other_break_the_contract(tmp_path: Path) -> None:
    one_way = "from house.orders import store"
    assert not has_circle(tmp_path, "", one_way)
    assert has_circle(tmp_path, "import house.shops.store", one_way)
