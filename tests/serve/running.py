"""`dfdetect serve` in processes of its own, as an operator starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tiny_bundle import make_tiny_bundle

MOST_DRAIN_S = 20.0  # A13 of the service's figures
MAX_UPLOAD_BYTES = 2_000_000


@contextmanager
def running_service(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """(address, key, bundle)."""
    bundle = make_tiny_bundle(folder / "tiny")
    variables = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    variables["DFDETECT_SERVE_FREE_RESERVE_BYTES"] = "0"
    variables["DFDETECT_SERVE_MAX_UPLOAD_BYTES"] = str(MAX_UPLOAD_BYTES)
    command = [sys.executable, "-m", "dfdetect", "serve", "--port", "0", "--data", str(folder / "data")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--model", str(bundle)], env=variables, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        address = re.search(r"(http://127\.0\.0\.1:\d+)/#key=(\S+)", process.stdout.readline())
        assert address is not None, (folder / "log").read_text()
        try:
            yield address[1], address[2], bundle
        finally:
            start = time.monotonic()
            process.terminate()
            code = process.wait(timeout=60)
        assert code == 0
        assert time.monotonic() - start < MOST_DRAIN_S
