"""KoDF in small: four actors, five methods, with the lists of the label packages."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy, Way

ACTORS = ("0123456789abcdef0123", "200123", "fedcba98765432100000", "200124")
METHODS: dict[str, tuple[int, Way]] = {
    "dfl": (1, "swap"),
    "dffs": (2, "swap"),
    "fsgan": (3, "swap"),
    "fo": (4, "reenact"),
    "audio-driven": (5, "reenact"),
}


def make(toy: Toy) -> None:
    """Two clips an actor; the last actor's are for validation."""
    reals: dict[str, list[str]] = {"training": [], "validation": []}
    fakes: dict[str, list[tuple[str, ...]]] = {"training": [], "validation": []}
    for index, actor in enumerate(ACTORS):
        part = "validation" if index == len(ACTORS) - 1 else "training"
        donor = ACTORS[(index + 1) % len(ACTORS)]
        for clip in (1, 2):
            real = Shot(f"kodf:{actor}", str(clip))
            toy.video(f"{part}/original/{actor}/{actor}_{clip:03d}.mp4", real)
            reals[part].append(f"{actor}_{clip:03d}.mp4")
        for method, (code, way) in METHODS.items():
            name = f"{actor}_{donor}_{code}_0001.mp4"
            fake = Shot(f"kodf:{actor}", "1").fake(f"kodf:{donor}", method=method, way=way)
            toy.video(f"{part}/{method}/20200715/{actor}/{name}", fake)
            fakes[part].append((name, f"{actor}_001.mp4", actor, donor, method, "", ""))
    for part in reals:
        header = ("영상ID", "UUID", "인물성별", "촬영장소", "촬영시작", "스크립트파일", "시나리오번호")
        rows = [(name, name.partition("_")[0], "", "", "", "", "") for name in reals[part]]
        toy.csv(f"meta/원본영상_{part}_메타데이터.csv", header, rows)
        header = ("영상ID", "타겟영상", "타겟UUID", "소스UUID", "변조모델", "촬영시작", "인물성별")
        toy.csv(f"meta/변조영상_{part}_메타데이터.csv", header, fakes[part])
