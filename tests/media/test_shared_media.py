"""Every real file of the private evaluation set opens and gives its first frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.media.reader import open_media


@pytest.mark.shared_data
def test_every_evaluation_file_opens(shared_data: Path) -> None:
    paths = [path for path in sorted((shared_data / "eval").rglob("*")) if path.is_file()]
    assert len(paths) > 100
    for path in paths:
        with open_media(path) as media:
            frames = list(media.frames(range(min(2, media.info.frame_count)), find_cuts=False))
        assert frames, path
        assert frames[0].image.shape == (media.info.height_px, media.info.width_px, 3), path
