/** A track's scores as a line to draw. Pure. */

import type { TrackPart } from "../api";
import { nearestIndex } from "../player/boxes";

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

/** Lowest and highest score of a track; 0 and 0 where it has none. */
export function rangeOf(track: TrackPart): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const { p_manipulated: p } of track.frames) {
    low = Math.min(low, p);
    high = Math.max(high, p);
  }
  return track.frames.length === 0 ? [0, 0] : [low, high];
}

/** The examined frame after (step 1) or before (step -1) a moment; the nearest end where there is none. */
export function stepped(track: TrackPart, time_s: number, step: number): number {
  const { frames } = track;
  if (frames.length === 0) return 0;
  let at = nearestIndex(frames, time_s);
  if (step > 0) while (at < frames.length - 1 && frames[at]!.time_s <= time_s + 1e-6) at += 1;
  else while (at > 0 && frames[at]!.time_s >= time_s - 1e-6) at -= 1;
  return frames[at]!.time_s;
}
