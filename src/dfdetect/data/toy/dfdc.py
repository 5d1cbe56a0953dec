"""DFDC in small: two training parts with their metadata, a test set with labels.csv; one clip with a second person."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

PARTS: dict[int, dict[str, tuple[str, ...]]] = {
    0: {"abarnvbtwb": ("aagfhgtpmv", "abofeumbvv"), "agrmhtjdlk": ("aapnvogymq",)},
    7: {"axwovszumc": ("aipfdnwpoo", "avmjormvsx")},
}
TEST_REALS, TEST_FAKES = ("aassnaulhq", "ahjnxtiamx"), ("aayfryxljh", "acazlolrpz")


def make(toy: Toy) -> None:
    """An original has one or two fakes, in its own part. Nobody is named, so each clip shows somebody else."""
    for part, originals in PARTS.items():
        folder = f"dfdc_train_part_{part}"
        entries: dict[str, dict[str, str | None]] = {}
        for original, fakes in originals.items():
            real = Shot(f"dfdc:{original}", bystander="dfdc:second" if original == "agrmhtjdlk" else "")
            toy.video(f"{folder}/{original}.mp4", real)
            entries[f"{original}.mp4"] = {"label": "REAL", "split": "train", "original": None}
            for name in fakes:
                toy.video(f"{folder}/{name}.mp4", real.fake(f"dfdc:donor {name}", method=name))
                entries[f"{name}.mp4"] = {"label": "FAKE", "split": "train", "original": f"{original}.mp4"}
        toy.json(f"{folder}/metadata.json", entries)
    for name in TEST_REALS:
        toy.video(f"test/{name}.mp4", Shot(f"dfdc:{name}"))
    for name in TEST_FAKES:  # of originals that are not given out
        toy.video(f"test/{name}.mp4", Shot(f"dfdc:{name}").fake(f"dfdc:donor {name}"))
    rows = [(f"{name}.mp4", int(name in TEST_FAKES)) for name in sorted((*TEST_REALS, *TEST_FAKES))]
    toy.csv("test/labels.csv", ["filename", "label"], rows)
