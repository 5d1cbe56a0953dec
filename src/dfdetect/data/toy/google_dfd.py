"""Google DFD in small: three actors in two scenes, each with the face of another; one clip at two compressions."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

SCENES = ("exit_phone_room", "outside_talking_still_laughing")
FAKES = (("01", "02", "ZK2A8QXM"), ("02", "07", "YR5OVD4S"), ("07", "01", "3IUBEKCT"))


def make(toy: Toy) -> None:
    """One fake of each original, at c23; the first actor's also at c40. In one clip stands somebody left alone."""
    for target, donor, code in FAKES:
        for scene in SCENES:
            bystander = "dfd:11" if (target, scene) == ("02", SCENES[1]) else ""
            real = Shot(f"dfd:{target}", scene, bystander=bystander)
            fake = real.fake(f"dfd:{donor}", method="DeepFakeDetection")
            name = f"{target}_{donor}__{scene}__{code}"
            for compression, crf in (("c23", 23), ("c40", 40))[: 2 if target == "01" else 1]:
                toy.video(f"original_sequences/actors/{compression}/videos/{target}__{scene}.mp4", real, crf=crf)
                toy.video(f"manipulated_sequences/DeepFakeDetection/{compression}/videos/{name}.mp4", fake, crf=crf)
            toy.mask_video(f"manipulated_sequences/DeepFakeDetection/masks/videos/{name}.mp4", fake)
