"""Celeb-DF v1 (Li et al., first version of 2019): 408 real and 795 fake clips of celebrities.

Its fakes come from an earlier stage of the method than v2's of the same names, so they count as other clips; its reals
have v2's keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dfdetect.data.names import celeb_df as parse
from dfdetect.data.readers import celeb_df
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree

NAME = "celeb_df_v1"

LAYOUT = """
Celeb-real/id0_0000.mp4              (a root named Celeb-DF-v1, or all 1,203 clips, tell it from v2)
YouTube-real/00000.mp4
Celeb-synthesis/id0_id1_0000.mp4     (`videos/` may stand between)
List_of_testing_videos.txt           (optional: the test split; also with --lists FOLDER)
cropped: Celeb-real/frames/id0_0000/000.png
"""


def matches(tree: Tree) -> bool:
    """Celeb-DF's folders, and nothing says that it is v2 or ++."""
    return celeb_df.matches(tree, "v1")


def read(reading: Reading) -> Iterator[Sample]:
    """Clips in order of path; unlisted ones are train."""
    return celeb_df.read(reading, NAME, _name_fake)


def _name_fake(_scenario: str, _method: str, stem: str) -> celeb_df.FakeKeys | None:
    return celeb_df.swapped(f"celeb_df/Celeb-synthesis-v1/{stem}", "Celeb-DF-v1", parse(stem))


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """158 celebrity clips, 250 of other people, 795 fakes."""
    return celeb_df.check(samples, celeb_df.N_V1)


READER = DatasetReader(
    name=NAME,
    title="Celeb-DF v1",
    layout=LAYOUT,
    source="Celeb-DF-v1/README.md of yuezunli/celeb-deepfakeforensics; its list of test clips could not be seen",
    matches=matches,
    read=read,
    check=check,
)
