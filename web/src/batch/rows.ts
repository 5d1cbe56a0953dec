/** Rows of the batch table: which are shown, in which order, and which one is next. Pure. */

import type { ScanEnvelope } from "../api";

/** What a row is filed under: its verdict, else how its scan ended, else that it is still under way. */
export type Outcome =
  | "likely_manipulated"
  | "inconclusive"
  | "no_manipulation_found"
  | "not_applicable"
  | "failed"
  | "cancelled"
  | "waiting";

/** In the order in which a person wants to look at them. */
export const OUTCOMES: readonly Outcome[] = [
  "likely_manipulated",
  "inconclusive",
  "no_manipulation_found",
  "not_applicable",
  "failed",
  "cancelled",
  "waiting",
];

export function outcomeOf(scan: ScanEnvelope): Outcome {
  if (scan.status === "queued" || scan.status === "running") return "waiting";
  if (scan.status === "failed") return "failed";
  if (scan.status !== "completed") return "cancelled";
  const known = OUTCOMES.find((one) => one === scan.verdict);
  return known ?? "inconclusive"; // a verdict of a later version: look at it
}

export type SortKey = "order" | "outcome" | "probability" | "filename" | "bytes";

export interface Sorting {
  key: SortKey;
  descending: boolean;
}

/** A click on a column: sorts by it, then the other way round, then as the files came. */
export function nextSorting(now: Sorting, key: SortKey): Sorting {
  if (now.key !== key) return { key, descending: key === "probability" || key === "bytes" };
  const first = key === "probability" || key === "bytes";
  return now.descending === first ? { key, descending: !first } : { key: "order", descending: false };
}

export function counted(scans: readonly ScanEnvelope[]): Map<Outcome, number> {
  const counts = new Map<Outcome, number>();
  for (const scan of scans) {
    const outcome = outcomeOf(scan);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return counts;
}

/** The rows that are shown. `only`: empty shows all. Rows without a probability come last, whichever way. */
export function arranged(
  scans: readonly ScanEnvelope[],
  only: ReadonlySet<Outcome>,
  sorting: Sorting,
): ScanEnvelope[] {
  const shown = scans.filter((scan) => only.size === 0 || only.has(outcomeOf(scan)));
  const sign = sorting.descending ? -1 : 1;
  const names = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const compare = (a: ScanEnvelope, b: ScanEnvelope): number => {
    switch (sorting.key) {
      case "order":
        return 0;
      case "filename":
        return sign * names.compare(a.filename ?? "", b.filename ?? "");
      case "bytes":
        return sign * (a.bytes - b.bytes);
      case "outcome":
        return sign * (OUTCOMES.indexOf(outcomeOf(a)) - OUTCOMES.indexOf(outcomeOf(b)));
      case "probability":
        if (a.probability === null || b.probability === null) {
          return Number(a.probability === null) - Number(b.probability === null);
        }
        return sign * (a.probability - b.probability);
    }
  };
  const byTime = (a: ScanEnvelope, b: ScanEnvelope): number =>
    a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id);
  return shown.sort((a, b) => compare(a, b) || byTime(a, b));
}

/** The row that is `step` rows on from the chosen one, held at the ends; the first where none is chosen. */
export function stepped(rows: readonly ScanEnvelope[], chosen: string | null, step: number): string | null {
  if (rows.length === 0) return null;
  const at = rows.findIndex((row) => row.id === chosen);
  const to = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
  return rows[to]?.id ?? null;
}
