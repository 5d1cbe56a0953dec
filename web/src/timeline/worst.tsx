/** The faces that weighed most, with their evidence: the only pictures there are once the upload is deleted. */

import { useState } from "preact/hooks";
import type { ScanDocument, TrackShown } from "../api";
import { clock, probability } from "../format";
import { t } from "../strings";

const SHOWN_FIRST = 6;

interface Props {
  result: ScanDocument;
  pictures: readonly TrackShown[];
  onGo: (time_s: number) => void;
}

export function Worst({ result, pictures, onGo }: Props) {
  const [everyOne, setEveryOne] = useState(false);
  const all = pictures.flatMap((track) => track.pictures.map((picture) => ({ id: track.id, picture })));
  all.sort((a, b) => (b.picture.p_manipulated ?? 0) - (a.picture.p_manipulated ?? 0));
  const kind = result.model?.heatmap === "mask" ? "mask" : result.model?.heatmap ? "cam" : null;
  const film = result.media?.kind === "video";
  const tenths = (result.media?.duration_s ?? 0) < 60;
  return (
    <section class="card" aria-labelledby="worst">
      <h2 id="worst">{t("worst.title")}</h2>
      {all.length === 0 && <p class="soft">{t("worst.none")}</p>}
      {kind !== null && all.some(({ picture }) => picture.heatmap !== null) && <p class="soft">{t(`heatmap.${kind}`)}</p>}
      <ul class="crops">
        {(everyOne ? all : all.slice(0, SHOWN_FIRST)).map(({ id, picture }) => {
          const time = clock(picture.time_s ?? 0, tenths);
          const name = film ? t("worst.crop", { id, time }) : t("player.face", { id });
          return (
            <li key={`${id}/${picture.frame_index}`}>
              <div class="pair">
                <img src={picture.crop} alt={name} width="112" height="112" loading="lazy" />
                {picture.heatmap !== null && <img src={picture.heatmap} alt={t("worst.heatmap")} width="112" height="112" loading="lazy" />}
              </div>
              <span>{name}{picture.p_manipulated !== null && <> · <strong>{probability(picture.p_manipulated)}</strong></>}</span>
              {film && picture.time_s !== null && (
                <button type="button" class="small" onClick={() => onGo(picture.time_s ?? 0)}>{t("worst.go", { time })}</button>
              )}
            </li>
          );
        })}
      </ul>
      {!everyOne && all.length > SHOWN_FIRST && (
        <p><button type="button" class="small" onClick={() => setEveryOne(true)}>{t("worst.more", { n: all.length })}</button></p>
      )}
    </section>
  );
}
