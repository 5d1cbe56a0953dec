/** How far a scan is. */

import { t } from "../strings";
import { STEPS, type StepName } from "./scan_state";

interface Props {
  step: StepName;
  progress: number | null;
  lost: boolean;
}

export function Stages({ step, progress, lost }: Props) {
  const at = STEPS.indexOf(step);
  return (
    <div class="stages">
      <ol aria-live="polite">
        {STEPS.map((name, n) => {
          const state = n < at ? "done" : n === at ? "now" : "later";
          return (
            <li key={name} class={state} aria-current={state === "now" ? "step" : undefined}>
              <span class="mark" aria-hidden="true">{state === "done" ? "✓" : state === "now" ? "●" : "○"}</span>
              {t(`stage.${name}`)}
              <span class="only-read"> ({t(`stage.${state}`)})</span>
            </li>
          );
        })}
      </ol>
      {progress !== null && step !== "queued" && <progress max={1} value={progress} aria-label={t(`stage.${step}`)} />}
      {lost && <p class="note" role="status"><span aria-hidden="true">◆</span> {t("stage.lost")}</p>}
      <p class="soft">{t("stage.safe")}</p>
    </div>
  );
}
