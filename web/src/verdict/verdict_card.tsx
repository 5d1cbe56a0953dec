/** The answer: word, icon and colour; how probable; why; what it cannot tell; by which model at which error rate. */

import type { ScanEnvelope } from "../api";
import { outcomeOf, type Outcome } from "../batch/rows";
import { percent, probability } from "../format";
import { said, t } from "../strings";

export const ICONS: Record<Outcome, string> = {
  likely_manipulated: "▲", inconclusive: "◆", no_manipulation_found: "●", not_applicable: "○",
  failed: "✕", cancelled: "■", waiting: "…",
};

export function VerdictMark({ outcome }: { outcome: Outcome }) {
  return (
    <span class={`mark-${outcome}`}>
      <span aria-hidden="true">{ICONS[outcome]} </span>{t(`verdict.${outcome}`)}
    </span>
  );
}

export function VerdictCard({ scan }: { scan: ScanEnvelope }) {
  const outcome = outcomeOf(scan);
  const result = scan.result;
  const help = outcome === "inconclusive" || outcome === "not_applicable" || outcome === "failed" ? outcome : null;
  return (
    <section class={`card verdict tone-${outcome}`} aria-labelledby="verdict">
      <h1 id="verdict" tabIndex={-1}><span aria-hidden="true">{ICONS[outcome]} </span>{t(`verdict.${outcome}`)}</h1>
      <Words scan={scan} />
      {result?.probability != null && <Scale scan={scan} />}
      <p class="lead">{outcome === "waiting" ? "" : t(`meaning.${outcome}`)}</p>
      {scan.error !== null && <Failure code={scan.error.code} message={scan.error.message} />}
      {result !== null && result.reasons.length > 0 && (
        <>
          <h2>{t("verdict.why")}</h2>
          <ul>{result.reasons.map((reason, n) => <li key={n}>{result.tracks.length > 1 && reason.track !== null && <>{t("player.face", { id: reason.track })}: </>}{reason.text}</li>)}</ul>
        </>
      )}
      {help !== null && <p>{t(`try.${help}`)}</p>}
      {result !== null && result.limits.length > 0 && (
        <>
          <h2>{t("verdict.limits")}</h2>
          <ul class="soft">{result.limits.map((limit, n) => <li key={n}>{limit.text}</li>)}</ul>
        </>
      )}
      {result?.probability != null && <p class="soft">{t("verdict.cannot_tell")}</p>}
      {result?.model && (
        <p class="soft">
          {t("verdict.model", { name: result.model.name, version: result.model.version })}
          {result.thresholds !== null && <> · {rateText(result.thresholds)}</>}
          {scan.decision !== null && <> · {t("verdict.decision", { decision: said("decision", scan.decision, scan.decision), by: scan.decided_by ?? "" })}</>}
        </p>
      )}
    </section>
  );
}

/** What goes above the model's answer: a person's word on this scan, and the list of known files. */
function Words({ scan }: { scan: ScanEnvelope }) {
  const { feedback, listed } = scan;
  return (
    <>
      {feedback !== null && (
        <p class="note">
          {t(disagrees(scan) ? "verdict.person" : "verdict.person_agrees", { label: said("feedback", feedback.label, feedback.label) })}
          <Quoted text={feedback.note} />
        </p>
      )}
      {listed !== null && (
        <p class="note">
          {t("verdict.listed", { decision: said("decision", listed.decision, listed.decision) })}
          <Quoted text={listed.reason} />
        </p>
      )}
    </>
  );
}

function Quoted({ text }: { text: string | null }) {
  return text === null ? null : <>{" – "}<q class="long">{text}</q></>;
}

/** Why there is no answer: in a reader's words, and what the program said for whoever must mend it. */
function Failure({ code, message }: { code: string; message: string }) {
  const meaning = said("failed", code, message);
  return (
    <>
      <p>{meaning}</p>
      {meaning !== message && <details class="soft"><summary>{t("failed.said")}</summary><p class="long"><code>{code}</code> {message}</p></details>}
    </>
  );
}

function disagrees(scan: ScanEnvelope): boolean {
  const label = scan.feedback?.label;
  return (label === "manipulated" && scan.verdict === "no_manipulation_found")
    || (label === "not_manipulated" && scan.verdict === "likely_manipulated");
}

function rateText(point: { likely_manipulated: number; measured_fpr: number | null; measured_on: string }): string {
  const threshold = t("verdict.threshold", { threshold: probability(point.likely_manipulated) });
  const rate = point.measured_fpr === null
    ? t("verdict.fpr_unknown")
    : t("verdict.fpr", { rate: percent(point.measured_fpr), on: point.measured_on });
  return `${threshold}; ${rate}`;
}

/** The probability on a line from 0 to 1 with its range and both thresholds. */
function Scale({ scan }: { scan: ScanEnvelope }) {
  const result = scan.result;
  if (result?.probability == null) return null;
  const { probability: p, interval, thresholds } = result;
  const x = (value: number): string => `${(100 * value).toFixed(2)}%`;
  const [low, high] = interval === null ? ["", ""] : [probability(interval[0]), probability(interval[1])];
  const range = low === high ? "" : ` (${t("verdict.range", { low, high })})`;
  return (
    <figure class="scale">
      <figcaption>{t("verdict.probability")} <strong>{probability(p)}</strong>{range}</figcaption>
      <svg width="100%" height="34" role="img" aria-label={`${t("verdict.probability")} ${probability(p)}${range}`}>
        <rect class="track" x="0" y="10" width="100%" height="8" rx="4" />
        {interval !== null && <rect class="range" x={x(interval[0])} y="10" width={x(Math.max(0.004, interval[1] - interval[0]))} height="8" />}
        {thresholds !== null && [thresholds.no_manipulation_found, thresholds.likely_manipulated].map((at) => (
          <g key={at}>
            <line class="level" x1={x(at)} x2={x(at)} y1="5" y2="23" />
            <text x={x(at)} y="33" text-anchor="middle">{probability(at)}</text>
          </g>
        ))}
        <circle class="now" cx={x(p)} cy="14" r="7" />
      </svg>
    </figure>
  );
}
