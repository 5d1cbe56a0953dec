/** A track's scores as a line to draw. Pure. */

import type { TrackPart } from "../api";

export interface Series {
  x: number[];
  /** null breaks the line: no face was seen. */
  y: (number | null)[];
}

/** The frames of a track with a break in every gap. */
export function seriesOf(track: TrackPart): Series {
  const x: number[] = [];
  const y: (number | null)[] = [];
  let gap = 0;
  for (const frame of track.frames) {
    while (gap < track.gaps_s.length && (track.gaps_s[gap]?.[1] ?? 0) <= frame.time_s) {
      const [start, end] = track.gaps_s[gap] as [number, number];
      if (x.length > 0) {
        x.push((start + end) / 2);
        y.push(null);
      }
      gap += 1;
    }
    x.push(frame.time_s);
    y.push(frame.p_manipulated);
  }
  return { x, y };
}

/** The examined frame after (step 1) or before (step -1) a moment; the nearest end where there is none. */
export function stepped(track: TrackPart, time_s: number, step: number): number {
  const times = track.frames.map((frame) => frame.time_s);
  const later = step > 0 ? times.find((one) => one > time_s + 1e-6) : times.findLast((one) => one < time_s - 1e-6);
  return later ?? (step > 0 ? times.at(-1) : times[0]) ?? 0;
}
