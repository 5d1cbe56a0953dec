"""FakeAVCeleb in small: four people in all four categories, with the list and its nameless tenth column."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

PEOPLE = {
    "id00076": "African/men",
    "id00171": "African/men",
    "id00476": "Asian (East)/women",
    "id00701": "Asian (East)/women",
}


def make(toy: Toy) -> None:
    """Faked sound over the real picture is a real shot: to the eye nothing was done."""
    rows: list[tuple[str, ...]] = []
    people = list(PEOPLE)
    for index, person in enumerate(people):
        donor = people[index ^ 1]
        real, clip = Shot(f"fakeavceleb:{person}"), f"{109 + index:05d}"
        swap = real.fake(f"fakeavceleb:{donor}", method="faceswap")
        lips = real.fake(f"fakeavceleb:{donor}", method="wav2lip", way="reenact")
        for category, letter, target, method, name, shot in (
            ("RealVideo-RealAudio", "A", "-", "real", f"{clip}.mp4", real),
            ("RealVideo-FakeAudio", "B", "-", "rtvc", f"{clip}_fake.mp4", real),
            ("FakeVideo-RealAudio", "C", donor, "faceswap", f"{clip}_{donor}_faceswap.mp4", swap),
            ("FakeVideo-FakeAudio", "D", donor, "wav2lip", f"{clip}_10_{donor}_wavtolip.mp4", lips),
        ):
            folder = f"{category}/{PEOPLE[person]}/{person}"
            toy.video(f"{folder}/{name}", shot)
            race, gender = PEOPLE[person].split("/")
            row = (person, target, "-", method, letter, category, race, gender, name, f"FakeAVCeleb/{folder}")
            rows.append(row)
    header = ("source", "target1", "target2", "method", "category", "type", "race", "gender", "path", "")
    toy.csv("meta_data.csv", header, rows)
