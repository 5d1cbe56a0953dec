"""Where the names of public datasets stand in a path: for splits that bring no keys.

A pattern finds the clip in `.../Deepfakes/c23/frames/033_097/010.png`, `FF/DF/033_097_0010.png` or
`abarnvbtwb-012-00.png` and gives the path that the same clip has in the dataset as downloaded; the dataset's own reader
tells its keys from that. So a foreign list meets an index, and what a name means is said once. A name that several
datasets could have counts only beside a word that tells which; what is not recognised is reported as not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dfdetect.data.names import numbered_crop
from dfdetect.data.readers import df40, faceforensics

Groups = Mapping[str, str]

UNKNOWN_METHOD = "method-unknown"


@dataclass(frozen=True, slots=True)
class Scheme:
    """reader: name in READERS, "" where names tell no more than the video. pattern: RE2 with named groups, searched in
    a path with `/`.

    as_downloaded: groups -> the path of the clip in the reader's layout, or its video_id where there is no reader; None
    where it is not this dataset after all.
    """

    reader: str
    pattern: str
    as_downloaded: Callable[[Groups], str | None]


# After a clip's name: a file in the folder of that name, or the rest of a file's name (suffix, frame number).
_END = r"(?:/[^/]*|[-_.][^/]*)?$"
_START = r"(?i)^(?P<context>.*?)(?:^|/)"
_QUIET = r"(?:(?:videos?|frames|faces|crops|images)/)?"

_FFPP_METHODS = {
    **{method.lower(): method for method in faceforensics.METHODS},
    "df": "Deepfakes",
    "f2f": "Face2Face",
    "fs": "FaceSwap",
    "nt": "NeuralTextures",
    "fsh": "FaceShifter",
    "fh": "FaceShifter",
}
_FFPP_REALS = ("real", "original", "originals", "youtube", "pristine")
_FFPP_WORDS = {
    *("faceforensics", "faceforensics++", "faceforensicspp", "ff", "ff++", "ffpp", "sequences"),
    *(method.lower() for method in faceforensics.METHODS),
}


def _words(text: str) -> list[str]:
    return re.split(r"[^a-z0-9+]+", text.lower())


def _ffpp(groups: Groups) -> str | None:
    """The nearest word above decides: under originals 033_097 is frame 97 of clip 033, not a pair."""
    words = _words(groups["context"])
    if not _FFPP_WORDS.intersection(words):
        return None
    said = next((word for word in reversed(words) if word in _FFPP_METHODS or word in _FFPP_REALS), "")
    method, clip = _FFPP_METHODS.get(said, ""), groups["clip"]
    if said in _FFPP_REALS or (len(clip) == 3 and not method):
        return f"original_sequences/youtube/c23/videos/{clip[:3]}.mp4"
    return None if len(clip) == 3 else f"manipulated_sequences/{method or UNKNOWN_METHOD}/c23/videos/{clip}.mp4"


def _timit(groups: Groups) -> str | None:
    subject, clip = groups["subject"].lower(), groups["clip"].lower()
    if "-video-" not in clip:
        return f"VidTIMIT/{subject}/{clip}.avi"
    quality = re.search(r"(higher|lower)_quality", groups["context"].lower())
    return f"DeepfakeTIMIT/{quality[0] if quality else 'higher_quality'}/{subject}/{clip}.avi"


def _uadfv(groups: Groups) -> str | None:
    clip = groups["clip"].lower()
    if clip.endswith("_fake"):
        return f"fake_videos/fake/{clip}.mp4"
    known = "uadfv" in _words(groups["context"]) or "fake_videos" in groups["context"].lower()
    return f"fake_videos/real/{clip}.mp4" if known else None


def _dfdc(groups: Groups) -> str | None:
    """Ten letters are many a word: they count as name of a video or a numbered crop, or below a folder named dfdc."""
    told = groups["suffix"] or numbered_crop(groups["clip"] + groups["number"]) or "dfdc" in groups["context"].lower()
    return f"dfdc/{groups['clip'].lower()}" if told else None


def _dfd(groups: Groups) -> str:
    clip = groups["clip"]
    fake = re.match(r"\d+_\d+__", clip) is not None
    return f"{'manipulated_sequences/DeepFakeDetection' if fake else 'original_sequences/actors'}/c23/videos/{clip}.mp4"


def _celeb(groups: Groups, version: str) -> str | None:
    """Talking faces and 22 methods are Celeb-DF++, a folder named v1 is v1, anything else v2, whose names v1 shares."""
    context, clip = groups["context"].lower(), groups["clip"].lower()
    method = re.search(r"(faceswap|facereenact|talkingface)/([^/]+)", groups["context"], re.IGNORECASE)
    found = "pp" if method else "v1" if re.search(r"celeb[ _-]?df[ _-]*\(?v1", context) else "v2"
    if found != version:
        return None
    if clip.isdigit():
        return f"YouTube-real/{clip}.mp4" if "youtube" in context else None
    if re.fullmatch(r"id\d+_\d{4}", clip):
        return f"Celeb-real/{clip}.mp4"
    return f"Celeb-synthesis/{method[0] + '/' if method else ''}{clip}.mp4"


def _celeb_scheme(version: str) -> Scheme:
    clip = r"id\d+_(?:id\d+_)?\d{4}|\d{5}" if version != "pp" else r"id\d+_(?:id\d+_\d{4}|\d{4}(?:_[^/.]+)?)"
    return Scheme(f"celeb_df_{version}", rf"{_START}(?P<clip>{clip}){_END}", lambda groups: _celeb(groups, version))


def _dfdc_preview(groups: Groups) -> str:
    clip = groups["clip"].upper()
    if re.fullmatch(r"\d+_[A-Z]_\d+", clip):
        return f"original_videos/{clip}.mp4"
    return f"method_{'B' if 'method_b' in groups['context'].lower() else 'A'}/{clip}.mp4"


def _df40_own_names(groups: Groups) -> str:
    """A single picture stays itself; a frame stands for the folder of its clip."""
    parts = groups["inside"].split("/")
    if len(parts) > 1 and parts[-2].lower() not in ("frames", "faces", "crops", "images"):
        parts[-1] = "000.png"
    return f"DF40/{groups['method']}/{groups['base']}/{'/'.join(parts)}"


_DF40_OWN = "|".join(map(re.escape, (*df40.WITH_REALS, *df40.WHOLE_FACES)))
_ACTOR = r"(?:[0-9a-f]{20}|\d{6})"


def _kodf(groups: Groups) -> str | None:
    """Six digits alone are a date as often as an actor: they count in a fake's name, or in a folder of that name."""
    actor, folder = groups["actor"], groups["context"].rpartition("/")[2]
    if len(actor) == 6 and not groups["other"] and actor != folder and "kodf" not in groups["context"].lower():
        return None
    return f"{actor}/{groups['clip']}.mp4"


