/** Earlier scans, newest first, with what is left of their time. */

import { useEffect, useState } from "preact/hooks";
import { api, ApiError, type ScanEnvelope, type ServiceShown } from "../api";
import { OUTCOMES, outcomeOf } from "../batch/rows";
import { moment, probability, span, untilText } from "../format";
import { Problem } from "../problem";
import { linkTo } from "../router";
import { said, t } from "../strings";
import { VerdictMark } from "../verdict/verdict_card";

const WAIT_MS = 250; // for the next letter
const VERDICTS = OUTCOMES.filter((one) => !["failed", "cancelled", "waiting"].includes(one));

const COLUMNS = ["batch.file", "batch.verdict", "batch.probability", "batch.decision", "history.when", "history.expires"] as const;
const WIDE: readonly string[] = ["batch.decision", "history.expires"]; // left out on a phone

export function HistoryPage({ service }: { service: ServiceShown }) {
  const [search, setSearch] = useState("");
  const [verdict, setVerdict] = useState("");
  const [scans, setScans] = useState<ScanEnvelope[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const failed = (failure: unknown): void => setError(failure instanceof ApiError ? failure : new ApiError(0, "unreachable", ""));

  useEffect(() => {
    let ended = false;
    const timer = setTimeout(() => {
      api.scans({ search: search.trim(), verdict }).then((page) => {
        if (ended) return;
        setScans(page.items);
        setCursor(page.next_cursor);
        setError(null);
      }, (failure) => ended || failed(failure));
    }, WAIT_MS);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [search, verdict]);
  const more = (): void => {
    api.scans({ search: search.trim(), verdict, cursor }).then((page) => {
      setScans((all) => [...(all ?? []), ...page.items]);
      setCursor(page.next_cursor);
    }, failed);
  };
  const asked = search.trim() !== "" || verdict !== "";
  return (
    <section class="card">
      <h1>{t("history.title")}</h1>
      <p class="soft">{t("history.kept", { span: span(service.keep_result_s) })}</p>
      <form class="inline" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>{t("history.search")}<input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} /></label>
        <label>{t("batch.verdict")}
          <select value={verdict} onChange={(event) => setVerdict(event.currentTarget.value)}>
            <option value="">{t("history.any")}</option>
            {VERDICTS.map((one) => <option key={one} value={one}>{t(`verdict.${one}`)}</option>)}
          </select>
        </label>
      </form>
      {error !== null && <Problem error={error} />}
      {scans !== null && scans.length === 0 && <p class="soft" role="status">{t(asked ? "history.none" : "history.empty")}</p>}
      {scans !== null && scans.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={t("history.title")}>
          <table>
            <thead>
              <tr>{COLUMNS.map((one) => <th key={one} scope="col" class={WIDE.includes(one) ? "wide-only" : ""}>{t(one)}</th>)}</tr>
            </thead>
            <tbody>
              {scans.map((scan) => (
                <tr key={scan.id}>
                  <td class="long"><a href={linkTo({ name: "scan", id: scan.id })}>{scan.filename ?? scan.id}</a></td>
                  <td><VerdictMark outcome={outcomeOf(scan)} /></td>
                  <td class="number">{scan.probability === null ? "–" : probability(scan.probability)}</td>
                  <td class="wide-only">{scan.decision === null ? "–" : said("decision", scan.decision, scan.decision)}</td>
                  <td>{moment(scan.created_at)}</td>
                  <td class="wide-only">{scan.retention.result_expires_at === null ? "–" : untilText(scan.retention.result_expires_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {cursor !== null && <p><button type="button" onClick={more}>{t("history.more")}</button></p>}
    </section>
  );
}
