/** What went wrong, in the reader's words, and a way on where there is one. */

import type { ApiError } from "./api";
import { said, t } from "./strings";

const SAME_AS: Record<string, string> = { gone: "not_found", disk_full: "no_space", store_away: "unreachable" };

export function problemText(error: ApiError): string {
  return said("error", SAME_AS[error.code] ?? error.code, t("error.other", { detail: error.detail || error.code }));
}

export function Problem({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <p class="problem" role="alert">
      <span aria-hidden="true">✕ </span>{problemText(error)}
      {retry !== undefined && <> <button type="button" onClick={retry}>{t("app.retry")}</button></>}
    </p>
  );
}
