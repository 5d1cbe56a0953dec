"""Celeb-DF v2 (Li et al. 2020, arXiv:1909.12962): 890 real and 5,639 fake clips of 59 celebrities and others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dfdetect.data.names import celeb_df as parse
from dfdetect.data.readers import celeb_df
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree
from dfdetect.values import Label

NAME = "celeb_df_v2"

LAYOUT = """
Celeb-real/id0_0000.mp4              (told from v1 by a root named Celeb-DF-v2, the list of 518 or the counts)
YouTube-real/00000.mp4
Celeb-synthesis/id0_id1_0000.mp4     (`videos/` may stand between)
List_of_testing_videos.txt           (optional: the test split; also with --lists FOLDER)
cropped: Celeb-real/frames/id0_0000/000.png
"""

N_TEST = {"real": 178, "fake": 340}


def matches(tree: Tree) -> bool:
    """Celeb-DF's folders, and nothing says that it is v1 or ++."""
    return celeb_df.matches(tree, "v2")


def read(reading: Reading) -> Iterator[Sample]:
    """Clips in order of path; unlisted ones are train."""
    return celeb_df.read(reading, NAME, _name_fake)


def _name_fake(_scenario: str, _method: str, stem: str) -> celeb_df.FakeKeys | None:
    return celeb_df.swapped(f"celeb_df/Celeb-synthesis/{stem}", "Celeb-DF", parse(stem))


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """590 celebrity clips, 300 of other people, 5,639 fakes; 178 and 340 in the test split where it is known."""
    out = celeb_df.check(samples, celeb_df.N_V2)
    test = [sample.label for sample in samples if sample.split == "test"]
    if test:
        out += [
            CountCheck(f"test {word}", test.count(label), N_TEST[word])
            for word, label in (("real", Label.REAL), ("fake", Label.FAKE))
        ]
    return out


READER = DatasetReader(
    name=NAME,
    title="Celeb-DF v2",
    layout=LAYOUT,
    source="README.md of yuezunli/celeb-deepfakeforensics and its List_of_testing_videos.txt",
    matches=matches,
    read=read,
    check=check,
)
