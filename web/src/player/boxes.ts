/** Which faces are where at a moment, from the frames that were examined. Pure. */

import type { FramePart, TrackPart } from "../api";

export interface ShownBox {
  track: TrackPart;
  box_xyxy: [number, number, number, number];
  p: number;
  /** The examined frame that is nearest. */
  nearest: FramePart;
}

/** The index of the frame whose time is nearest. frames: in time order, one at least. */
export function nearestIndex(frames: readonly { time_s: number }[], time_s: number): number {
  let low = 0;
  let high = frames.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((frames[middle]?.time_s ?? 0) < time_s) low = middle + 1;
    else high = middle;
  }
  const before = frames[low - 1];
  const here = frames[low];
  if (before !== undefined && here !== undefined && time_s - before.time_s <= here.time_s - time_s) return low - 1;
  return low;
}

function inGap(track: TrackPart, time_s: number): boolean {
  return track.gaps_s.some(([start, end]) => time_s > start && time_s < end);
}

/** Boxes between two examined frames are drawn on the straight line between theirs. slack_s: shown so long beyond the ends. */
export function boxesAt(tracks: readonly TrackPart[], time_s: number, slack_s = 0.25): ShownBox[] {
  const shown: ShownBox[] = [];
  for (const track of tracks) {
    if (track.frames.length === 0 || time_s < track.first_s - slack_s || time_s > track.last_s + slack_s) continue;
    if (inGap(track, time_s)) continue;
    const at = nearestIndex(track.frames, time_s);
    const nearest = track.frames[at];
    if (nearest === undefined) continue;
    const other = track.frames[nearest.time_s <= time_s ? at + 1 : at - 1];
    const span = other === undefined ? 0 : other.time_s - nearest.time_s;
    const part = other === undefined || span === 0 ? 0 : Math.min(1, Math.max(0, (time_s - nearest.time_s) / span));
    const mixed = nearest.box_xyxy.map((value, n) => value + part * ((other?.box_xyxy[n] ?? value) - value));
    shown.push({ track, box_xyxy: mixed as ShownBox["box_xyxy"], p: nearest.p_manipulated, nearest });
  }
  return shown;
}
