"""GenD's layout in small: face crops of the toy FaceForensics++'s clips."""

from __future__ import annotations

from dfdetect.data.toy import faceforensics
from dfdetect.data.toy.painter import Shot, Toy

SHORT = {"DF": "Deepfakes", "F2F": "Face2Face", "FS": "FaceSwap", "NT": "NeuralTextures"}


def make(toy: Toy) -> None:
    """Originals and four methods, with the split files of FaceForensics++."""
    for split, pairs in faceforensics.PAIRS.items():
        for first, second in pairs:
            for target, donor in ((first, second), (second, first)):
                real = Shot(f"ffpp:{target}")
                toy.crops(f"FF/real/{target}", real)
                for short, method in SHORT.items():
                    fake = real.fake(f"ffpp:{donor}", method=method, way=faceforensics.METHODS[method])
                    toy.crops(f"FF/{short}/{target}_{donor}", fake)
        toy.json(f"{split}.json", [list(pair) for pair in pairs])
