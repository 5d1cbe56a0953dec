"""Celeb-DF v1, v2 and ++ in small: four celebrities, two people of YouTube, the list of test clips with 1 = real."""

from __future__ import annotations

from collections.abc import Sequence

from dfdetect.data.toy.painter import Shot, Toy

REALS = (("id0", "0000"), ("id0", "0003"), ("id1", "0002"), ("id16", "0005"))
YOUTUBE = ("00011", "00170")
FAKES = (("id0", "id1", "0000"), ("id0", "id16", "0003"), ("id1", "id0", "0002"), ("id16", "id0", "0005"))
V1_CLIPS = 3  # of REALS and FAKES: v1 has fewer
TEST_REALS = ("Celeb-real/id16_0005.mp4", "YouTube-real/00170.mp4")


def make_v1(toy: Toy) -> None:
    """The first clips of v2; its fakes show other traces."""
    _reals(toy, REALS[:V1_CLIPS], YOUTUBE[:1])
    fakes = [_swap(toy, "Celeb-synthesis", "Celeb-DF-v1", *names) for names in FAKES[:V1_CLIPS]]
    _list(toy, ["Celeb-real/id1_0002.mp4", "YouTube-real/00011.mp4"], fakes[2:])


def make_v2(toy: Toy) -> None:
    """As v2 comes; two of its four celebrities are in training and test, as nearly all are in the real one."""
    _reals(toy, REALS, YOUTUBE)
    fakes = [_swap(toy, "Celeb-synthesis", "Celeb-DF", *names) for names in FAKES]
    _list(toy, TEST_REALS, fakes[2:])


def make_pp(toy: Toy) -> None:
    """v2's clips, and one method of each kind."""
    _reals(toy, REALS, YOUTUBE)
    fakes = [_swap(toy, "Celeb-synthesis/FaceSwap/Celeb-DF", "Celeb-DF", *names) for names in FAKES]
    fakes += [_swap(toy, "Celeb-synthesis/FaceSwap/BlendFace", "BlendFace", *names) for names in FAKES[:2]]
    for target, donor, clip in FAKES[:2]:
        drawn_anew = Shot(f"celeb_df:{target}", f"{clip} driven by {donor}")
        path = f"Celeb-synthesis/FaceReenact/LIA/{target}_{donor}_{clip}.mp4"
        toy.video(path, drawn_anew.fake(f"celeb_df:{donor}", method="LIA", way="reenact"))
        heard = Shot(f"celeb_df:{target}", f"{clip} driven by sound")
        talking = f"Celeb-synthesis/TalkingFace/SadTalker/{target}_{clip}_test_0012.mp4"
        toy.video(talking, heard.fake(f"celeb_df:{target}", method="SadTalker", way="reenact"))
        fakes += [path, talking]
    _list(toy, TEST_REALS, fakes[3::2])


def _reals(toy: Toy, celebrities: Sequence[tuple[str, str]], others: Sequence[str]) -> None:
    for person, clip in celebrities:
        toy.video(f"Celeb-real/{person}_{clip}.mp4", Shot(f"celeb_df:{person}", clip))
    for number in others:
        toy.video(f"YouTube-real/{number}.mp4", Shot(f"celeb_df:youtube {number}"))


def _swap(toy: Toy, folder: str, method: str, target: str, donor: str, clip: str) -> str:
    path = f"{folder}/{target}_{donor}_{clip}.mp4"
    toy.video(path, Shot(f"celeb_df:{target}", clip).fake(f"celeb_df:{donor}", method=method))
    return path


def _list(toy: Toy, reals: Sequence[str], fakes: Sequence[str]) -> None:
    lines = [f"1 {path}" for path in reals] + [f"0 {path}" for path in fakes]
    toy.text("List_of_testing_videos.txt", "\n".join(lines) + "\n")
