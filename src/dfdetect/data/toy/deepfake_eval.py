"""Deepfake-Eval-2024 in small: videos and images with the labels of picture and sound in lists."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy


def make(toy: Toy) -> None:
    """Every second of eight files is fake; one video has a faked sound alone."""
    videos, images = [], []
    for number in range(8):
        real = Shot(f"wild2024:{number}")
        shot = real.fake(f"wild2024:donor{number}") if number % 2 else real
        label, split = ("Fake" if number % 2 else "Real"), ("Test" if number < 6 else "Train")
        if number < 5:
            toy.video(f"video-data/clip{number}.mp4", shot)
            videos.append((f"clip{number}.mp4", label, "Fake" if number == 2 else label, split))
        else:
            toy.image(f"image-data/photo{number}.jpg", shot)
            images.append((f"photo{number}.jpg", label, split))
    header = ("Filename", "Video Ground Truth", "Audio Ground Truth", "Finetuning Set")
    toy.csv("video-metadata-publish.csv", header, videos)
    toy.csv("image-metadata-publish.csv", ("Filename", "Ground Truth", "Finetuning Set"), images)
