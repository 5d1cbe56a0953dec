"""Megabytes on disk of a core installation, and what weighs most in it.

    python benchmarks/install_size.py [--python PYTHON]

Installs this checkout with its core dependencies into a fresh virtual environment, which is deleted afterwards.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

MOST_MB = 450
SHOWN = 10
PROJECT = Path(__file__).parents[1]
NOT_OURS = ("pip", "setuptools")  # every environment has them
FORBIDDEN = ("torch", "opencv-python")  # PyTorch; the OpenCV package with a window system


def megabytes(path: Path) -> float:
    """Of disk blocks, which is more than the bytes in the files."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    return sum(_bytes_on_disk(one) for one in files) / 1e6


def _bytes_on_disk(file: Path) -> int:
    found = file.stat()
    return found.st_blocks * 512 if hasattr(found, "st_blocks") else found.st_size  # Windows counts no blocks


def weights(site_packages: Path) -> list[tuple[float, str]]:
    """(megabytes, distribution), heaviest first, with its libraries and compiled files; without pip and setuptools."""
    found = []
    for distribution in distributions(path=[str(site_packages)]):
        files = [Path(str(distribution.locate_file(one))) for one in distribution.files or ()]
        size_mb = sum(_bytes_on_disk(one) for one in files if one.is_file()) / 1e6
        if distribution.name not in NOT_OURS:
            found.append((size_mb, distribution.name))
    return sorted(found, reverse=True)


def measure(python: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        subprocess.run([python, "-m", "venv", environment], check=True)
        bare_mb = megabytes(environment)
        own_python = next(path for path in environment.glob("*/python*") if path.stem == "python")
        subprocess.run([own_python, "-m", "pip", "install", "--quiet", PROJECT], check=True)
        version = subprocess.check_output([own_python, "-m", "dfdetect", "--version"], text=True)
        total_mb = megabytes(environment) - bare_mb
        found = weights(next(environment.rglob("site-packages")))
    print(f"{version.strip()} under {python}\n\n| package | MB on disk |\n|---|---|")
    for size_mb, name in found[:SHOWN]:
        print(f"| {name} | {size_mb:.0f} |")
    print(f"| {len(found) - SHOWN} more | {sum(size_mb for size_mb, _ in found[SHOWN:]):.0f} |")
    unwanted = [name for _, name in found if name in FORBIDDEN]
    held = total_mb <= MOST_MB and not unwanted
    print(f"\ncore: {total_mb:.0f} MB without pip itself; aim <= {MOST_MB}: {'holds' if held else 'MISSED'}")
    if unwanted:
        print(f"installed, and must not be: {', '.join(unwanted)}")
    return int(not held)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    return measure(parser.parse_args().python)


if __name__ == "__main__":
    sys.exit(main())
