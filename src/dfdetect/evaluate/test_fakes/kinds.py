"""The test fakes by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dfdetect.evaluate.test_fakes.face import Face, Fake
from dfdetect.evaluate.test_fakes.face_swap import face_swap
from dfdetect.evaluate.test_fakes.poisson_swap import poisson_swap
from dfdetect.evaluate.test_fakes.pyramid_swap import pyramid_swap
from dfdetect.evaluate.test_fakes.reenact import reenact

FakeMaker = Callable[[Face, Face, np.random.Generator], Fake]  # target, donor or driver, randomness

KINDS: dict[str, FakeMaker] = {"t1": face_swap, "t2": poisson_swap, "t3": pyramid_swap, "t5": reenact}
METHODS = {"t1": "t1_mesh_swap", "t2": "t2_poisson_swap", "t3": "t3_pyramid_swap", "t5": "t5_reenact"}
