"""What each kind of leak is called and what it does to a score, once for text, JSON, HTML and the documentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KindWords:
    """one, many: the key as a noun. meaning: why it matters, a sentence. columns: what tells it in a split."""

    title: str
    one: str
    many: str
    meaning: str
    columns: tuple[str, ...]

    def count(self, number: int) -> str:
        return f"{number:,} {self.one if number == 1 else self.many}"


KINDS: dict[str, KindWords] = {
    "file": KindWords(
        "Same file",
        "file",
        "files",
        "The very same picture or video is on both sides, so the score is taken on what was trained on.",
        ("path",),
    ),
    "content": KindWords(
        "Same content",
        "content",
        "contents",
        "Files with equal bytes, whatever their names, are on both sides: the same as the same file.",
        ("sha256",),
    ),
    "video": KindWords(
        "Same video",
        "video",
        "videos",
        "Other frames, or another compression, of one video are on both sides. Frames of one video are almost the same "
        "picture, so the score tells how well the video is remembered.",
        ("video_id",),
    ),
    "pair": KindWords(
        "Same original",
        "original",
        "originals",
        "An original and a fake made from it, or two fakes made from one original, are on both sides: the scene, the "
        "light and the person are known already, and only the manipulation is new.",
        ("pair_key", "video_id"),
    ),
    "donor": KindWords(
        "Same donor",
        "donor",
        "donors",
        "A person whose face was put into fakes of one split is seen in the other, so the pasted face is known. "
        "Every such person is counted under identity too.",
        ("donor_id",),
    ),
    "identity": KindWords(
        "Same person",
        "person",
        "people",
        "The same person is on both sides, as target or as donor. A detector can learn who is shown, or how this "
        "person moves, in place of what a manipulation looks like.",
        ("target_id", "donor_id"),
    ),
    "source": KindWords(
        "Same upload",
        "upload",
        "uploads",
        "Clips cut from one upload or recording are on both sides: the same person, room, camera and encoder.",
        ("source_key",),
    ),
    "near_duplicate": KindWords(
        "Look-alike picture",
        "picture",
        "pictures",
        "Pictures that look the same, but for size, compression, small changes or mirroring, are on both sides, "
        "whatever their names say.",
        (),
    ),
}

# (dataset, kind) -> why its names cannot tell. Facts: docs/datasets.md and docs/leakage.md.
UNKNOWABLE: dict[tuple[str, str], str] = {
    ("dfdc", "identity"): "DFDC names no actors, so people on both sides cannot be found by name",
    ("dfdc", "donor"): "DFDC does not say whose face was put into a fake",
    ("dfdc", "pair"): "DFDC's metadata.json names the originals; make an index of the dataset and give it with --keys",
    ("uadfv", "identity"): "UADFV's numbers name clips, not people",
    ("uadfv", "donor"): "UADFV does not say whose face was put into a fake",
    ("celeb_df_v1", "identity"): "the people of YouTube-real are not named",
    ("celeb_df_v2", "identity"): "the people of YouTube-real are not named",
    ("celeb_df_pp", "identity"): "the people of YouTube-real are not named",
    ("wilddeepfake", "identity"): "WildDeepfake names no people",
    ("wilddeepfake", "donor"): "WildDeepfake does not say whose face was put into a fake",
    ("wilddeepfake", "pair"): "WildDeepfake's fakes have no known originals",
    ("faceforensics", "source"): (
        "FaceForensics++ tells which clips were cut from one upload in conversion_dict.json only; give an index that "
        "was made with it, with --keys"
    ),
}


def why_not(dataset: str, kind: str) -> str:
    """Why samples of a dataset could not be checked for a kind of leak, and what would help."""
    if known := UNKNOWABLE.get((dataset, kind)):
        return known
    would = f"a column {' or '.join(KINDS[kind].columns)} would"
    if kind == "video":
        would += ", or --video-from with a pattern for the video's name"
    return f"no key for it in the split, and the names do not tell; {would}"
