/** An answer that was there before its file was sent, and the way to a new one. */

import { useState } from "preact/hooks";
import { ApiError, type ScanEnvelope, type ServiceShown } from "../api";
import { moment } from "../format";
import { Problem } from "../problem";
import { goTo } from "../router";
import { t } from "../strings";
import { isEarlierAnswer, ownFile, rememberFile, send } from "../upload/send";

/** Of a file that had been examined before it was sent: said, since its owner may expect a new look. */
export function Earlier({ scan, service }: { scan: ScanEnvelope; service: ServiceShown }) {
  const [error, setError] = useState<ApiError | null>(null);
  const file = ownFile(scan.id);
  if (file === null || !isEarlierAnswer(scan.id)) return null;
  const again = async (): Promise<void> => {
    try {
      const made = await send(file, null, service.may_choose_retention, () => undefined, true).done;
      rememberFile(made.id, file);
      goTo({ name: "scan", id: made.id });
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      setError(failure);
    }
  };
  return (
    <section class="card">
      <p>{t("earlier.note", { when: moment(scan.created_at) })} <button type="button" class="small" onClick={() => void again()}>{t("earlier.again")}</button></p>
      {error !== null && <Problem error={error} />}
    </section>
  );
}
