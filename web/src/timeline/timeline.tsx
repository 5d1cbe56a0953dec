/** The score of each face over time: threshold, range of the verdicts, gaps, cuts; a click or a key goes to the moment. */

import uPlot from "uplot";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ScanDocument, TrackPart } from "../api";
import { clock, probability } from "../format";
import { nearestIndex } from "../player/boxes";
import { t } from "../strings";
import { rangeOf, seriesOf, stepped } from "./series";

const ROW_PX = 96;
const SYNC = "timeline";

interface Props {
  result: ScanDocument;
  time_s: number;
  onGo: (time_s: number) => void;
}

export function Timeline({ result, time_s, onGo }: Props) {
  const media = result.media;
  if (media === null || media.kind === "image") return null;
  return (
    <section class="card" aria-labelledby="timeline">
      <h2 id="timeline">{t("timeline.title")}</h2>
      {result.tracks.map((track) => <Row key={track.id} track={track} result={result} time_s={time_s} onGo={onGo} />)}
    </section>
  );
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function Row({ track, result, time_s, onGo }: Props & { track: TrackPart }) {
  const box = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement | null>(null);
  const length_s = Math.max(result.media?.duration_s ?? 0, track.last_s, 0.001);
  const at = track.frames[nearestIndex(track.frames, time_s)];

  useEffect(() => {
    const place = box.current;
    if (place === null || track.frames.length === 0) return;
    const { x, y } = seriesOf(track);
    const made = new uPlot(optionsOf(place.clientWidth, length_s, result, track), [x, y], place);
    made.over.addEventListener("click", () => {
      const frame = track.frames[nearestIndex(track.frames, made.posToVal(made.cursor.left ?? 0, "x"))];
      if (frame !== undefined) onGo(frame.time_s);
    });
    head.current = playhead(made.over);
    const resized = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: ROW_PX }));
    resized.observe(place);
    const themed = new MutationObserver(() => made.redraw());
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      made.destroy();
      head.current = null;
    };
  }, [track, result]);
  // The line at "now" is an element of its own: to move it draws none of the ten thousand scores again.
  useEffect(() => {
    if (head.current !== null) head.current.style.left = `${(100 * Math.min(length_s, Math.max(0, time_s))) / length_s}%`;
  }, [time_s, track, result]);

  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0 && event.key !== "Enter") return;
    event.preventDefault();
    onGo(stepped(track, step === 0 ? time_s + 1e-3 : time_s, step || -1));
  };
  const [low, high] = useMemo(() => rangeOf(track), [track]);
  const label = t("timeline.label", { id: track.id, low: probability(low), high: probability(high) });
  return (
    <div class="row">
      <p class="row-title">
        <strong>{t("timeline.face", { id: track.id })}</strong>
        {at !== undefined && <span class="soft"> {t("timeline.at", { time: clock(at.time_s, length_s < 60), p: probability(at.p_manipulated) })}</span>}
      </p>
      <div ref={box} class="plot" tabIndex={0} role="slider" aria-label={label} aria-valuemin={0} aria-valuemax={length_s}
        aria-valuenow={Math.min(length_s, Math.max(0, time_s))} aria-valuetext={at === undefined ? "" : t("timeline.at", { time: clock(at.time_s, true), p: probability(at.p_manipulated) })}
        onKeyDown={onKey} />
    </div>
  );
}

function playhead(over: HTMLElement): HTMLDivElement {
  const made = document.createElement("div");
  made.className = "playhead";
  over.append(made);
  return made;
}

function optionsOf(width: number, length_s: number, result: ScanDocument, track: TrackPart): uPlot.Options {
  const axis = { stroke: () => colour("--soft"), grid: { show: false }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width, height: ROW_PX, legend: { show: false }, padding: [6, 8, 0, 0],
    cursor: { y: false, sync: { key: SYNC }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: false, range: [0, length_s] }, y: { range: [0, 1] } },
    axes: [
      { ...axis, size: 22, values: (_, ticks) => ticks.map((one) => clock(one, length_s < 20)) },
      { ...axis, size: 34, splits: [0, 0.5, 1], values: (_, ticks) => ticks.map((one) => String(one)) },
    ],
    series: [{}, {
      stroke: () => colour("--ink"), width: 1.5, spanGaps: false,
      points: { show: track.frames.length < 120, size: 4 },
    }],
    hooks: { drawClear: [(plot) => drawBelow(plot, result, track)] },
  };
}

function drawBelow(plot: uPlot, result: ScanDocument, track: TrackPart): void {
  const { ctx, bbox } = plot;
  const y = (value: number): number => plot.valToPos(value, "y", true);
  const x = (value: number): number => plot.valToPos(value, "x", true);
  ctx.save();
  ctx.fillStyle = colour("--line");
  ctx.globalAlpha = 0.45;
  for (const [start, end] of track.gaps_s) ctx.fillRect(x(start), bbox.top, x(end) - x(start), bbox.height);
  const bounds = result.thresholds;
  if (bounds !== null) {
    ctx.globalAlpha = 0.12;
    ctx.fillStyle = colour("--alarm");
    ctx.fillRect(bbox.left, y(1), bbox.width, y(bounds.likely_manipulated) - y(1));
    ctx.fillStyle = colour("--unsure");
    ctx.fillRect(bbox.left, y(bounds.likely_manipulated), bbox.width, y(bounds.no_manipulation_found) - y(bounds.likely_manipulated));
    ctx.globalAlpha = 1;
    line(ctx, colour("--alarm"), [4, 3], bbox.left, y(bounds.likely_manipulated), bbox.left + bbox.width, y(bounds.likely_manipulated));
  }
  ctx.globalAlpha = 1;
  for (const cut of result.media?.cuts_s ?? []) line(ctx, colour("--soft"), [1, 3], x(cut), bbox.top, x(cut), bbox.top + bbox.height);
  ctx.restore();
}

function line(ctx: CanvasRenderingContext2D, stroke: string, dash: number[], x0: number, y0: number, x1: number, y1: number): void {
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((one) => one * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
