/** Where files come in: dropped, chosen, pasted, or one of our samples. What is limited and kept is said before. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError, type SampleShown, type ServiceShown } from "../api";
import { size, span, whole } from "../format";
import { preferences } from "../preferences";
import { goTo } from "../router";
import { Problem } from "../problem";
import { t } from "../strings";
import { filesOf, rememberFile, send, type Sending } from "./send";

interface Under {
  name: string;
  sent: number;
  total: number;
  n: number;
  of: number;
}

const SHOWN = 5;
const CLOCKS_MS = 60_000; // by which the clocks of browser and service may differ

export function DropZone({ service }: { service: ServiceShown }) {
  const [under, setUnder] = useState<Under | null>(null);
  const [error, setError] = useState<ApiError | string | null>(null);
  const [left, setLeft] = useState<File[]>([]); // of a choice with files that are too large: the others
  const [over, setOver] = useState(false);
  const [samples, setSamples] = useState<SampleShown[]>([]);
  const sending = useRef<Sending | null>(null);
  const stopped = useRef(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);

  async function take(chosen: File[]): Promise<void> {
    if (sending.current !== null) return;
    setError(null);
    setLeft([]);
    if (chosen.length === 0) return setError(t("drop.empty"));
    const large = chosen.filter((file) => file.size > service.max_upload_bytes);
    if (large.length > 0) {
      setLeft(chosen.filter((file) => !large.includes(file)));
      return setError(t("upload.too_large", { names: tooLarge(large), most: size(service.max_upload_bytes) }));
    }
    stopped.current = false;
    try {
      const many = chosen.length > 1 && !service.visitor;
      const batch = many ? (await api.createBatch()).id : null;
      const began_ms = Date.now();
      let last = "";
      for (const [at, file] of chosen.entries()) {
        if (stopped.current) break;
        const shown = { name: file.name, total: file.size, n: at + 1, of: chosen.length };
        setUnder({ ...shown, sent: 0 });
        sending.current = send(file, batch, service.may_choose_retention, (sent) => setUnder({ ...shown, sent }));
        const scan = await sending.current.done;
        rememberFile(scan.id, file, Date.parse(scan.created_at) < began_ms - CLOCKS_MS);
        last = scan.id;
      }
      if (batch !== null) await api.closeBatch(batch);
      goTo(batch !== null ? { name: "batch", id: batch } : { name: "scan", id: last });
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      if (failure.code !== "cancelled") setError(failure);
    } finally {
      sending.current = null;
      setUnder(null);
    }
  }

  useEffect(() => {
    api.samples().then(setSamples, () => undefined); // without samples one still has files
    const paste = (event: ClipboardEvent) => {
      const pasted = [...(event.clipboardData?.files ?? [])];
      if (pasted.length > 0) void take(pasted);
    };
    // A file that misses the zone would else replace the page.
    const quiet = (event: DragEvent) => event.preventDefault();
    addEventListener("paste", paste);
    addEventListener("dragover", quiet);
    addEventListener("drop", quiet);
    return () => {
      removeEventListener("paste", paste);
      removeEventListener("dragover", quiet);
      removeEventListener("drop", quiet);
      stopped.current = true;
      sending.current?.cancel();
    };
  }, []);

  async function trySample(sample: SampleShown): Promise<void> {
    try {
      const blob = await (await fetch(sample.url)).blob();
      await take([new File([blob], sample.name, { type: sample.media_type })]);
    } catch {
      setError(new ApiError(0, "unreachable", ""));
    }
  }

  if (under !== null) {
    const title = under.of > 1
      ? t("upload.batch", { n: whole(under.n), total: whole(under.of), name: under.name })
      : t("upload.title", { name: under.name });
    return (
      <section class="card upload" aria-live="polite">
        <h1 class="long">{title}</h1>
        <progress max={Math.max(1, under.total)} value={under.sent} aria-label={title} />
        <p class="soft">{t("upload.part", { sent: size(under.sent), total: size(under.total) })}</p>
        <button type="button" onClick={() => { stopped.current = true; sending.current?.cancel(); }}>{t("upload.cancel")}</button>
      </section>
    );
  }
  return (
    <>
      <section
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          if (event.dataTransfer !== null) void filesOf(event.dataTransfer.items).then(take);
        }}
      >
        <h1>{t("drop.title")}</h1>
        <p class="lead">{over ? t("drop.over") : t("drop.lead")}</p>
        <p class="buttons">
          <button type="button" class="main" onClick={() => files.current?.click()}>{t("drop.choose")}</button>
          <button type="button" onClick={() => folder.current?.click()}>{t("drop.folder")}</button>
        </p>
        <input ref={files} type="file" multiple hidden accept="image/*,video/*" aria-label={t("drop.choose")}
          onChange={(event) => void take([...(event.currentTarget.files ?? [])])} />
        <input ref={folder} type="file" hidden aria-label={t("drop.folder")} {...{ webkitdirectory: true }}
          onChange={(event) => void take([...(event.currentTarget.files ?? [])].filter((one) => !one.name.startsWith(".")))} />
        <p class="soft">{t("drop.limits", { size: size(service.max_upload_bytes), length: span(service.most_duration_s) })}{" "}
          {service.on_this_computer ? t("drop.local") : t("drop.remote", { host: location.host })}</p>
        <p class="soft">{keptText(service)}</p>
      </section>
      {error !== null && (typeof error === "string" ? <p class="problem" role="alert">{error}</p> : <Problem error={error} />)}
      {left.length > 0 && <p><button type="button" class="main" onClick={() => void take(left)}>{t("upload.go_on", { n: whole(left.length) })}</button></p>}
      {samples.length > 0 && (
        <section class="samples">
          <h2>{t("drop.samples")}</h2>
          <ul class="plain">
            {samples.map((sample) => (
              <li key={sample.name}>
                <button type="button" onClick={() => void trySample(sample)}>{sample.title}</button>
                <span class="soft">{sample.about}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p class="soft">{t("drop.nothing_else")}</p>
      {service.experimental && <p class="note"><span aria-hidden="true">◆</span> {t("app.experimental")}</p>}
    </>
  );
}

/** Their names with their sizes; of very many the first. */
function tooLarge(files: readonly File[]): string {
  const shown = files.slice(0, SHOWN).map((file) => `${file.name} (${size(file.size)})`);
  return shown.join(", ") + (files.length > SHOWN ? ", …" : "");
}

function keptText(service: ServiceShown): string {
  const chosen = service.may_choose_retention ? preferences().keepMediaS : null;
  const kept = chosen ?? service.keep_media_s;
  const result = span(service.keep_result_s);
  return kept > 0 ? t("drop.kept", { span: span(kept), result }) : t("drop.not_kept", { result });
}
