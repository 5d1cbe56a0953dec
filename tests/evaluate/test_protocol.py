"""Protocols are frozen values: another value of any field is another hash, and the words are not."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from dfdetect.detect.policy import SCAN, ScanPolicy
from dfdetect.errors import UsageError
from dfdetect.evaluate.protocol import PROTOCOLS, EvalProtocol, find_protocol
from dfdetect.faces.align import BoxMargin, FivePoints


def test_native_is_what_scan_does() -> None:
    assert PROTOCOLS["native"].scan == SCAN == ScanPolicy()
    assert set(PROTOCOLS) == {"native", "dfb", "sbi", "ff-official", "identity-disjoint"}
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())


def test_every_field_but_the_words_is_in_the_hash() -> None:
    base = PROTOCOLS["dfb"]
    changes: list[dict[str, object]] = [
        {"name": "x"},
        {"samples": "unseen_identities"},
        {"no_face": "half"},
        {"first_frames": 8},
        {"folder_names": False},
        *(
            {"scan": replace(base.scan, **{name: value})}  # type: ignore[arg-type]
            for name, value in (
                ("numbered_frames", 8),
                ("crop", FivePoints(1.2)),
                ("crop", BoxMargin(0.1)),
                ("crop", None),
                ("face_choice", "all"),
                ("pooling", "tracks"),
                ("mirror", True),
            )
        ),
    ]
    hashes = [base.hash, *(replace(base, **change).hash for change in changes)]  # type: ignore[arg-type]
    assert len(set(hashes)) == len(hashes)
    assert replace(base, says="other words").hash == base.hash
    assert len({protocol.hash for protocol in PROTOCOLS.values()}) == len(PROTOCOLS)


def test_two_crops_of_the_same_numbers_are_two_protocols() -> None:
    """A crop's numbers alone had one hash, whatever they were numbers of."""
    one = EvalProtocol("a", "", scan=ScanPolicy(crop=BoxMargin(0.1)))
    other = EvalProtocol("a", "", scan=ScanPolicy(crop=BoxMargin(0.1, stretched=True)))
    assert one.hash != other.hash


def test_a_protocol_says_all_of_itself() -> None:
    found = PROTOCOLS["dfb"].as_dict()
    assert found["scan"]["crop"] == {"kind": "FivePoints", "scale": 1.3, "size_px": 256}
    assert found["hash"] == PROTOCOLS["dfb"].hash
    assert PROTOCOLS["native"].as_dict()["scan"]["crop"] is None


def test_nothing_of_a_protocol_can_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PROTOCOLS["native"].no_face = "half"  # type: ignore[misc]


def test_by_name() -> None:
    assert find_protocol("dfb", first_frames=8).first_frames == 8
    with pytest.raises(UsageError, match="the options are: dfb, ff-official, identity-disjoint, native, sbi"):
        find_protocol("dfd")
    for name, k in (("dfb", 32), ("dfb", 0), ("native", 8)):
        with pytest.raises(UsageError, match="1 to 31 of the 32 of the protocols dfb and sbi"):
            find_protocol(name, first_frames=k)
