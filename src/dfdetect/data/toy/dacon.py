"""Dacon 235655 in small: frames of clips of six people, and a leaderboard without labels."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

PEOPLE = ("cw-ann", "cw-ben", "cw-cho", "sarah", "103564", "103565")
METHODS = ("dffs", "dfl", "fo", "fsgan")
FRAMES = (0, 4)


def make(toy: Toy) -> None:
    """One real clip a person, fakes by two methods, two frames of each."""
    for number, person in enumerate(PEOPLE):
        studio = "CW" if number % 2 else "EQ"
        real = Shot(f"dacon:{person}")
        folder = f"deepfake_1st/real/{studio}/20201012/{person}/image1"
        for frame in FRAMES:
            toy.image(f"{folder}/image_{frame + 1:05d}.jpg", real, frame=frame)
        donor = f"dacon:{PEOPLE[(number + 1) % len(PEOPLE)]}"
        for method in (METHODS[number % 4], METHODS[(number + 1) % 4]):
            clip = f"output_{person}_001" if method == "fsgan" else f"output_{person}_001_1"
            fake = real.fake(donor, method=method, way="reenact" if method == "fo" else "swap")
            folder = f"deepfake_1st/fake/{studio}/20200819/{person}/{method}/{clip}"
            for frame in FRAMES:
                toy.image(f"{folder}/image_{frame + 1:05d}.jpg", fake, frame=frame)
    toy.image("deepfake_1st/leaderboard/image_00001.jpg", Shot("dacon:unknown"), listed=False)
    toy.csv("sample_submission.csv", ("path", "y"), [("leaderboard/image_00001.jpg", "0.5")])
