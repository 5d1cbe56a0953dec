"""What an evaluation fixes before a file is opened: samples, frames, crops, pooling. Frozen values with a hash.

    native              what `dfdetect scan` does: the number that a user gets
    dfb                 DeepfakeBench (Yan et al. 2023, arXiv 2307.01426)
    sbi                 Self-Blended Images (Shiohara & Yamasaki 2022, arXiv 2204.08376)
    ff-official         as native, on FaceForensics++'s official test videos (Rossler et al. 2019, arXiv 1901.08971)
    identity-disjoint   as native, on test samples of people and recordings that training has not seen

Two numbers may be compared where their hashes are the same, and nowhere else. A protocol changes how a file is scanned
through `detect.policy` alone; what is left out and why is told in docs/evaluation.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from dfdetect.detect.policy import SCAN, ScanPolicy
from dfdetect.errors import UsageError, unknown_name
from dfdetect.faces.align import BoxMargin, FivePoints

SampleRule = Literal["all", "ff_official_test", "unseen_identities"]
NoFace = Literal["apart", "dropped", "half"]
BENCHMARK_FRAMES = 32
HASH_SHOWN = 12  # characters


@dataclass(frozen=True, slots=True)
class EvalProtocol:
    """says: in a sentence, no part of the hash. scan: how a file is looked at.

    samples: which are taken, see `samples.choose`. no_face: how the benchmark counts a file without a face: "apart" =
    as such, never as a number; "dropped" = not at all; "half" = as 0.5. Whatever it is, both are counted.
    first_frames: also score by the first so many of the frames, as DeepfakeBench takes them where a configuration asks
    for fewer than were extracted, beside as many spread evenly. folder_names: also group frames by the name of their
    folder alone, as DeepfakeBench does, so that clips of one name in different folders become one.
    """

    name: str
    says: str
    scan: ScanPolicy = SCAN
    samples: SampleRule = "all"
    no_face: NoFace = "apart"
    first_frames: int | None = None
    folder_names: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Every field and the hash, as run.json has them."""
        fields = asdict(self)
        crop = self.scan.crop
        if crop is not None:
            fields["scan"]["crop"] = {"kind": type(crop).__name__, **asdict(crop)}
        return {**fields, "hash": self.hash}

    @property
    def hash(self) -> str:
        """SHA-256 of every field but `says`: another value of any of them is another protocol."""
        crop = self.scan.crop
        fields = asdict(self) | {"crop_kind": type(crop).__name__ if crop is not None else None}
        del fields["says"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


PROTOCOLS: dict[str, EvalProtocol] = {
    protocol.name: protocol
    for protocol in (
        EvalProtocol("native", "What `dfdetect scan` does with a file: the number that a user gets."),
        EvalProtocol(
            "dfb",
            "DeepfakeBench: 32 frames by number, the largest face of each, laid on five points at 1.3 and 256 px; the "
            "mean probability of a video.",
            scan=ScanPolicy(
                numbered_frames=BENCHMARK_FRAMES,
                crop=FivePoints(scale=1.3, size_px=256),
                face_choice="largest",
                pooling="frames",
                mirror=False,
            ),
            no_face="dropped",
            folder_names=True,
        ),
        EvalProtocol(
            "sbi",
            "Self-Blended Images: 32 frames by number, faces of at least half the largest one's area, an eighth of the "
            "box around each; of a frame the highest, of a video the mean.",
            scan=ScanPolicy(
                numbered_frames=BENCHMARK_FRAMES,
                crop=BoxMargin(0.125, detected=True, stretched=True),
                face_choice="half_of_largest",
                pooling="frames",
                mirror=False,
            ),
            no_face="half",
        ),
        EvalProtocol(
            "ff-official",
            "The 140 official test videos of FaceForensics++ of each class and compression, scanned as users do.",
            samples="ff_official_test",
        ),
        EvalProtocol(
            "identity-disjoint",
            "Test samples of people, donors and recordings that the training split and the model's manifest do not "
            "name, scanned as users do.",
            samples="unseen_identities",
        ),
    )
}
DEFAULT_PROTOCOL = "native"


def find_protocol(name: str, *, first_frames: int | None = None) -> EvalProtocol:
    """A protocol by name. UsageError: there is none, or first_frames is not for it."""
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    if first_frames is None:
        return protocol
    most = protocol.scan.numbered_frames or 0
    if not 1 <= first_frames < most:
        allowed = [one.name for one in PROTOCOLS.values() if one.scan.numbered_frames]
        raise UsageError(
            f"first frames are 1 to {BENCHMARK_FRAMES - 1} of the {BENCHMARK_FRAMES} of the protocols "
            f"{' and '.join(allowed)}; got {first_frames} for {name}"
        )
    return replace(protocol, first_frames=first_frames)
