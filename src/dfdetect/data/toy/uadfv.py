"""UADFV in small: six pairs by number, everybody with one person's face."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy


def make(toy: Toy) -> None:
    """As unpacked: fake_videos/real and fake_videos/fake."""
    for number in range(6):
        real = Shot(f"uadfv:{number:04d}")
        toy.video(f"fake_videos/real/{number:04d}.mp4", real)
        toy.video(f"fake_videos/fake/{number:04d}_fake.mp4", real.fake("uadfv:donor"))
