"""What holds for every dataset reader, run on the toy of its dataset."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset_trees import plant
from dfdetect.data import tree as tree_module
from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.readers.recognise import DatasetRead, read_dataset
from dfdetect.data.sample import KINDS, SPLITS, Sample
from dfdetect.data.toy import TOYS
from dfdetect.data.toy.painter import Toy
from dfdetect.data.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, list_tree
from dfdetect.errors import DataError
from dfdetect.values import Label
from quick_toys import make_quick_toy

NAMES = sorted(READERS)
NO_PUBLIC_DATASET = {"folders", "list"}  # what they find depends on no published name


@dataclass(frozen=True)
class Case:
    """A toy dataset on disk and what came of reading it."""

    name: str
    toy: Toy
    read: DatasetRead

    @property
    def samples(self) -> dict[str, Sample]:
        return {sample.name: sample for sample in self.read.samples}


@pytest.fixture(scope="module", params=NAMES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    toy = make_quick_toy(request.param, tmp_path_factory.mktemp("toys") / request.param)
    return Case(request.param, toy, only(read_dataset(toy.root)))


def only(reads: list[DatasetRead]) -> DatasetRead:
    assert len(reads) == 1, [read.reader.name for read in reads]
    return reads[0]


def copy_of(case: Case, folder: Path) -> Path:
    """A copy that a test may change, under the same name."""
    shutil.copytree(case.toy.root, folder / case.name)
    return folder / case.name


def test_every_reader_has_its_toy() -> None:
    assert set(TOYS) == set(READERS)


def test_reader_says_what_it_reads(case: Case) -> None:
    reader = READERS[case.name]
    assert reader.name == case.name
    assert reader.title
    assert reader.source
    assert reader.layout.strip()


def test_recognised_by_its_layout_alone(case: Case) -> None:
    assert case.read.reader.name == case.name
    assert case.read.root == case.toy.root.resolve()


def test_finds_everything_with_the_right_label_and_kind(case: Case) -> None:
    """A reversed label turns the best detector into the worst, and nobody notices until the figures are odd."""
    expected = {item.path: (item.shot.label, item.kind) for item in case.toy.items}
    assert {name: (sample.label, sample.kind) for name, sample in case.samples.items()} == expected
    assert {label for label, _ in expected.values()} >= {Label.FAKE}


def test_keys_are_filled_and_consistent(case: Case) -> None:
    for sample in case.read.samples:
        assert sample.dataset
        assert sample.video_id
        assert sample.kind in KINDS
        assert sample.split in SPLITS
        assert sample.label is Label.FAKE or sample.method == ""
        assert sample.bytes > 0
        for key in (sample.target_id, sample.donor_id):
            assert key == "" or ":" in key or case.name in NO_PUBLIC_DATASET, f"{key} has no namespace"
        if sample.label is Label.REAL:
            assert sample.donor_id == ""
            assert sample.pair_key in ("", sample.video_id)


def test_one_name_is_one_person(case: Case) -> None:
    """target_id and donor_id speak of the people whom the toy drew, and not of others."""
    people: dict[str, set[str]] = {}
    shots = {item.path: item.shot for item in case.toy.items}
    for name, sample in case.samples.items():
        for key, person in ((sample.target_id, shots[name].person), (sample.donor_id, shots[name].donor)):
            if key:
                people.setdefault(key, set()).add(person)
    assert [found for found in people.values() if len(found) > 1] == []


def test_pairs_are_the_clips_that_fakes_were_made_from(case: Case) -> None:
    """A pair key that names another clip teaches from pictures that do not fit, and lets leaks through."""
    reals = {}
    for item in case.toy.items:
        if item.shot.label is Label.REAL:
            reals[case.samples[item.path].video_id] = item.shot
    for item in case.toy.items:
        sample = case.samples[item.path]
        if item.shot.label is Label.FAKE and sample.pair_key in reals:
            assert reals[sample.pair_key] == item.shot.real
    if case.name not in NO_PUBLIC_DATASET and reals:
        aligned = [item for item in case.toy.items if item.shot.donor and item.shot.real in reals.values()]
        told = [item for item in aligned if case.samples[item.path].pair_key in reals]
        assert told or not any(case.samples[item.path].pair_key for item in aligned)


def test_video_ids_are_unique(case: Case) -> None:
    """Frames of one clip may share one; the same clip at another compression does."""
    keys = [(s.video_id, s.compression, s.split) for s in case.read.samples if s.kind in ("video", "frames")]
    assert len(keys) == len(set(keys))


def test_nothing_outside_the_root_and_all_on_disk(case: Case) -> None:
    root = case.toy.root.resolve()
    for sample in case.read.samples:
        assert sample.root == root.as_posix()
        assert Path(sample.path).is_relative_to(root)
        assert Path(sample.path).exists()
        if sample.mask_path:
            assert Path(sample.mask_path).is_relative_to(root)
            assert Path(sample.mask_path).exists()


def test_in_order_and_the_same_each_time(case: Case) -> None:
    paths = [sample.path for sample in case.read.samples]
    assert paths == sorted(paths)
    assert only(read_dataset(case.toy.root)) == case.read


def test_opens_nothing_but_lists(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that opens videos takes hours over a hundred thousand of them."""
    opened: list[str] = []
    whole_read, text_read = Path.read_bytes, Path.read_text
    monkeypatch.setattr(Path, "read_bytes", lambda path: (opened.append(path.name), whole_read(path))[1])
    monkeypatch.setattr(
        Path, "read_text", lambda path, *a, **k: (opened.append(path.name), text_read(path, *a, **k))[1]
    )
    built_in = open

    def watched(file: object, *arguments: object, **named: object) -> object:
        opened.append(str(file))
        return built_in(file, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", watched)
    for opener in ("av.open", "cv2.VideoCapture", "cv2.imread", "PIL.Image.open", "dfdetect.media.reader.open_media"):
        monkeypatch.setattr(
            opener, lambda file, *_, **__: opened.append(f"{file}.mp4")
        )  # they open files outside Python
    read_dataset(case.toy.root)
    assert not [name for name in opened if name.lower().endswith((*VIDEO_SUFFIXES, *IMAGE_SUFFIXES))]


def test_a_partial_copy_still_reads(case: Case, tmp_path: Path) -> None:
    """Nobody downloads all of it the first time."""
    root = copy_of(case, tmp_path)
    items = sorted(item.path for item in case.toy.items)
    for path in items[1::2]:
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    found = {sample.name for sample in only(read_dataset(root, name=case.name)).samples}
    assert found <= set(items[::2])
    assert found or case.name == "deepfake_timit"


def test_an_empty_file_is_a_problem_and_not_a_sample(case: Case, tmp_path: Path) -> None:
    root = copy_of(case, tmp_path)
    path = next(root / item.path for item in case.toy.items)
    emptied = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in emptied:
        file.write_bytes(b"")
    read = only(read_dataset(root, name=case.name))
    assert path.relative_to(root).as_posix() not in {sample.name for sample in read.samples}
    assert {problem.code for problem in read.problems} >= {"zero_bytes"}


def test_upper_case_suffixes_are_read(case: Case, tmp_path: Path) -> None:
    if case.name == "list":
        pytest.skip("a list names its files exactly")
    root = copy_of(case, tmp_path)
    for file in sorted(root.rglob("*")):
        if file.is_file() and file.suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES):
            file.rename(file.with_suffix(file.suffix.upper()))
    again = only(read_dataset(root, name=case.name)).samples
    assert _without_suffixes(again) == _without_suffixes(case.read.samples)


