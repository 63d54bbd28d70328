"""What each image holds, as CycloneDX bills of materials and a table of licences.

`python -m lint.sbom` writes `deploy/sbom/<image>.cdx.json` and `docs/licences.md`; `--check` writes
nothing and fails when one is stale, or when a package has a licence that `ALLOWED` does not name.

Versions are those of the locked environment; what a package needs is decided for the images'
platform (`IMAGE`), so every machine with that Python writes the same bytes.
"""

import argparse
import importlib.metadata
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

IMAGES = (
    "auth-service",
    "catalog-service",
    "feed-publisher",
    "order-importer",
    "console",
    "channel-sandbox",
)
BILLS = Path("deploy/sbom")
LICENCES = Path("docs/licences.md")

PYTHON = (3, 11)
IMAGE = {
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "sys_platform": "linux",
    "os_name": "posix",
    "python_version": "3.11",
    "python_full_version": "3.11.15",
    "implementation_version": "3.11.15",
    "platform_release": "",
    "platform_version": "",
}
"""What markers are evaluated for: the images of `deploy/Dockerfile`."""

VENDORED = {
    "htmx.org 4.0.1": ("0BSD", "services/console/src/console/assets/htmx.min.js"),
    "@picocss/pico 2.1.1": ("MIT", "services/console/src/console/assets/pico.min.css"),
}
"""Files of others that stand in the repository as they were published."""

OURS = "ours"
ALLOWED = {
    OURS: "this repository",
    "Apache-2.0": "permissive",
    "Apache-2.0 AND BSD-2-Clause": "permissive",
    "Apache-2.0 OR BSD-2-Clause": "permissive",
    "Apache-2.0 OR BSD-3-Clause": "permissive",
    "BSD-2-Clause": "permissive",
    "BSD-3-Clause": "permissive",
    "MIT": "permissive",
    "MIT AND PSF-2.0": "permissive",
    "MIT OR Apache-2.0": "permissive",
    "MIT-0": "permissive",
    "MPL-2.0": "copyleft by file: used as it is, no file of it is changed",
    "PSF-2.0": "permissive",
}
"""The licences a package of an image may have, and why."""

NAMED_OTHERWISE = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2": "Apache-2.0",
    "MIT License": "MIT",
}
"""What packages write in place of an SPDX expression."""
BY_CLASSIFIER = {"jinja2": "BSD-3-Clause"}
"""Packages that name no licence but by classifiers; read in the licence file they come with."""


@dataclass(frozen=True)
class Package:
    """One package of an image, and which others it needs."""

    name: str
    version: str
    licence: str
    needs: frozenset[str]

    @property
    def purl(self) -> PackageURL:
        """Its package URL; ours come from no index."""
        kind = "generic" if self.licence == OURS else "pypi"
        return PackageURL(kind, name=self.name, version=self.version)


def packages_of(image: str) -> Mapping[str, Package]:
    """What is installed in the image, by name. Raises `PackageNotFoundError` if one is not here."""
    found: dict[str, Package] = {}
    waiting = [(image, frozenset[str]())]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        distribution = importlib.metadata.distribution(name)
        needed = set(_needed(distribution, extras))
        known = found.get(name)
        needs = frozenset(need for need, _ in needed) | (known.needs if known else frozenset())
        found[name] = Package(name, distribution.version, licence_of(distribution), needs)
        waiting += needed - seen
        seen |= needed
    return found


def _needed(
    distribution: Distribution, extras: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(
            requirement.marker.evaluate(IMAGE | {"extra": extra}) for extra in (*extras, "")
        ):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def licence_of(distribution: Distribution) -> str:
    """The SPDX expression of its licence, or what it says instead; ours has none."""
    if _is_ours(distribution):
        return OURS
    metadata = distribution.metadata.json
    given = str(metadata.get("license_expression") or metadata.get("license") or "")
    return NAMED_OTHERWISE.get(given, given) or BY_CLASSIFIER.get(str(metadata["name"]).lower(), "")


def _is_ours(distribution: Distribution) -> bool:
    origin = distribution.read_text("direct_url.json")
    return origin is not None and bool(json.loads(origin).get("dir_info", {}).get("editable"))


def bill_of(image: str, packages: Mapping[str, Package]) -> str:
    """The CycloneDX document: no serial number and no time, so that equal contents are equal."""
    licences = LicenseFactory()
    components = {
        package.name: Component(
            name=package.name,
            version=package.version,
            type=ComponentType.LIBRARY,
            bom_ref=str(package.purl),
            purl=package.purl,
            licenses=[]
            if package.licence == OURS
            else [licences.make_from_string(package.licence)],
        )
        for package in packages.values()
    }
    components[image].type = ComponentType.APPLICATION
    bill = Bom(components=[part for name, part in components.items() if name != image])
    bill.metadata.component = components[image]
    for name, component in components.items():
        bill.register_dependency(component, [components[need] for need in packages[name].needs])
    document = json.loads(JsonV1Dot6(bill).output_as_string())
    del document["serialNumber"], document["metadata"]["timestamp"]
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def licence_table(images: Mapping[str, Mapping[str, Package]]) -> str:
    """The page of licences: each package of any image, its licence and the images that hold it."""
    everything = {name: part for held in images.values() for name, part in held.items()}
    rows = [
        f"| {name} | {part.version} | {part.licence} | "
        f"{', '.join(image for image, held in images.items() if name in held)} |"
        for name, part in sorted(everything.items())
        if part.licence != OURS
    ]
    reasons = [f"- {licence}: {reason}" for licence, reason in ALLOWED.items() if licence != OURS]
    return "\n".join(
        [
            "# Licences of what the images hold",
            "",
            "Generated by `make sbom`; `make check` fails when it is stale or names others than",
            "these:",
            "",
            *reasons,
            "",
            "| package | version | licence | images |",
            "|---|---|---|---|",
            *rows,
            "",
            "Files that stand in the repository as they were published, in the image of the",
            "console:",
            "",
            "| package | licence | file |",
            "|---|---|---|",
            *(f"| {name} | {licence} | {file} |" for name, (licence, file) in VENDORED.items()),
            "",
        ]
    )


def refused_licences(images: Mapping[str, Mapping[str, Package]]) -> list[str]:
    """A line for each package whose licence is not allowed."""
    return sorted(
        {
            f"{name} {part.version}: its licence {part.licence or 'is not named'!r} is not in "
            "lint/sbom.py's ALLOWED: read it, add it there with the reason, or drop the package"
            for held in images.values()
            for name, part in held.items()
            if part.licence not in ALLOWED
        }
    )


def main() -> int:
    """Write, or with `--check` compare; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    is_check = parser.parse_args().check
    if sys.version_info[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        print(f"sbom: left as it is: the images have Python {wanted}, this environment another")
        return 0
    images = {image: packages_of(image) for image in IMAGES}
    written = {BILLS / f"{image}.cdx.json": bill_of(image, held) for image, held in images.items()}
    written[LICENCES] = licence_table(images)
    findings = refused_licences(images)
    for path, text in written.items():
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            findings.append(f"{path} is stale: type `make sbom`")
    for finding in findings:
        print(finding)
    if not findings:
        print(f"sbom: ok ({', '.join(f'{image} {len(held)}' for image, held in images.items())})")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
