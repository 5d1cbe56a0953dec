"""WildDeepfake in small: unpacked shards whose numbers repeat over the four folders."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy


def make(toy: Toy) -> None:
    """Crops of strangers: the real and the fake sequences show other people."""
    for split, shards in (("train", 2), ("test", 1)):
        for shard in range(shards):
            for sequence in (1, 2):
                real = Shot(f"wild:{split}{shard}{sequence}")
                other = Shot(f"wild:fake{split}{shard}{sequence}")
                toy.crops(f"real_{split}/{shard}/real/{sequence}", real, name="{:d}.png")
                fake = other.fake(f"wild:donor{shard}{sequence}")
                toy.crops(f"fake_{split}/{shard}/fake/{sequence}", fake, name="{:d}.png")
