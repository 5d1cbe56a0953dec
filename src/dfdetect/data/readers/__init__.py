"""Datasets as downloaded -> samples: one layout a file, and the dict of them by name."""

from __future__ import annotations

from dfdetect.data.readers import (
    celeb_df_pp,
    celeb_df_v1,
    celeb_df_v2,
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
from dfdetect.data.readers.reader import DatasetReader

_MODULES = (
    *(faceforensics, google_dfd, celeb_df_v1, celeb_df_v2, celeb_df_pp, dfdc, dfdc_preview),
    *(gend, deeperforensics, df40, deepfake_timit, uadfv, dacon, kodf, fakeavceleb, wilddeepfake),
    *(deepfake_eval, csv_list),
    folders,  # the last: it knows no dataset
)

READERS: dict[str, DatasetReader] = {module.READER.name: module.READER for module in _MODULES}
