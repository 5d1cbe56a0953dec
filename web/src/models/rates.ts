/** A model's operating points as rows of a table. Pure. */

import type { ModelShown, PointShown } from "../api";

export interface RateRow {
  kind: string;
  /** Scored faces of the file for which the point holds: "1", "2", "3+". */
  faces: string;
  point: PointShown;
}

export function ratesOf(model: ModelShown): RateRow[] {
  if (!model.calibrated) return [];
  return Object.entries(model.thresholds).flatMap(([kind, byFaces]) =>
    Object.entries(byFaces).map(([faces, point]) => ({ kind, faces, point })),
  );
}
