import { expect, test } from "vitest";
import type { ScanEnvelope } from "../api";
import { next, stepOf, type ScanState } from "./scan_state";

const envelope = (change: Partial<ScanEnvelope>): ScanEnvelope =>
  ({ id: "scn_1", status: "queued", stage: null, progress: null, ...change }) as ScanEnvelope;

const working: ScanState = next({ at: "loading" }, { type: "envelope", scan: envelope({}) });

test("a scan goes through its steps and is over", () => {
  const faces = next(working, { type: "progress", status: "running", stage: "faces", progress: 0.4 });
  expect(faces).toMatchObject({ at: "working", step: "faces", progress: 0.4 });
  expect(next(faces, { type: "envelope", scan: envelope({ status: "completed" }) }).at).toBe("over");
});

test("a server that is restarted puts the scan back into the queue, and the page follows", () => {
  const lost = next(working, { type: "lost" });
  expect(lost).toMatchObject({ lost: true });
  expect(next(lost, { type: "progress", status: "queued", stage: null, progress: null })).toMatchObject({ step: "queued", lost: false });
});

test("late progress does not take back an answer", () => {
  const over = next(working, { type: "envelope", scan: envelope({ status: "failed" }) });
  expect(next(over, { type: "progress", status: "running", stage: "faces", progress: 0.1 })).toBe(over);
  expect(next(over, { type: "lost" })).toBe(over);
});

test("a stage of a later version is shown as reading, not as an error", () => {
  expect(stepOf("running", "provenance")).toBe("read");
  expect(stepOf("queued", "faces")).toBe("queued");
});
