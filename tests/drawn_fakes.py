"""Drawn people and local fakes of them as labelled face shards: some people to learn from, others to validate on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dfdetect.data.drawn_faces import draw_scene, local_fake
from dfdetect.data.shards import FaceRecord, write_shards
from dfdetect.media.roundtrip import encode_jpeg

SIZE_PX = 96


def person(number: int, split: str) -> list[FaceRecord]:
    """The real picture of a person and the fake made from it, each as a loose crop with its box."""
    rng = np.random.default_rng([7, number])
    scene = draw_scene(rng, (SIZE_PX, SIZE_PX))
    box = scene.boxes_xyxy[0]
    fake, _ = local_fake(scene.image, box, rng)
    return [
        FaceRecord(
            image_bytes=encode_jpeg(image, 95, subsampling="444"),
            mesh=None,
            label=label,
            path=f"{number}{'-fake' if label else ''}.jpg",
            video_id=f"{number}{'-fake' if label else ''}",
            pair_key=f"{number}",
            target_id=f"person-{number}",
            split=split,
            box_xyxy=np.asarray(box, np.float32),
        )
        for label, image in enumerate((scene.image, fake))
    ]


def drawn_shards(folder: Path, *, train_people: int, val_people: int) -> Path:
    """Shards of so many people on either side of the split; nobody is on both."""
    splits = ["train"] * train_people + ["val"] * val_people
    write_shards(folder, [row for number, split in enumerate(splits) for row in person(number, split)], about={})
    return folder
