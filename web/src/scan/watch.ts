/** A scan as it goes on: its events while it works, its envelope when it is over, again after a break. */

import { useEffect, useReducer } from "preact/hooks";
import { api, ApiError, type ScanEnvelope, type ScanStatus } from "../api";
import { next, type ScanEvent, type ScanState } from "./scan_state";

const AGAIN_MS = 1500;

export function useScan(id: string): [ScanState, (event: ScanEvent) => void] {
  const [state, tell] = useReducer<ScanState, ScanEvent>(next, { at: "loading" });
  useEffect(() => {
    let ended = false;
    let source: EventSource | null = null;
    let timer = 0;

    async function look(): Promise<void> {
      try {
        const scan = await api.scan(id);
        if (ended) return;
        tell({ type: "envelope", scan });
        if (scan.status === "queued" || scan.status === "running") follow();
      } catch (error) {
        if (ended) return;
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 0 || error.status >= 500) {
          tell({ type: "lost" });
          timer = window.setTimeout(look, AGAIN_MS);
        } else tell({ type: "refused", error });
      }
    }

    function follow(): void {
      source = new EventSource(`/v1/scans/${encodeURIComponent(id)}/events`);
      source.addEventListener("progress", (event) => {
        const now = JSON.parse(event.data) as { status: ScanStatus; stage: string | null; progress: number | null };
        tell({ type: "progress", ...now });
      });
      source.addEventListener("done", (event) => {
        source?.close();
        tell({ type: "envelope", scan: JSON.parse(event.data) as ScanEnvelope });
      });
      source.addEventListener("deleted", () => {
        source?.close();
        tell({ type: "deleted" });
      });
      source.onerror = () => {
        // The browser would try again by itself, but not after an answer with an error; looking serves both.
        source?.close();
        tell({ type: "lost" });
        timer = window.setTimeout(look, AGAIN_MS);
      };
    }

    void look();
    return () => {
      ended = true;
      source?.close();
      clearTimeout(timer);
    };
  }, [id]);
  return [state, tell];
}
