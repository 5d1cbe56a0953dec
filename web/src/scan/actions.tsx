/** What one can do with an answer: take it along, disagree, examine again, delete. */

import { useEffect, useState } from "preact/hooks";
import { api, ApiError, type FeedbackLabel, type ModelShown, type ScanEnvelope, type ServiceShown } from "../api";
import { outcomeOf } from "../batch/rows";
import { moment, probability } from "../format";
import { Problem } from "../problem";
import { goTo, linkTo } from "../router";
import { t } from "../strings";
import { forgetFile } from "../upload/send";

const LABELS: readonly FeedbackLabel[] = ["manipulated", "not_manipulated", "unsure"];

interface Props {
  scan: ScanEnvelope;
  service: ServiceShown;
  onChange: (scan: ScanEnvelope) => void;
  onDeleted: () => void;
}

export function Actions({ scan, service, onChange, onDeleted }: Props) {
  const [open, setOpen] = useState<"feedback" | "delete" | "rescan" | null>(null);
  const [said, setSaid] = useState("");
  const [copied, setCopied] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const may = (scope: string): boolean => service.scopes.includes(scope);
  const links = scan.links;

  async function run(work: () => Promise<void>): Promise<void> {
    setError(null);
    try {
      await work();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      setError(failure);
    }
  }
  async function copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      setCopied("");
      setSaid(t("action.copied"));
    } catch {
      setCopied(text);
      setSaid(t("action.not_copied"));
    }
  }
  const toggle = (part: "feedback" | "delete" | "rescan") => setOpen((now) => (now === part ? null : part));
  return (
    <section class="card" aria-labelledby="actions">
      <h2 id="actions">{t("action.title")}</h2>
      <p class="buttons">
        {links["report_html"] !== undefined && <a class="button" href={links["report_html"]} target="_blank" rel="noreferrer">{t("action.report")}</a>}
        {service.pdf && links["report_html"] !== undefined && <a class="button" href={links["report_html"].replace(/html$/, "pdf")} target="_blank" rel="noreferrer">{t("action.pdf")}</a>}
        {links["report_json"] !== undefined && <a class="button" href={links["report_json"]} download={`${scan.id}.json`}>{t("action.json")}</a>}
        {scan.result?.verdict && <button type="button" onClick={() => void copy(citation(scan))}>{t("action.cite")}</button>}
        <button type="button" onClick={() => void copy(curl(scan))}>{t("action.curl")}</button>
      </p>
      <p class="buttons">
        {may("scan") && scan.result !== null && <button type="button" aria-expanded={open === "feedback"} onClick={() => toggle("feedback")}>{t("action.disagree")}</button>}
        {may("scan") && <button type="button" aria-expanded={open === "rescan"} onClick={() => toggle("rescan")}>{t("action.rescan")}</button>}
        {may("scan") && <button type="button" class="danger" aria-expanded={open === "delete"} onClick={() => toggle("delete")}>{t("action.delete")}</button>}
        <a class="button" href={linkTo({ name: "start" })}>{t("action.another")}</a>
      </p>
      <p role="status" class="soft">{said}</p>
      {copied !== "" && <textarea readOnly rows={3} class="wide" aria-label={t("action.not_copied")} value={copied} />}
      {error !== null && <Problem error={error} />}
      {open === "feedback" && (
        <Feedback onSend={(label, note) => run(async () => {
          onChange(await api.feedback(scan.id, label, note));
          setOpen(null);
          setSaid(t("feedback.saved"));
        })} />
      )}
      {open === "rescan" && <Rescan scan={scan} onGo={(model) => run(async () => goTo({ name: "scan", id: (await api.rescan(scan.id, model)).id }))} />}
      {open === "delete" && (
        <div class="note" role="alertdialog" aria-label={t("action.delete_sure")}>
          <p>{t("action.delete_sure")}</p>
          <p class="buttons">
            <button type="button" class="danger" onClick={() => void run(async () => {
              await api.remove(scan.id);
              forgetFile(scan.id);
              onDeleted();
            })}>{t("action.delete_yes")}</button>
            <button type="button" onClick={() => setOpen(null)}>{t("action.delete_no")}</button>
          </p>
        </div>
      )}
    </section>
  );
}

function Feedback({ onSend }: { onSend: (label: FeedbackLabel, note: string | null) => Promise<void> }) {
  const [label, setLabel] = useState<FeedbackLabel>("unsure");
  const [note, setNote] = useState("");
  return (
    <form class="inline" onSubmit={(event) => { event.preventDefault(); void onSend(label, note.trim() || null); }}>
      <fieldset>
        <legend>{t("feedback.title")}</legend>
        {LABELS.map((one) => (
          <label class="tick" key={one}><input type="radio" name="label" checked={label === one} onChange={() => setLabel(one)} />{t(`feedback.${one}`)}</label>
        ))}
      </fieldset>
      <label>{t("feedback.note")}<textarea rows={2} maxLength={2000} value={note} onInput={(event) => setNote(event.currentTarget.value)} /></label>
      <button type="submit" class="main">{t("feedback.send")}</button>
    </form>
  );
}

function Rescan({ scan, onGo }: { scan: ScanEnvelope; onGo: (model: string) => Promise<void> }) {
  const [models, setModels] = useState<ModelShown[]>([]);
  const [model, setModel] = useState("");
  useEffect(() => {
    api.models().then((all) => {
      setModels(all);
      setModel(all.find((one) => one.name !== scan.model)?.name ?? all[0]?.name ?? "");
    }, () => undefined);
  }, []);
  if (!scan.retention.media_kept) return <p class="note">{t("action.rescan_gone")}</p>;
  if (models.length < 2) return <p class="note">{t("action.only_model")}</p>;
  return (
    <form class="inline" onSubmit={(event) => { event.preventDefault(); void onGo(model); }}>
      <label>{t("action.rescan")}
        <select value={model} onChange={(event) => setModel(event.currentTarget.value)}>
          {models.map((one) => <option key={one.name} value={one.name}>{one.name} {one.version}</option>)}
        </select>
      </label>
      <button type="submit" class="main">{t("action.rescan_go")}</button>
    </form>
  );
}

export function citation(scan: ScanEnvelope): string {
  const result = scan.result;
  return t("action.citation", {
    version: result?.dfdetect ?? "",
    model: result?.model ? `${result.model.name} ${result.model.version}` : scan.model,
    verdict: t(`verdict.${outcomeOf(scan)}`),
    p: result?.probability == null ? "–" : probability(result.probability),
    sha256: scan.sha256,
    when: moment(scan.completed_at ?? scan.created_at, true),
  });
}

/** The call that asks for the same, to be run in a shell: the name of a file is anybody's, so it is quoted as one word. */
export function curl(scan: ScanEnvelope): string {
  const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const options = new URLSearchParams({ model: scan.model, policy: scan.policy });
  const address = word(`${location.origin}/v1/scans?${options}`);
  return `curl -H "Authorization: Bearer $DFDETECT_KEY" -H 'Prefer: wait=30' --data-binary ${word(`@${scan.filename ?? "FILE"}`)} -H 'Content-Type: application/octet-stream' ${address}`;
}
