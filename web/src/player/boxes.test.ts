import { expect, test } from "vitest";
import type { FramePart, TrackPart } from "../api";
import { boxesAt, nearestIndex } from "./boxes";

const frame = (time_s: number, x: number): FramePart =>
  ({ index: Math.round(time_s * 10), time_s, box_xyxy: [x, 0, x + 10, 10], p_manipulated: 0.5 }) as FramePart;
const track = (frames: FramePart[], gaps_s: [number, number][] = []): TrackPart =>
  ({ id: 1, verdict: "inconclusive", probability: 0.5, first_s: frames[0]!.time_s, last_s: frames.at(-1)!.time_s, gaps_s, frames });

test("the nearest examined frame is found, at the ends too", () => {
  const frames = [frame(0, 0), frame(1, 10), frame(2, 20)];
  expect([-5, 0.4, 0.6, 1.5, 99].map((at) => nearestIndex(frames, at))).toEqual([0, 0, 1, 1, 2]);
});

test("a box between two examined frames lies between theirs", () => {
  const boxes = boxesAt([track([frame(0, 0), frame(1, 10)])], 0.25);
  expect(boxes[0]?.box_xyxy[0]).toBeCloseTo(2.5);
  expect(boxesAt([track([frame(0, 0), frame(1, 10)])], 0.75)[0]?.box_xyxy[0]).toBeCloseTo(7.5);
});

test("no box where no face was seen", () => {
  const one = track([frame(0, 0), frame(4, 40)], [[0.5, 3.5]]);
  expect(boxesAt([one], 2)).toEqual([]);
  expect(boxesAt([one], 9)).toEqual([]);
  expect(boxesAt([one], 4.1)).toHaveLength(1);
});
