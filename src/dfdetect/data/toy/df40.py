"""DF40 in small: crops of fakes of the toy FaceForensics++'s and Celeb-DF's clips, and one method with own reals."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy, Way

METHODS: dict[str, Way] = {"simswap": "swap", "blendface": "swap", "facevid2vid": "reenact"}
PAIRS = {"train": (("033", "097"), ("605", "954")), "test": (("955", "201"),)}
CELEBS = (("id0", "id16", "0003"), ("id16", "id0", "0005"))


def make(toy: Toy) -> None:
    """Clips of FaceForensics++ for training and test, of Celeb-DF for test, and four people of HeyGen."""
    for method, way in METHODS.items():
        for split, pairs in PAIRS.items():
            for target, donor in pairs:
                fake = Shot(f"ffpp:{target}").fake(f"ffpp:{donor}", method=method, way=way)
                toy.crops(f"DF40/{split}/{method}/ff/frames/{target}_{donor}", fake)
        for target, donor, clip in CELEBS:
            fake = Shot(f"celeb_df:{target}", clip).fake(f"celeb_df:{donor}", method=method, way=way)
            toy.crops(f"DF40/test/{method}/cdf/frames/{target}_{donor}_{clip}", fake)
    for number in range(4):
        real = Shot(f"df40:heygen{number}")
        toy.crops(f"DF40/test/heygen/real/{number:03d}", real)
        toy.crops(
            f"DF40/test/heygen/fake/{number:03d}", real.fake(f"df40:voice{number}", method="heygen", way="reenact")
        )
