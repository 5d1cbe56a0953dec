"""Toy datasets: drawn people in the official layouts, for tests, for the docs and for trying without data.

One module a dataset with a function `make(toy)`; TOYS has one for every name in `data.readers.READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dfdetect.data.toy import (
    celeb_df,
    csv_list,
    dacon,
    deeperforensics,
    deepfake_eval,
    deepfake_timit,
    df40,
    dfdc,
    dfdc_preview,
    faceforensics,
    fakeavceleb,
    folders,
    gend,
    google_dfd,
    kodf,
    uadfv,
    wilddeepfake,
)
from dfdetect.data.toy.painter import Toy
from dfdetect.errors import DataError, unknown_name

TOYS: dict[str, Callable[[Toy], None]] = {
    "faceforensics": faceforensics.make,
    "gend": gend.make,
    "deeperforensics": deeperforensics.make,
    "df40": df40.make,
    "dfd": google_dfd.make,
    "celeb_df_v1": celeb_df.make_v1,
    "celeb_df_v2": celeb_df.make_v2,
    "celeb_df_pp": celeb_df.make_pp,
    "dfdc": dfdc.make,
    "dfdc_preview": dfdc_preview.make,
    "deepfake_timit": deepfake_timit.make,
    "uadfv": uadfv.make,
    "dacon": dacon.make,
    "kodf": kodf.make,
    "fakeavceleb": fakeavceleb.make,
    "wilddeepfake": wilddeepfake.make,
    "deepfake_eval": deepfake_eval.make,
    "list": csv_list.make,
    "folders": folders.make,
}  # those made of the same clips stand together: drawn once


def make_toy(name: str, root: Path, *, seed: int = 0) -> Toy:
    """Write one toy dataset into `root`, which must be empty or not there; returns it with the truth about its items.

    UsageError: no toy of that name. DataError: the folder holds something already.
    """
    if name not in TOYS:
        raise unknown_name("toy dataset", name, TOYS)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DataError(f"{root}: expected an empty folder or none; name another one")
    toy = Toy(root, seed)
    TOYS[name](toy)
    return toy
