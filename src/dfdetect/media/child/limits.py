"""What one decoding process may use. Each limit maps to one error code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """memory_bytes: address space of the child (out_of_memory). open_s: wall seconds until the file is understood, and
    for all frames of a still (timeout). video_s + 1 x its duration: for the frames of a video (timeout). cpu_factor:
    processor seconds for every wall second allowed (cpu_limit). open_files: descriptors.

    Only time in which the parent waits for the child counts, not what the parent does with a frame.
    """

    memory_bytes: int = 2 * 1024**3
    open_s: float = 10.0
    video_s: float = 30.0
    cpu_factor: float = 2.0
    open_files: int = 64

    def frames_s(self, *, is_video: bool, duration_s: float) -> float:
        """Wall seconds for the frames of one file."""
        return self.video_s + duration_s if is_video else self.open_s


DEFAULT_CHILD_LIMITS = ChildLimits()
