"""DeeperForensics-1.0 in small: fakes of the toy FaceForensics++'s clips, no reals, as in the real one."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

SPLITS = {"train": ("033_M101", "097_W004", "605_M005"), "val": ("606_W006",), "test": ("955_M007", "201_W008")}


def make(toy: Toy) -> None:
    """One distorted variant: the same fakes, compressed hard. An actor's recording that is not the real class."""
    for split, names in SPLITS.items():
        for name in names:
            target, _, actor = name.partition("_")
            fake = Shot(f"ffpp:{target}").fake(f"deeperforensics:{actor}", method="DF-VAE")
            toy.video(f"manipulated_videos/end_to_end/{name}.mp4", fake)
            toy.video(f"manipulated_videos/end_to_end_level_3/{name}.mp4", fake, crf=38)
        toy.text(f"lists/splits/{split}.txt", "".join(f"{name}.mp4\n" for name in names))
    folder, recording = "source_videos/M101/light_up/neutral/camera_front", "M101_light_up_neutral_camera_front.mp4"
    toy.video(f"{folder}/{recording}", Shot("deeperforensics:M101"), listed=False)
