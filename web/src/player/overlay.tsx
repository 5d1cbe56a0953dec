/** Boxes, track numbers and the heatmap, drawn over a video or a picture in the file's own pixels. */

import type { MediaPart, TrackPart, TrackShown } from "../api";
import { probability } from "../format";
import { t } from "../strings";
import { boxesAt, type ShownBox } from "./boxes";

const HEATMAP_NEAR_S = 0.3; // a heatmap is shown so long around the frame that it was made of

interface Props {
  media: MediaPart;
  tracks: readonly TrackPart[];
  pictures: readonly TrackShown[];
  time_s: number;
  boxes: boolean;
  heatmap: boolean;
  opacity: number;
  threshold: number | null;
}

export function Overlay({ media, tracks, pictures, time_s, boxes, heatmap, opacity, threshold }: Props) {
  const shown = boxesAt(tracks, time_s);
  const unit = Math.max(media.width_px, media.height_px) / 100;
  return (
    <svg class="overlay" viewBox={`0 0 ${media.width_px} ${media.height_px}`} aria-hidden="true">
      {heatmap && heatmapsAt(pictures, time_s, media.kind).map((one) => (
        <image key={one.href} href={one.href} x={one.square[0]} y={one.square[1]} width={one.square[2] - one.square[0]}
          height={one.square[3] - one.square[1]} opacity={opacity} preserveAspectRatio="none" />
      ))}
      {boxes && shown.map((box) => <Box key={box.track.id} box={box} unit={unit} high={threshold !== null && box.p >= threshold} />)}
    </svg>
  );
}

export function heatmapsAt(pictures: readonly TrackShown[], time_s: number, kind: string) {
  return pictures.flatMap((track) =>
    track.pictures
      .filter((one) => one.heatmap !== null && one.square_xyxy !== null)
      .filter((one) => kind === "image" || Math.abs((one.time_s ?? 0) - time_s) <= HEATMAP_NEAR_S)
      .slice(0, 1)
      .map((one) => ({ href: one.heatmap as string, square: one.square_xyxy as [number, number, number, number] })),
  );
}

function Box({ box, unit, high }: { box: ShownBox; unit: number; high: boolean }) {
  const [left, top, right, bottom] = box.box_xyxy;
  const text = `${t("player.face", { id: box.track.id })} · ${probability(box.p)}`;
  const above = top > 4 * unit;
  return (
    <g class={high ? "box high" : "box"}>
      <rect x={left} y={top} width={right - left} height={bottom - top} stroke-width={0.35 * unit} />
      <rect class="plate" x={left} y={above ? top - 3.4 * unit : bottom + 0.4 * unit} width={text.length * 1.45 * unit + unit} height={3 * unit} rx={0.4 * unit} />
      <text x={left + 0.6 * unit} y={above ? top - 1.1 * unit : bottom + 2.7 * unit} font-size={2.4 * unit}>{text}</text>
    </g>
  );
}
