"""Workers that a spawned process can import by name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from dfdetect.errors import ErrorCode, MediaError, ModelUnusable


def make_doubler() -> Callable[[object], object]:
    """Doubles numbers. "die" kills its process, "raise" raises, "refuse" is a media error, "slow" sleeps a little."""

    def work(item: object) -> object:
        if item == "die":
            os._exit(9)
        if item == "raise":
            raise ZeroDivisionError("nought")
        if item == "refuse":
            raise MediaError(ErrorCode.NO_VIDEO, "audio only", stage="probe")
        if item == "slow":
            time.sleep(0.3)
            return "slow"
        assert isinstance(item, int)
        return 2 * item

    return work


def make_pid() -> Callable[[object], int]:
    """Tells in which process it works."""
    return lambda _item: os.getpid()


def make_opencv_threads() -> Callable[[object], int]:
    """Tells how many threads OpenCV has in the process that works."""
    import cv2

    return lambda _item: cv2.getNumThreads()


def make_nothing() -> Callable[[object], object]:
    """Cannot start: there is no model."""
    raise ModelUnusable("no model 'x'")


def make_dead() -> Callable[[object], object]:
    """Dies before it can say that it is ready."""
    os._exit(7)
