"""Celeb-DF++ (Li et al. 2025): the reals of Celeb-DF v2, faked by 22 methods of three kinds.

Face swaps are made frame by frame; reenacted and talking faces are drawn anew from a picture, so they have no aligned
original, but their source_key is still the clip that the person was taken from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dfdetect.data.names import celeb_df as parse
from dfdetect.data.names import celeb_df_talking
from dfdetect.data.readers import celeb_df
from dfdetect.data.readers.reader import CountCheck, DatasetReader, Reading
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Tree

NAME = "celeb_df_pp"

FACE_SWAP = ("Celeb-DF", "BlendFace", "GHOST", "HifiFace", "InSwapper", "MobileFaceSwap", "SimSwap", "UniFace")
FACE_REENACT = ("DaGAN", "FSRT", "HyperReenact", "LIA", "LivePortrait", "MCNET", "TPSMM")
TALKING_FACE = ("AniTalker", "EchoMimic", "EDTalk", "FLOAT", "IP_LAP", "Real3DPortrait", "SadTalker")

LAYOUT = """
Celeb-real/id0_0000.mp4  YouTube-real/00000.mp4
Celeb-synthesis/FaceSwap/BlendFace/id0_id1_0000.mp4        (FaceSwap/Celeb-DF: the fakes of v2)
Celeb-synthesis/FaceReenact/LIA/id0_id1_0000.mp4           (`videos/` may stand before the names)
Celeb-synthesis/TalkingFace/SadTalker/id0_0000_....mp4
List_of_testing_videos.txt                                 (optional: the test split; also with --lists FOLDER)
cropped: Celeb-synthesis/FaceSwap/BlendFace/frames/id0_id1_0000/000.png
"""

_N_TEST = dict.fromkeys((*FACE_SWAP, *FACE_REENACT), 200) | dict.fromkeys(TALKING_FACE, 300)


def matches(tree: Tree) -> bool:
    """One of the three folders FaceSwap, FaceReenact, TalkingFace under Celeb-synthesis."""
    return celeb_df.matches(tree, "pp")


def read(reading: Reading) -> Iterator[Sample]:
    """Clips in order of path; unlisted ones are train."""
    return celeb_df.read(reading, NAME, _name_fake)


def _name_fake(scenario: str, method: str, stem: str) -> celeb_df.FakeKeys | None:
    swap = scenario.lower() == "faceswap"
    if swap and method in celeb_df.ORIGINAL_METHODS:
        return celeb_df.swapped(f"celeb_df/Celeb-synthesis/{stem}", "Celeb-DF", parse(stem))
    if not method:
        return None
    keys = parse(stem) if scenario.lower() != "talkingface" else None
    return celeb_df.swapped(f"celeb_df/{method}/{stem}", method, keys or celeb_df_talking(stem), aligned=swap)


def check(samples: Sequence[Sample]) -> list[CountCheck]:
    """590 and 300 reals; in the test split 200 fakes a method, 300 of talking faces."""
    out = celeb_df.check(samples, {folder: celeb_df.N_V2[folder] for folder in ("Celeb-real", "YouTube-real")})
    tested = Counter(sample.method for sample in samples if sample.split == "test" and sample.method)
    return out + [
        CountCheck(f"test {method}", count, _N_TEST[method])
        for method, count in sorted(tested.items())
        if method in _N_TEST
    ]


READER = DatasetReader(
    name=NAME,
    title="Celeb-DF++",
    layout=LAYOUT,
    source="README.md and rearrange.py of OUC-VAS/Celeb-DF-PP; names of reenacted and talking faces could not be seen",
    matches=matches,
    read=read,
    check=check,
    verified=False,
)
