"""Batches by number: order, parts for devices, and what happens to a picture that cannot be made."""

from __future__ import annotations

import multiprocessing
import os
import sys

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from dfdetect.data.pairs import PairMaker  # noqa: E402
from dfdetect.errors import UsageError  # noqa: E402
from dfdetect.models.input_tensor import InputTensor  # noqa: E402
from dfdetect.models.preprocess import to_input  # noqa: E402
from dfdetect.models.spec import ModelSpec  # noqa: E402
from dfdetect.train.batches import Batches, forkable_opencv, items_per_batch, one_thread, start_worker  # noqa: E402
from dfdetect.train.sources import Item, PairSource  # noqa: E402
from face_pictures import plain_records  # noqa: E402


class Numbers:
    """Items whose pixels are their number."""

    images_per_item = 2
    rows = 1000

    def make(self, number: int, *, size_px: int) -> Item:
        if number == 13:
            raise ValueError("not a picture")
        crops = np.full((2, size_px, size_px, 3), number % 250, np.uint8)
        return Item(crops, np.array([0, 1], np.float32), None, (f"{number}", f"{number} blended"))


def pairs(per_batch: int, count: int = 2, first: int = 0) -> Batches:
    source = PairSource(PairMaker(plain_records(4), seed=1))
    return Batches(source, first=first, count=count, per_batch=per_batch, size_px=32)


def test_reals_stand_before_their_fakes() -> None:
    found = pairs(per_batch=3)[0]
    assert found.images.shape == (6, 32, 32, 3)
    assert found.images.dtype == torch.uint8
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    images = found.images.float()
    assert (images[:3] - images[3:]).abs().mean() < images[:3].std()


def test_epochs_go_through_the_pairs_without_overlap() -> None:
    """Pairs 0-7 again in every epoch: the network saw eight blends."""
    whole, second = pairs(per_batch=4), pairs(per_batch=2, first=2)
    assert torch.equal(whole[0].images[[2, 3, 6, 7]], second[0].images)
    assert second[0].number == 1


@given(world=st.integers(1, 4), accumulate=st.integers(1, 3), per_part=st.integers(1, 3), first=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_parts_make_up_the_whole_batch(world: int, accumulate: int, per_part: int, first: int) -> None:
    """Two GPUs that see the same half of each batch train on half of the data."""
    per_batch = world * accumulate * per_part
    seen = []
    for rank in range(world):
        own = Batches(
            Numbers(), first=100 + first * per_batch, count=2, per_batch=per_batch, size_px=4,
            part=(rank, world), accumulate=accumulate,
        )  # fmt: skip
        assert len(own) == 2 * accumulate
        seen += [int(video.split()[0]) for piece in range(accumulate) for video in own[piece].videos[:per_part]]
    assert sorted(seen) == list(range(100 + first * per_batch, 100 + (first + 1) * per_batch))


def test_the_last_validation_batch_is_what_is_left() -> None:
    own = Batches(Numbers(), first=0, count=2, per_batch=3, size_px=4, last=5)
    assert [len(own[number].labels) for number in range(2)] == [6, 4]


def test_a_picture_that_cannot_be_made_is_told_and_not_replaced() -> None:
    """SBI takes another picture on any error, for ever: nobody learns that a third of the faces is broken."""
    found = Batches(Numbers(), first=12, count=1, per_batch=2, size_px=4)[0]
    assert found.failed == "items [12, 13]: not a picture"


def test_a_batch_that_cannot_be_split_says_by_what() -> None:
    assert items_per_batch(32, Numbers(), 2) == 16
    with pytest.raises(UsageError, match=r"images_per_batch = 30 cannot be split: it must be a multiple of 8"):
        items_per_batch(30, Numbers(), 4)


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_pixels_are_normalised_on_the_device_bit_for_bit(seed: int) -> None:
    """Two preprocessings that agree to three digits gave two scores for one picture."""
    rng = np.random.default_rng(seed)
    spec = ModelSpec("net", 7, tuple(rng.uniform(0.3, 0.6, 3)), tuple(rng.uniform(0.2, 0.5, 3)))
    crops = rng.integers(0, 256, (3, 7, 7, 3), dtype=np.uint8)
    found = InputTensor(spec)(torch.from_numpy(crops))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(found.numpy(), to_input(crops, spec))


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_workers_start_after_opencv_was_used() -> None:
    """A preview and then training in one process stood still: the forked worker waited for OpenCV's threads."""
    cv2.GaussianBlur(np.zeros((1500, 1500, 3), np.uint8), (0, 0), 3)
    before = cv2.getNumThreads()
    with forkable_opencv():
        worker = multiprocessing.get_context("fork").Process(target=one_thread, args=(0,), daemon=True)
        worker.start()
        worker.join(20)
        worker.kill()
    assert worker.exitcode == 0
    assert cv2.getNumThreads() == before


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_a_worker_of_a_run_that_is_gone_ends_at_once() -> None:
    """A run killed while it forked left a worker that waited for ever, and kept the terminal's pipe open."""
    worker = multiprocessing.get_context("fork").Process(target=start_worker, args=(os.getppid(), 0), daemon=True)
    worker.start()
    worker.join(20)
    worker.kill()
    assert worker.exitcode == 1
