"""FaceForensics++ in small: eight originals in four pairs; as in the real one, two uploads lie in two splits each."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy, Way

PAIRS = {"train": [("033", "097"), ("605", "954")], "val": [("606", "144")], "test": [("955", "201")]}
UPLOADS = {"605": "uploadA 0", "606": "uploadA 1", "954": "uploadB 0", "955": "uploadB 1"}
METHODS: dict[str, Way] = {
    "Deepfakes": "swap",
    "Face2Face": "reenact",
    "FaceSwap": "swap",
    "NeuralTextures": "reenact",
    "FaceShifter": "swap",
}
CRF = {"c23": 23, "raw": 10, "c40": 40}


def make(toy: Toy) -> None:
    """All at c23, the first pair also raw and at c40; masks for all methods but FaceShifter, which has none."""
    pairs = [pair for some in PAIRS.values() for pair in some]
    for first, second in pairs:
        compressions = CRF if first == "033" else {"c23": 23}
        for target, donor in ((first, second), (second, first)):
            real = Shot(f"ffpp:{target}")
            for compression, crf in compressions.items():
                toy.video(f"original_sequences/youtube/{compression}/videos/{target}.mp4", real, crf=crf)
            for method, way in METHODS.items():
                folder, name = f"manipulated_sequences/{method}", f"{target}_{donor}.mp4"
                fake = real.fake(f"ffpp:{donor}", method=method, way=way)
                for compression, crf in compressions.items():
                    toy.video(f"{folder}/{compression}/videos/{name}", fake, crf=crf)
                if method != "FaceShifter":
                    toy.mask_video(f"{folder}/masks/videos/{name}", fake)
    for split, some in PAIRS.items():
        toy.json(f"{split}.json", [list(pair) for pair in some])
    names = [name for pair in pairs for name in pair]
    toy.json("conversion_dict.json", {name: UPLOADS.get(name, f"upload{name} 0") for name in names})
