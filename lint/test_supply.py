import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lint import sbom
from lint.audit import answer_in
from lint.dependencies import list_members

ON_ANOTHER_PYTHON = sys.version_info[:2] != sbom.PYTHON


@pytest.mark.skipif(ON_ANOTHER_PYTHON, reason="bills are made on the images' Python")
def test_a_bill_names_every_locked_package_of_its_image_once() -> None:
    locked = dict(
        line.split(" ")[0].split("==")
        for line in Path("requirements.txt").read_text().splitlines()
        if line[:1].isalnum()
    )
    for image in sbom.IMAGES:
        bill = json.loads((sbom.BILLS / f"{image}.cdx.json").read_text())
        versions = [
            (part["name"], part["version"])
            for part in bill["components"]
            if part["purl"].startswith("pkg:pypi/")
        ]
        assert len(versions) > 15
        assert len(dict(versions)) == len(versions)
        assert dict(versions).items() <= locked.items()


@pytest.mark.skipif(ON_ANOTHER_PYTHON, reason="bills are made on the images' Python")
def test_a_service_has_its_own_packages_in_its_bill_and_the_sandbox_no_code_of_the_product() -> (
    None
):
    assert {"nh3", "lxml"} <= sbom.packages_of("catalog-service").keys()
    held = sbom.packages_of("channel-sandbox")
    assert not {"nh3", "aiokafka", "channel-common"} & held.keys()


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "LicenseRef-Proprietary", ""])
def test_a_licence_that_is_not_allowed_is_named_with_the_package(licence: str) -> None:
    package = sbom.Package("leftpad", "1.0", licence, frozenset())
    (line,) = sbom.refused_licences({"auth-service": {"leftpad": package}})
    assert "leftpad 1.0" in line
    assert licence in line


def report_of(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages})


KNOWN = {
    "name": "a",
    "version": "1",
    "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}],
}
CLEAN = {"name": "b", "version": "1", "vulns": []}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("report", "exit_code"),
    [
        pytest.param(report_of(CLEAN), 0, id="all looked up, nothing known"),
        pytest.param(report_of(CLEAN, KNOWN), 1, id="one known"),
        pytest.param(report_of(KNOWN, SKIPPED), 1, id="one known, one not looked up"),
        pytest.param(report_of(CLEAN, SKIPPED), 2, id="one not looked up"),
        pytest.param(report_of(SKIPPED, SKIPPED), 2, id="none looked up"),
        pytest.param(report_of(), 2, id="no package"),
        pytest.param("", 2, id="no answer"),
    ],
)
def test_an_audit_passes_only_where_every_package_was_looked_up(
    report: str, exit_code: int
) -> None:
    assert answer_in(report).exit_code == exit_code


def wheel_of(member: Path, folder: Path, *, modified_at: int, umask: int) -> str:
    """The hash of the member's wheel, built from a copy with these times and rights."""
    copy, built = folder / "copy", folder / "built"
    listed = subprocess.run(
        ["git", "ls-files", "-z", str(member)], capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, target)
        target.chmod(0o666 & ~umask)
        os.utime(target, (modified_at, modified_at))
    uv = Path(sys.executable).with_name("uv")
    options = ["--quiet", "--wheel", "--no-build-isolation", "--no-sources", "--offline"]
    where: list[str | Path] = ["--python", sys.executable, "--out-dir", built, copy / member]
    subprocess.run([uv, "build", *options, *where], check=True, umask=umask)
    (wheel,) = built.glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.mark.parametrize("member", list_members(), ids=str)
def test_a_wheel_built_twice_is_the_same_to_the_byte(member: Path, tmp_path: Path) -> None:
    one = wheel_of(member, tmp_path / "one", modified_at=1_000_000_000, umask=0o022)
    other = wheel_of(member, tmp_path / "another", modified_at=1_700_000_000, umask=0o077)
    assert one == other
