/** A picture with its faces marked, to look at closely. */

import { useState } from "preact/hooks";
import { t } from "../strings";

const MOST_ZOOM = 8;

interface Props {
  src: string;
  overlay: preact.JSX.Element;
  layers: preact.JSX.Element;
  onError: () => void;
}

export function Still({ src, overlay, layers, onError }: Props) {
  const [zoom, setZoom] = useState(1);
  const by = (factor: number) => setZoom((now) => Math.min(MOST_ZOOM, Math.max(1, now * factor)));
  const onKey = (event: KeyboardEvent): void => {
    const actions: Record<string, () => void> = { "+": () => by(1.5), "=": () => by(1.5), "-": () => by(1 / 1.5), "0": () => setZoom(1) };
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    action();
  };
  return (
    <div onKeyDown={onKey}>
      <div class="zoomed" tabIndex={0} role="group" aria-label={t("player.label")}>
        <div class="stage" style={{ width: `${100 * zoom}%` }}>
          <img src={src} alt={t("player.label")} onError={onError} />
          {overlay}
        </div>
      </div>
      <div class="controls">
        <button type="button" onClick={() => by(1 / 1.5)} disabled={zoom === 1} aria-label={t("player.zoom_out")}>−</button>
        <button type="button" onClick={() => by(1.5)} disabled={zoom === MOST_ZOOM} aria-label={t("player.zoom_in")}>+</button>
        <button type="button" onClick={() => setZoom(1)} disabled={zoom === 1}>{t("player.zoom_fit")}</button>
        {layers}
      </div>
    </div>
  );
}
