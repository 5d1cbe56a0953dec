/** What a scan's page knows, and how each event changes it. Pure. */

import type { ApiError, ScanEnvelope, ScanStatus } from "../api";

export type StepName = "queued" | "read" | "faces" | "score" | "explain";
export const STEPS: readonly StepName[] = ["queued", "read", "faces", "score", "explain"];

export type ScanState =
  | { at: "loading" }
  | { at: "working"; scan: ScanEnvelope; step: StepName; progress: number | null; lost: boolean }
  | { at: "over"; scan: ScanEnvelope }
  | { at: "deleted" }
  | { at: "refused"; error: ApiError };

export type ScanEvent =
  | { type: "envelope"; scan: ScanEnvelope }
  | { type: "progress"; status: ScanStatus; stage: string | null; progress: number | null }
  | { type: "lost" }
  | { type: "deleted" }
  | { type: "refused"; error: ApiError };

const STEP_OF_STAGE: Record<string, StepName> = {
  open: "read", probe: "read", decode: "read", read: "read",
  faces: "faces", track: "faces", score: "score", decide: "score", write: "explain", explain: "explain",
};

export function isOver(status: string): boolean {
  return status !== "queued" && status !== "running";
}

export function stepOf(status: ScanStatus, stage: string | null): StepName {
  if (status === "queued") return "queued";
  return STEP_OF_STAGE[stage ?? "open"] ?? "read";
}

export function next(state: ScanState, event: ScanEvent): ScanState {
  switch (event.type) {
    case "envelope":
      if (isOver(event.scan.status)) return { at: "over", scan: event.scan };
      return {
        at: "working", scan: event.scan, lost: false,
        step: stepOf(event.scan.status, event.scan.stage), progress: event.scan.progress,
      };
    case "progress": {
      if (state.at !== "working") return state; // the answer came by another way already
      const step = stepOf(event.status, event.stage);
      return { ...state, step, progress: event.progress, lost: false };
    }
    case "lost":
      return state.at === "working" ? { ...state, lost: true } : state;
    case "deleted":
      return { at: "deleted" };
    case "refused":
      return { at: "refused", error: event.error };
  }
}
