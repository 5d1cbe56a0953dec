"""Every toy dataset as it is really written: media that open, faces that are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.data.readers.recognise import read_dataset
from dfdetect.data.toy import TOYS, make_toy
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from dfdetect.errors import DataError, UsageError
from dfdetect.faces.detector import FACE_DETECTORS, make_detector
from dfdetect.media.reader import open_media
from dfdetect.values import UInt8Array


def first_picture(path: Path) -> UInt8Array:
    """The first frame of a video, frame folder, image or crop; frames of VidTIMIT have no suffix."""
    file = min(path.iterdir()) if path.is_dir() else path
    with open_media(file) as media:
        return next(iter(media.frames([0]))).image


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TOYS))
def test_what_the_reader_returns_are_clips_with_a_face(name: str, tmp_path: Path) -> None:
    make_toy(name, tmp_path / name)
    (read,) = read_dataset(tmp_path / name)
    pictures = [first_picture(Path(sample.path)) for sample in read.samples[::2]]
    for detector in (make_detector(each) for each in sorted(FACE_DETECTORS)):
        found = sum(len(detector.detect(picture)) > 0 for picture in pictures)
        assert found >= 0.95 * len(pictures), f"{found} of {len(pictures)}"
    for file in (tmp_path / name).rglob("*"):
        if file.suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES):
            with open_media(file) as media:
                assert media.info.width_px > 0


def test_a_folder_that_holds_something_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="expected an empty folder or none"):
        make_toy("uadfv", tmp_path)
    with pytest.raises(UsageError, match="unknown toy dataset 'ffpp'; the options are: celeb_df_pp"):
        make_toy("ffpp", tmp_path / "new")
