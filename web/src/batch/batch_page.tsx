/** Several files in one table: which one needs a person first. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError, type FeedbackLabel, type ScanEnvelope } from "../api";
import { probability, size, whole } from "../format";
import { Problem } from "../problem";
import { goTo, linkTo } from "../router";
import { said, t } from "../strings";
import { VerdictMark } from "../verdict/verdict_card";
import { arranged, counted, nextSorting, outcomeOf, OUTCOMES, stepped, type Outcome, type SortKey, type Sorting } from "./rows";

const EVERY_MS = 1000;
const LABEL_OF_KEY: Record<string, FeedbackLabel> = { "1": "manipulated", "2": "not_manipulated", "3": "unsure" };
const COLUMNS: readonly [SortKey, "batch.file" | "batch.verdict" | "batch.probability" | "batch.bytes"][] = [
  ["filename", "batch.file"], ["outcome", "batch.verdict"], ["probability", "batch.probability"], ["bytes", "batch.bytes"],
];

export function BatchPage({ id }: { id: string }) {
  const [scans, setScans] = useState<ScanEnvelope[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [only, setOnly] = useState<ReadonlySet<Outcome>>(new Set());
  const [sorting, setSorting] = useState<Sorting>({ key: "order", descending: false });
  const [chosen, setChosen] = useState<string | null>(null);
  const table = useRef<HTMLTableElement>(null);

  useEffect(() => {
    let timer = 0;
    let ended = false;
    const look = async (): Promise<void> => {
      try {
        const all: ScanEnvelope[] = [];
        let cursor: string | null = null;
        do {
          const page = await api.batchScans(id, cursor);
          all.push(...page.items);
          cursor = page.next_cursor;
        } while (cursor !== null && !ended);
        if (ended) return;
        setScans(all);
        setError(null);
        if (all.length === 0 || all.some((scan) => outcomeOf(scan) === "waiting")) timer = window.setTimeout(look, EVERY_MS);
      } catch (failure) {
        if (ended) return;
        if (!(failure instanceof ApiError)) throw failure;
        setError(failure);
        if (failure.status === 0 || failure.status >= 500) timer = window.setTimeout(look, EVERY_MS);
      }
    };
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [id]);

  const isThere = scans !== null;
  useEffect(() => {
    if (isThere && document.activeElement === document.body) table.current?.focus({ preventScroll: true }); // its keys work at once
  }, [isThere]);
  const rows = arranged(scans ?? [], only, sorting);
  const label = async (scanId: string, word: FeedbackLabel): Promise<void> => {
    const changed = await api.feedback(scanId, word, null);
    setScans((all) => (all ?? []).map((one) => (one.id === scanId ? { ...one, feedback: changed.feedback, decision: changed.decision } : one)));
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const to = stepped(rows, chosen, step);
      setChosen(to);
      table.current?.querySelector(`[data-id="${to}"]`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && chosen !== null && event.target === table.current) goTo({ name: "scan", id: chosen });
    else if (LABEL_OF_KEY[event.key] !== undefined && chosen !== null) {
      label(chosen, LABEL_OF_KEY[event.key] as FeedbackLabel).catch((failure) => failure instanceof ApiError && setError(failure));
    }
  };
  if (scans === null && error === null) return <p class="soft" role="status">{t("app.loading")}</p>;
  const counts = counted(scans ?? []);
  const total = scans?.length ?? 0;
  return (
    <section class="card">
      <h1>{t("batch.title")}</h1>
      <p role="status">{t("batch.counts", { done: whole(total - (counts.get("waiting") ?? 0)), total: whole(total) })}</p>
      {error !== null && <Problem error={error} />}
      {total > 0 && (
        <>
          <Filter counts={counts} only={only} onOnly={setOnly} />
          <p><a class="button" href={api.batchCsvUrl(id)} download>{t("batch.csv")}</a> <span class="soft">{t("batch.keys")}</span></p>
          <div class="scroll">
            <table ref={table} tabIndex={0} onKeyDown={onKey} aria-label={t("batch.title")}>
              <thead>
                <tr>
                  {COLUMNS.map(([key, name]) => (
                    <th key={key} scope="col" class={key === "bytes" ? "wide-only" : ""} aria-sort={sorting.key === key ? (sorting.descending ? "descending" : "ascending") : "none"}>
                      <button type="button" class="bare" title={t("batch.sort", { column: t(name) })} onClick={() => setSorting((now) => nextSorting(now, key))}>
                        {t(name)}{sorting.key === key && <span aria-hidden="true"> {sorting.descending ? "↓" : "↑"}</span>}
                      </button>
                    </th>
                  ))}
                  <th scope="col">{t("batch.person")}</th>
                  <th scope="col" class="wide-only">{t("batch.decision")}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((scan) => (
                  <tr key={scan.id} data-id={scan.id} class={scan.id === chosen ? "chosen" : ""} aria-selected={scan.id === chosen} onClick={() => setChosen(scan.id)}>
                    <td class="long"><a href={linkTo({ name: "scan", id: scan.id })}>{scan.filename ?? scan.id}</a></td>
                    <td><VerdictMark outcome={outcomeOf(scan)} /></td>
                    <td class="number">{scan.probability === null ? "–" : probability(scan.probability)}</td>
                    <td class="number wide-only">{size(scan.bytes)}</td>
                    <td>{scan.feedback === null ? "–" : said("feedback", scan.feedback.label, scan.feedback.label)}</td>
                    <td class="wide-only">{scan.decision === null ? "–" : said("decision", scan.decision, scan.decision)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {rows.length === 0 && <p class="soft">{t("batch.none_shown")}</p>}
        </>
      )}
      {total === 0 && <p class="soft">{t("batch.empty")}</p>}
    </section>
  );
}

interface FilterProps {
  counts: Map<Outcome, number>;
  only: ReadonlySet<Outcome>;
  onOnly: (only: ReadonlySet<Outcome>) => void;
}

function Filter({ counts, only, onOnly }: FilterProps) {
  const toggled = (outcome: Outcome): ReadonlySet<Outcome> => {
    const now = new Set(only);
    if (!now.delete(outcome)) now.add(outcome);
    return now;
  };
  return (
    <p class="buttons" role="group" aria-label={t("batch.filter")}>
      <button type="button" aria-pressed={only.size === 0} onClick={() => onOnly(new Set())}>{t("batch.all")}</button>
      {OUTCOMES.filter((one) => counts.has(one)).map((one) => (
        <button key={one} type="button" aria-pressed={only.has(one)} onClick={() => onOnly(toggled(one))}>
          <VerdictMark outcome={one} /> {whole(counts.get(one) ?? 0)}
        </button>
      ))}
    </p>
  );
}
