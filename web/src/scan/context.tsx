/** What the file is, when it is deleted, and what was said of the same file before. */

import { useEffect, useState } from "preact/hooks";
import { api, type ScanEnvelope } from "../api";
import { outcomeOf } from "../batch/rows";
import { clock, moment, size, untilText, whole } from "../format";
import { linkTo } from "../router";
import { t } from "../strings";
import { VerdictMark } from "../verdict/verdict_card";

export function Context({ scan }: { scan: ScanEnvelope }) {
  const [earlier, setEarlier] = useState<ScanEnvelope[]>([]);
  useEffect(() => {
    if (!scan.sha256) return;
    api.scans({ sha256: scan.sha256, limit: 20 }).then(
      (page) => setEarlier(page.items.filter((one) => one.id !== scan.id)),
      () => undefined, // the file's own facts stand without it
    );
  }, [scan.id, scan.sha256]);
  const media = scan.result?.media ?? null;
  return (
    <section class="card" aria-labelledby="context">
      <h2 id="context">{t("context.title")}</h2>
      <dl>
        {scan.filename !== null && <><dt>{t("context.name")}</dt><dd class="long">{scan.filename}</dd></>}
        <dt>{t("context.size")}</dt><dd>{size(scan.bytes)}</dd>
        {media !== null && (
          <>
            <dt>{t("context.kind")}</dt>
            <dd>{t(media.kind === "video" ? "context.video" : "context.image")}, {t("context.pixels", { width: media.width_px, height: media.height_px })}</dd>
            {media.kind === "video" && (
              <>
                <dt>{t("context.length")}</dt><dd>{clock(media.duration_s, media.duration_s < 60)}</dd>
                <dt>{t("context.frames")}</dt>
                <dd>{t("context.frames_with_face", { read: whole(media.frames_read), faces: whole(media.frames_with_face) })}</dd>
              </>
            )}
            <dt>{t("context.codec")}</dt><dd>{media.container}{media.codec !== media.container && ` · ${media.codec}`}</dd>
          </>
        )}
        <dt>{t("context.sha256")}</dt><dd><code>{scan.sha256}</code></dd>
        <dt>{t("context.scanned")}</dt><dd>{moment(scan.completed_at ?? scan.created_at)}</dd>
        {scan.retention.result_expires_at !== null && <><dt>{t("context.expires")}</dt><dd>{retentionText(scan)}</dd></>}
        <dt>{t("context.credentials")}</dt><dd class="soft">{t("context.credentials_later")}</dd>
        <dt>{t("context.earlier")}</dt>
        <dd>
          {earlier.length === 0 ? <span class="soft">{t("context.no_earlier")}</span> : (
            <ul class="plain">
              {earlier.map((one) => (
                <li key={one.id}><a href={linkTo({ name: "scan", id: one.id })}>{moment(one.created_at)}</a> <VerdictMark outcome={outcomeOf(one)} /></li>
              ))}
            </ul>
          )}
        </dd>
      </dl>
    </section>
  );
}

function retentionText(scan: ScanEnvelope): string {
  const { media_kept, media_deletes_at, result_expires_at } = scan.retention;
  const result = result_expires_at === null ? "" : untilText(result_expires_at);
  if (media_kept && media_deletes_at !== null) return t("context.media_expires", { when: untilText(media_deletes_at), result });
  return t("context.media_gone", { result });
}
