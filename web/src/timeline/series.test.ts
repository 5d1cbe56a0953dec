import { expect, test } from "vitest";
import type { FramePart, TrackPart } from "../api";
import { rangeOf, seriesOf, stepped } from "./series";

const track = (times: number[], gaps_s: [number, number][]): TrackPart => ({
  id: 1, verdict: "inconclusive", probability: null, first_s: times[0]!, last_s: times.at(-1)!, gaps_s,
  frames: times.map((time_s) => ({ time_s, p_manipulated: time_s / 10 }) as FramePart),
});

test("a gap breaks the line once", () => {
  const { x, y } = seriesOf(track([0, 1, 5, 6], [[1, 5]]));
  expect(x).toEqual([0, 1, 3, 5, 6]);
  expect(y).toEqual([0, 0.1, null, 0.5, 0.6]);
});

test("keys step over the examined frames and stop at the ends", () => {
  const one = track([0, 1, 5], []);
  expect([stepped(one, 0, 1), stepped(one, 0.4, 1), stepped(one, 5, 1), stepped(one, 0, -1), stepped(one, 5, -1)]).toEqual([1, 1, 5, 0, 1]);
});

test("the range of ten thousand scores, and of none", () => {
  expect(rangeOf(track(Array.from({ length: 10_000 }, (_, n) => n / 1_000), []))).toEqual([0, 0.9999]);
  expect(rangeOf({ ...track([0], []), frames: [] })).toEqual([0, 0]);
});