SCHEMES: tuple[Scheme, ...] = (
    Scheme(
        "df40",
        rf"(?i)(?:^|/)(?P<method>{_DF40_OWN})/(?P<base>fake|real|ff|ffpp|cdf|cdfv2)/(?P<inside>.+)$",
        _df40_own_names,
    ),
    Scheme(
        "df40",
        rf"{_START}(?P<method>{'|'.join(map(re.escape, (*df40.SWAPS, *df40.REENACTMENTS)))})/"
        rf"(?P<base>ff|ffpp|cdf|cdfv2)/{_QUIET}(?P<clip>(?:id\d+_)?(?:id\d+_)?\d{{3,5}}(?:_\d{{3}})?){_END}",
        lambda groups: f"DF40/{groups['method']}/{groups['base']}/frames/{groups['clip']}/000.png",
    ),
    Scheme(
        "deeperforensics",
        rf"{_START}(?P<variant>(?:end_to_end|reenact)[^/]*)/{_QUIET}(?P<clip>\d{{3}}_[mw]\d{{3}}){_END}",
        lambda groups: f"manipulated_videos/{groups['variant']}/{groups['clip'].upper()}.mp4",
    ),
    Scheme("dfd", rf"{_START}(?P<clip>\d{{2}}__[a-z_]*[a-z]|\d{{2}}_\d{{2}}__[a-z_]+__[a-z0-9]{{8}}){_END}", _dfd),
    _celeb_scheme("pp"),
    _celeb_scheme("v1"),
    _celeb_scheme("v2"),
    Scheme("dfdc_preview", rf"{_START}(?P<clip>(?:\d{{5,7}}_)?\d{{5,7}}_[a-z]_\d{{3}}){_END}", _dfdc_preview),
    Scheme("faceforensics", rf"{_START}(?P<clip>\d{{3}}(?:_\d{{3}})?){_END}", _ffpp),
    Scheme(
        "deepfake_timit",
        rf"{_START}(?P<subject>[fm][a-z]{{3}}\d)/{_QUIET}(?P<clip>s[aix]\d+(?:-video-[fm][a-z]{{3}}\d)?){_END}",
        _timit,
    ),
    Scheme("uadfv", rf"{_START}{_QUIET}(?P<clip>\d{{4}}(?:_fake)?){_END}", _uadfv),
    Scheme(
        "dacon",
        r"(?i)(?:^|/)(?P<clip>(?:real/(?:CW|EQ)/\d{8}/[^/]+/[^/]+)|(?:fake/(?:CW|EQ)/\d{8}/[^/]+/[a-z]+/[^/]+))/[^/]*$",
        lambda groups: f"deepfake_1st/{groups['clip']}/image_00001.jpg",
    ),
    Scheme(
        "fakeavceleb",
        rf"(?i)(?:^|/)(?P<above>(?:real|fake)video-(?:real|fake)audio/[^/]+/[^/]+/id\d{{5}})/{_QUIET}"
        r"(?P<clip>\d{5}[^/.]*)(?:/[^/]*|\.[^/]*)?$",
        lambda groups: f"{groups['above']}/{groups['clip']}.mp4",
    ),
    Scheme("kodf", rf"{_START}(?P<clip>(?P<actor>{_ACTOR})_(?:(?P<other>{_ACTOR})_[1-5]_)?\d{{1,5}}){_END}", _kodf),
    Scheme(
        "wilddeepfake",
        r"(?i)(?:^|/)(?P<clip>(?:real|fake)[ _-](?:train|test)/\d+/(?:(?:real|fake)/)?[^/]+)/[^/]*$",
        lambda groups: f"{groups['clip']}/0.png",
    ),
    Scheme(
        "",
        rf"{_START}(?P<clip>[a-z]{{10}})(?:(?P<suffix>\.(?:mp4|avi|mov|mkv))|(?P<number>[-_][-_0-9]+)\.[a-z]+|/[^/]*)$",
        _dfdc,
    ),
    Scheme(
        "",
        r"(?i)(?:^|/)(?P<clip>[^/]*[^/-])-\d{3,}-\d{2}\.[a-z]+$",
        lambda groups: f"crops/{groups['clip']}",
    ),
)
