"""DeepFake-TIMIT and VidTIMIT in small: two pairs of people, of one the frames as downloaded, of the other remuxed."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

PAIRS = (("fadg0", "fram1"), ("mccs0", "mwbt0"))
UTTERANCES = ("sa1", "si943")


def make(toy: Toy) -> None:
    """Both qualities; one more person in VidTIMIT who was never swapped."""
    for first, second in PAIRS:
        for subject, donor in ((first, second), (second, first)):
            for utterance in UTTERANCES:
                real = Shot(f"timit:{subject}", utterance)
                if first == "fadg0":
                    toy.frames(f"VidTIMIT/{subject}/video/{utterance}", real, name="{:03d}")
                    toy.silence(f"VidTIMIT/{subject}/audio/{utterance}.wav")
                else:
                    toy.video(f"VidTIMIT/{subject}/{utterance}.avi", real)
                for quality in ("higher", "lower"):
                    folder = f"DeepfakeTIMIT/{quality}_quality/{subject}"
                    fake = real.fake(f"timit:{donor}", method=quality)
                    toy.video(f"{folder}/{utterance}-video-{donor}.avi", fake)
                    toy.silence(f"{folder}/{utterance}.wav")
    toy.video("VidTIMIT/mabw0/sa1.avi", Shot("timit:mabw0", "sa1"), listed=False)
