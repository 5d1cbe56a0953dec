"""Keys told by paths: the layouts of public datasets, crops of them, and names that must not be mistaken for one."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dfdetect.data.audit.derive import tell

FF = ("ffpp:033", "ffpp:097", "ffpp/youtube/033")

# path -> (video_id, label, target, donor, original)
KNOWN: dict[str, tuple[str, str | None, str | None, str | None, str | None]] = {
    "/x/FaceForensics++/manipulated_sequences/Deepfakes/c23/frames/033_097/010.png": (
        *("ffpp/Deepfakes/033_097", "fake"),
        *FF,
    ),
    "manipulated_sequences/Face2Face/c40/videos/033_097.mp4": ("ffpp/Face2Face/033_097", "fake", *FF),
    "FF/DF/033_097_0010.png": ("ffpp/Deepfakes/033_097", "fake", *FF),
    "FF-NT/c23/033_097": ("ffpp/NeuralTextures/033_097", "fake", *FF),
    "ff++/fake/033_097/1.png": ("ffpp/method-unknown/033_097", "fake", *FF),
    "original_sequences/youtube/raw/videos/033.mp4": (
        *("ffpp/youtube/033", "real"),
        *("ffpp:033", None, "ffpp/youtube/033"),
    ),
    "FF/real/033_097.png": ("ffpp/youtube/033", "real", "ffpp:033", None, "ffpp/youtube/033"),  # frame 97 of clip 033
    "ffpp_c40_youtube/183.mp4": ("ffpp/youtube/183", "real", "ffpp:183", None, "ffpp/youtube/183"),
    "DF40/simswap/ff/frames/033_097/000.png": ("df40/simswap/ff/033_097", "fake", *FF),
    "simswap/cdf/id0_id16_0003/000.png": (
        *("df40/simswap/cdf/id0_id16_0003", "fake"),
        *("celeb_df:id0", "celeb_df:id16", "celeb_df/Celeb-real/id0_0003"),
    ),
    "Celeb-DF-v2/Celeb-synthesis/frames/id0_id16_0003/000.png": (
        *("celeb_df/Celeb-synthesis/id0_id16_0003", "fake"),
        *("celeb_df:id0", "celeb_df:id16", "celeb_df/Celeb-real/id0_0003"),
    ),
    "Celeb-DF-v1/Celeb-synthesis/id0_id16_0003.mp4": (
        *("celeb_df/Celeb-synthesis-v1/id0_id16_0003", "fake"),
        *("celeb_df:id0", "celeb_df:id16", "celeb_df/Celeb-real/id0_0003"),
    ),
    "celeb/id0_0003-012-00.png": (
        *("celeb_df/Celeb-real/id0_0003", "real"),
        *("celeb_df:id0", None, "celeb_df/Celeb-real/id0_0003"),
    ),
    "Celeb-DF-v2/YouTube-real/00170.mp4": (
        *("celeb_df/YouTube-real/00170", "real"),
        *(None, None, "celeb_df/YouTube-real/00170"),
    ),
    "Celeb-synthesis/FaceSwap/BlendFace/frames/id0_id1_0000/1.png": (
        *("celeb_df/BlendFace/id0_id1_0000", "fake"),
        *("celeb_df:id0", "celeb_df:id1", "celeb_df/Celeb-real/id0_0000"),
    ),
    "Celeb-synthesis/TalkingFace/SadTalker/id0_0003_test_0012.mp4": (
        *("celeb_df/SadTalker/id0_0003_test_0012", "fake"),
        *("celeb_df:id0", None, None),
    ),
    "DeepFakeDetection/c23/frames/24_23__outside_talking__YR5OVD4S/000.png": (
        *("dfd/24_23__outside_talking__YR5OVD4S", "fake"),
        *("dfd:24", "dfd:23", "dfd/24__outside_talking"),
    ),
    "crops/24__outside_talking_0012.png": (
        *("dfd/24__outside_talking", "real"),
        *("dfd:24", None, "dfd/24__outside_talking"),
    ),
    "method_B/1260311/1260311_C/1255229_1260311_C_001.mp4": (
        *("dfdcp/method_B/1255229_1260311_C_001", "fake"),
        *("dfdcp:1260311", "dfdcp:1255229", "dfdcp/1260311_C_001"),
    ),
    "manipulated_videos/end_to_end/frames/033_M101/000.png": (
        *("deeperforensics/end_to_end/033_M101", "fake"),
        *("ffpp:033", "deeperforensics:M101", "ffpp/youtube/033"),
    ),
    "DeepfakeTIMIT/higher_quality/fadg0/sa1-video-fram1.avi": (
        *("timit/faceswap-GAN-HQ/fadg0/sa1-video-fram1", "fake"),
        *("timit:fadg0", "timit:fram1", "timit/VidTIMIT/fadg0/sa1"),
    ),
    "VidTIMIT/fadg0/video/sa1/001": (
        *("timit/VidTIMIT/fadg0/sa1", "real"),
        *("timit:fadg0", None, "timit/VidTIMIT/fadg0/sa1"),
    ),
    "UADFV/fake/frames/0031_fake/000.png": ("uadfv/fake/0031_fake", "fake", None, None, "uadfv/real/0031"),
    "UADFV/real/0031.mp4": ("uadfv/real/0031", "real", None, None, "uadfv/real/0031"),
    "fake/CW/20200819/P1/dffs/output_P1_001_1/image_00021.jpg": (
        *("dacon/fake/CW/20200819/P1/dffs/output_P1_001_1", "fake"),
        *("dacon:P1", None, None),
    ),
    "FakeVideo-RealAudio/African/men/id00076/00109_id00171_faceswap.mp4": (
        *("fakeavceleb/FakeVideo-RealAudio/id00076/00109_id00171_faceswap", "fake"),
        *("fakeavceleb:id00076", "fakeavceleb:id00171", "fakeavceleb/RealVideo-RealAudio/id00076/00109"),
    ),
    "q/00112233445566778899_99887766554433221100_2_0001.mp4": (
        *("kodf/00112233445566778899_99887766554433221100_2_0001", "fake"),
        *("kodf:00112233445566778899", "kodf:99887766554433221100", None),
    ),
    "real_train/3/real/27/0.png": (
        *("wilddeepfake/real_train/3/27", "real"),
        *(None, None, "wilddeepfake/real_train/3/27"),
    ),
    "train/real/abarnvbtwb-012-00.png": ("dfdc/abarnvbtwb", None, None, None, None),
    "dfdc_train_part_0/abarnvbtwb/012.png": ("dfdc/abarnvbtwb", None, None, None, None),
    "abarnvbtwb.mp4": ("dfdc/abarnvbtwb", None, None, None, None),
    "fakes/my clip-0012-00.png": ("crops/my clip", None, None, None, None),
}

UNKNOWN = (
    "real/0031.png",  # UADFV's numbers anywhere else
    "photos/033_097.png",  # a pair of numbers under no word of FaceForensics++
    "train/033/001.png",
    "validation/0001.png",  # ten letters, and no video
    "real/background/00.png",
    "faces/image_00001.jpg",
    "a/b/c.mp4",
    "other/00170.mp4",  # five digits anywhere but in YouTube-real
    "runs/2024_01_05.png",
    "",
)


@pytest.mark.parametrize("path", KNOWN)
def test_known_names(path: str) -> None:
    told = tell(pa.chunked_array([[path]]))
    columns = ("video_id", "label", "target_id", "donor_id", "pair_key")
    assert tuple(told.column(name)[0].as_py() for name in columns) == KNOWN[path]


def test_many_at_once_and_among_strangers() -> None:
    """Each pattern sees only what those before it left over; none may take what is not its own."""
    paths = [path for pair in zip(KNOWN, [*UNKNOWN] * len(KNOWN), strict=False) for path in pair] * 2
    told = tell(pa.chunked_array([paths[:7], paths[7:]]))
    assert told.column("video_id").to_pylist() == [KNOWN[path][0] if path in KNOWN else None for path in paths]


def test_strangers_are_left_alone() -> None:
    told = tell(pa.chunked_array([list(UNKNOWN)]))
    assert told.clip.tolist() == [-1] * len(UNKNOWN)
    assert tell(pa.chunked_array([], pa.string())).clip.tolist() == []