def _without_suffixes(samples: Sequence[Sample]) -> list[tuple[object, ...]]:
    """Where a name is all that tells a clip, the suffix is part of its id."""
    rows = [(s.video_id.lower(), s.label, s.split, s.pair_key.lower(), bool(s.mask_path)) for s in samples]
    return sorted(rows)


def test_another_tree_gives_an_error_that_shows_the_layout(case: Case, tmp_path: Path) -> None:
    root = plant(tmp_path / "thesis", "chapter/figure.txt", "notes.md")
    with pytest.raises(DataError) as caught:
        read_dataset(root, name=case.name)
    message = caught.value.message
    assert str(root) in message
    if case.name != "list":
        assert "chapter/, notes.md" in message
        assert READERS[case.name].layout.strip() in message


def test_an_archive_beside_it_is_named(case: Case, tmp_path: Path) -> None:
    root = copy_of(case, tmp_path)
    (root / "part two.zip").write_bytes(b"PK")
    read = only(read_dataset(root, name=case.name))
    assert ("archive", "part two.zip") in {(problem.code, problem.path) for problem in read.problems}
    assert read.samples == tuple(sample for sample in read.samples if sample.name in case.samples), (
        "the archive changed what is read"
    )


def test_names_that_are_not_ascii_are_kept(case: Case, tmp_path: Path) -> None:
    """A root below `Données` or `データ` is as good as any other."""
    root = copy_of(case, tmp_path / "Données データ")
    read = only(read_dataset(root))
    assert {sample.name for sample in read.samples} == set(case.samples)


def test_a_loop_of_links_ends(case: Case, tmp_path: Path) -> None:
    root = copy_of(case, tmp_path)
    (root / "again").symlink_to(root, target_is_directory=True)
    read = only(read_dataset(root, name=case.name))
    assert {sample.name for sample in read.samples} == set(case.samples)
    if case.name != "list":
        assert ("link_loop", "again") in {(problem.code, problem.path) for problem in read.problems}


def test_media_that_belong_to_no_layout_are_named(case: Case, tmp_path: Path) -> None:
    """What a reader leaves out in silence is missing from the figures, and nobody knows."""
    root = copy_of(case, tmp_path)
    plant(root, "my own clips/holiday in Rome.mp4")
    read = only(read_dataset(root, name=case.name))
    told = {problem.path for problem in read.problems}
    assert told & {"my own clips", "my own clips/holiday in Rome.mp4"}


def test_a_count_never_names_what_is_there_as_missing(case: Case) -> None:
    for count in case.read.checks:
        assert 0 <= count.found <= count.published
        assert len(count.missing) <= count.published
        if count.what.endswith("originals") or count.what in ("Celeb-real", "YouTube-real"):
            there = [s for s in case.read.samples if s.label is Label.REAL and s.compression in count.what]
            assert not {s.video_id.rpartition("/")[2] for s in there} & set(count.missing)


def test_a_tree_that_was_listed_is_enough(case: Case) -> None:
    """`matches` sees names only: it must not look at the disk again."""
    listed = list_tree(case.toy.root)
    assert READERS[case.name].matches(tree_module.Tree(listed.root, listed.files))
    assert [s.name for s in READERS[case.name].read(Reading(listed))] == [s.name for s in case.read.samples]
