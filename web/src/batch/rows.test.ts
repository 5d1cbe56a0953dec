import { describe, expect, it } from "vitest";
import type { ScanEnvelope } from "../api";
import { arranged, counted, nextSorting, outcomeOf, stepped } from "./rows";

function scan(id: string, more: Partial<ScanEnvelope>): ScanEnvelope {
  return {
    id, status: "completed", verdict: null, probability: null, filename: `${id}.png`, bytes: 1,
    created_at: `2026-11-25T00:00:0${id}.000+00:00`, ...more,
  } as ScanEnvelope;
}

const ROWS = [
  scan("1", { verdict: "no_manipulation_found", probability: 0.1, filename: "b10.png", bytes: 30 }),
  scan("2", { verdict: "likely_manipulated", probability: 0.97, filename: "b9.png", bytes: 10 }),
  scan("3", { verdict: "not_applicable", filename: "A.png", bytes: 20 }),
  scan("4", { status: "failed" }),
  scan("5", { status: "running" }),
  scan("6", { verdict: "likely_manipulated", probability: 0.91, filename: null }),
];
const ids = (rows: ScanEnvelope[]) => rows.map((row) => row.id).join("");

describe("outcomeOf", () => {
  it("files a row under its verdict, or how it ended", () => {
    expect(ROWS.map(outcomeOf)).toEqual([
      "no_manipulation_found", "likely_manipulated", "not_applicable", "failed", "waiting", "likely_manipulated",
    ]);
    expect(outcomeOf(scan("7", { status: "expired" }))).toBe("cancelled");
    expect(outcomeOf(scan("8", { verdict: "of a later version" }))).toBe("inconclusive");
  });
  it("counts", () => {
    expect(counted(ROWS).get("likely_manipulated")).toBe(2);
    expect(counted([]).size).toBe(0);
  });
});

describe("arranged", () => {
  it("keeps the order in which files came until a column is chosen", () => {
    expect(ids(arranged([...ROWS].reverse(), new Set(), { key: "order", descending: false }))).toBe("123456");
  });
  it("puts rows without a probability last in both directions", () => {
    expect(ids(arranged(ROWS, new Set(), { key: "probability", descending: true }))).toBe("261345");
    expect(ids(arranged(ROWS, new Set(), { key: "probability", descending: false }))).toBe("162345");
  });
  it("sorts names as people do", () => {
    const named = arranged(ROWS, new Set(["no_manipulation_found", "likely_manipulated", "not_applicable"]), {
      key: "filename", descending: false,
    });
    expect(ids(named)).toBe("6321");
  });
  it("filters by several outcomes", () => {
    const only = new Set(["failed", "waiting"] as const);
    expect(ids(arranged(ROWS, only, { key: "bytes", descending: true }))).toBe("45");
  });
});

describe("nextSorting", () => {
  it("goes round: the useful way first, then the other, then none", () => {
    const first = nextSorting({ key: "order", descending: false }, "probability");
    const second = nextSorting(first, "probability");
    expect([first, second, nextSorting(second, "probability")]).toEqual([
      { key: "probability", descending: true },
      { key: "probability", descending: false },
      { key: "order", descending: false },
    ]);
    expect(nextSorting(first, "filename")).toEqual({ key: "filename", descending: false });
  });
});

describe("stepped", () => {
  it("stays within the rows", () => {
    expect(stepped(ROWS, null, 1)).toBe("1");
    expect(stepped(ROWS, "2", 1)).toBe("3");
    expect(stepped(ROWS, "6", 1)).toBe("6");
    expect(stepped(ROWS, "1", -1)).toBe("1");
    expect(stepped(ROWS, "gone", -1)).toBe("1");
    expect(stepped([], "1", 1)).toBeNull();
  });
});
