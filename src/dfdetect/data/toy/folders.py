"""One's own folders in small: videos, images, folders of frames and of crops below train and test."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy


def make(toy: Toy) -> None:
    """Fakes by two methods, each in its folder."""
    for number in range(8):
        split, real = ("train" if number < 6 else "test"), Shot(f"own:{number}")
        fake = real.fake(
            f"own:donor{number}", method=("swap", "reenact")[number % 2], way=("swap", "reenact")[number % 2]
        )
        for home, shot in ((f"{split}/real", real), (f"{split}/fake/{fake.method}", fake)):
            match number % 4:
                case 0:
                    toy.video(f"{home}/clip{number}.mp4", shot)
                case 1:
                    toy.image(f"{home}/photo{number}.jpg", shot)
                case 2:
                    toy.frames(f"{home}/take{number}", shot, name="frame_{:04d}.jpg")
                case _:
                    toy.crops(f"{home}/frames/clip{number}", shot)
