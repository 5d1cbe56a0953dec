"""`python -m dfdetect`: the command line where no script was installed."""

from __future__ import annotations

from dfdetect.cli.main import main

if __name__ == "__main__":
    main()
