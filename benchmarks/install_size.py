"""Megabytes on disk of a core installation, and what weighs most in it.

    python benchmarks/install_size.py [--python PYTHON]

Installs this checkout with its core dependencies into a fresh virtual environment, which is deleted afterwards.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

MOST_MB = 450
SHOWN = 10
PROJECT = Path(__file__).parents[1]
FORBIDDEN = ("torch", "opencv_python-")  # PyTorch; the OpenCV package with a window system


def megabytes(path: Path) -> float:
    """Of disk blocks, which is more than the bytes in the files."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    return sum(_bytes_on_disk(one) for one in files) / 1e6


def _bytes_on_disk(file: Path) -> int:
    found = file.stat()
    return found.st_blocks * 512 if hasattr(found, "st_blocks") else found.st_size  # Windows counts no blocks


def weights(site_packages: Path) -> list[tuple[float, str]]:
    """(megabytes, package), heaviest first; its shared libraries (NAME.libs) and metadata count with it."""
    found: dict[str, float] = defaultdict(float)
    for entry in site_packages.iterdir():
        found[entry.name.split("-")[0].split(".")[0]] += megabytes(entry)
    return sorted(((size_mb, name) for name, size_mb in found.items()), reverse=True)


def measure(python: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        subprocess.run([python, "-m", "venv", environment], check=True)
        bare_mb = megabytes(environment)
        own_python = next(path for path in environment.glob("*/python*") if path.stem == "python")
        subprocess.run([own_python, "-m", "pip", "install", "--quiet", PROJECT], check=True)
        version = subprocess.check_output([own_python, "-m", "dfdetect", "--version"], text=True)
        total_mb = megabytes(environment) - bare_mb
        site_packages = next(environment.rglob("site-packages"))
        print(f"{version.strip()} under {python}\n\n| package | MB on disk |\n|---|---|")
        for size_mb, name in weights(site_packages)[:SHOWN]:
            print(f"| {name} | {size_mb:.0f} |")
        unwanted = [one.name for one in site_packages.glob("*.dist-info") if one.name.startswith(FORBIDDEN)]
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
