"""A CSV list in small: files that lie anywhere, with what is known of each."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

HEADER = ("path", "label", "dataset", "method", "person", "donor_id", "split")


def make(toy: Toy) -> None:
    """Eight people, each real and fake, as videos and images."""
    rows = []
    for number in range(8):
        real = Shot(f"list:{number}")
        fake = real.fake(f"list:{(number + 1) % 8}", method="swap")
        split = "train" if number < 6 else "test"
        for shot in (real, fake):
            name = f"{number}_{shot.label.name.lower()}"
            path = f"media/{name}.mp4" if number % 2 else f"media/{name}.jpg"
            if number % 2:
                toy.video(path, shot)
            else:
                toy.image(path, shot)
            rows.append((path, shot.label.name.lower(), "mine", shot.method, shot.person, shot.donor, split))
    toy.csv("list.csv", HEADER, rows)
