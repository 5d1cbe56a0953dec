"""How every ONNX Runtime session on the CPU is set up: detector, mesh and scoring network alike."""

from __future__ import annotations

from typing import Any


def session_options(threads: int | None = None) -> Any:
    """An `onnxruntime.SessionOptions`. threads: of one network; None leaves ONNX Runtime's choice, one a core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # warnings are about speed; they would mix with the progress bar
    if threads is not None:
        options.intra_op_num_threads = threads
    # Threads that spin while they wait would take the core on which the next frame is being decoded.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
