/** The file itself with its faces marked: the tab's own file, else a small copy, else nothing (the crops are below). */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { MediaShown, ScanDocument, ScanEnvelope, TrackShown } from "../api";
import { clock, untilText } from "../format";
import { t } from "../strings";
import { ownFile } from "../upload/send";
import { heatmapsAt, Overlay } from "./overlay";
import { Still } from "./still";

export interface Moment {
  time_s: number;
  /** Counts the jumps, so that jumping twice to one time is two jumps. */
  jump: number;
}

interface Props {
  scan: ScanEnvelope;
  result: ScanDocument;
  pictures: readonly TrackShown[];
  media: MediaShown | null;
  /** A copy may still come. */
  waiting: boolean;
  /** Of the picture that is on the screen. */
  time_s: number;
  moment: Moment;
  onTime: (time_s: number) => void;
}

export function Player({ scan, result, pictures, media, waiting, time_s, moment, onTime }: Props) {
  const [unplayable, setUnplayable] = useState(false);
  const [boxes, setBoxes] = useState(true);
  const [heatmap, setHeatmap] = useState(false);
  const [opacity, setOpacity] = useState(0.7);
  const own = ownFile(scan.id);
  const url = useMemo(() => (own === null ? null : URL.createObjectURL(own)), [own]);
  useEffect(() => () => void (url !== null && URL.revokeObjectURL(url)), [url]);
  const about = result.media;
  if (about === null) return null;
  const proxy = media?.proxy ?? null;
  const source = url !== null && !unplayable ? url : (proxy?.url ?? null);
  if (source === null) {
    const why = unplayable ? "player.unplayable" : waiting ? "player.making" : "player.crops";
    return <p class="card soft" role="status">{t(why)}</p>;
  }
  const threshold = result.thresholds?.likely_manipulated ?? null;
  const overlay = (time_s: number) => (
    <Overlay media={about} tracks={result.tracks} pictures={pictures} time_s={time_s} boxes={boxes} heatmap={heatmap}
      opacity={opacity} threshold={threshold} />
  );
  const layers = (
    <Layers boxes={boxes} setBoxes={setBoxes} heatmap={heatmap} setHeatmap={setHeatmap} opacity={opacity} setOpacity={setOpacity} />
  );
  const origin = source === url
    ? t("player.own")
    : t("player.proxy", { until: media?.deletes_at ? untilText(media.deletes_at) : "" });
  return (
    <section class="card player" aria-label={t("player.label")}>
      {about.kind === "image"
        ? <Still src={source} overlay={overlay(0)} layers={layers} onError={() => setUnplayable(true)} />
        : <Film src={source} fps={about.fps ?? 25} time_s={time_s} moment={moment} onTime={onTime} overlay={overlay} layers={layers}
            toggleBoxes={() => setBoxes((on) => !on)} toggleHeatmap={() => setHeatmap((on) => !on)}
            hint={(time_s) => heatmap && heatmapsAt(pictures, time_s, "video").length === 0 ? t("player.no_heatmap") : ""}
            onError={() => setUnplayable(true)} />}
      <p class="soft">{origin}{about.kind === "video" && <> {t("player.keys")}</>}</p>
    </section>
  );
}

interface LayerProps {
  boxes: boolean;
  setBoxes: (on: boolean) => void;
  heatmap: boolean;
  setHeatmap: (on: boolean) => void;
  opacity: number;
  setOpacity: (value: number) => void;
}

function Layers({ boxes, setBoxes, heatmap, setHeatmap, opacity, setOpacity }: LayerProps) {
  return (
    <>
      <label class="tick"><input type="checkbox" checked={boxes} onChange={(event) => setBoxes(event.currentTarget.checked)} />{t("player.boxes")}</label>
      <label class="tick"><input type="checkbox" checked={heatmap} onChange={(event) => setHeatmap(event.currentTarget.checked)} />{t("player.heatmap")}</label>
      {heatmap && (
        <input type="range" min="0.1" max="1" step="0.05" value={opacity} aria-label={t("player.opacity")}
          onInput={(event) => setOpacity(Number(event.currentTarget.value))} />
      )}
    </>
  );
}

interface FilmProps {
  src: string;
  fps: number;
  time_s: number;
  moment: Moment;
  onTime: (time_s: number) => void;
  overlay: (time_s: number) => preact.JSX.Element;
  layers: preact.JSX.Element;
  toggleBoxes: () => void;
  toggleHeatmap: () => void;
  hint: (time_s: number) => string;
  onError: () => void;
}

function Film({ src, fps, time_s, moment, onTime, overlay, layers, toggleBoxes, toggleHeatmap, hint, onError }: FilmProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  const [slow, setSlow] = useState(false);
  const [length_s, setLength] = useState(0);

  useEffect(() => {
    const film = video.current;
    if (film === null) return;
    let handle = 0;
    // The time of the picture that is on the screen, not of the sound: else boxes run ahead of faces.
    const shown: VideoFrameRequestCallback = (_, frame) => {
      onTime(frame.mediaTime);
      handle = film.requestVideoFrameCallback(shown);
    };
    handle = film.requestVideoFrameCallback(shown);
    return () => film.cancelVideoFrameCallback(handle);
  }, [src]);
  useEffect(() => {
    if (moment.jump === 0 || video.current === null) return;
    video.current.pause();
    // The middle of the frame: at its very start some browsers show the frame before.
    video.current.currentTime = moment.time_s + 0.5 / fps;
    video.current.scrollIntoView({ block: "nearest" });
  }, [moment.jump]);
  useEffect(() => {
    if (video.current !== null) video.current.playbackRate = slow ? 0.25 : 1;
  }, [slow]);

  const toggle = (): void => {
    const film = video.current;
    if (film === null) return;
    if (film.paused) void film.play().catch(() => undefined);
    else film.pause();
  };
  const step = (frames: number): void => {
    const film = video.current;
    if (film === null) return;
    film.pause();
    film.currentTime = Math.min(film.duration || 0, Math.max(0, film.currentTime + frames / fps));
  };
  const onKey = (event: KeyboardEvent): void => {
    const inField = event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement;
    const actions: Record<string, () => void> = {
      " ": toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), b: toggleBoxes, h: toggleHeatmap, s: () => setSlow((on) => !on),
    };
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (inField && (event.key === " " || (event.target as HTMLInputElement).type === "range")) return;
    event.preventDefault();
    action();
  };
  return (
    <div class="film" onKeyDown={onKey}>
      <div class="stage" tabIndex={0} role="group" aria-label={t("player.label")} onClick={toggle}>
        <video ref={video} src={src} muted playsInline preload="auto" onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)}
          onLoadedMetadata={(event) => setLength(event.currentTarget.duration || 0)} onError={onError} />
        {overlay(time_s)}
      </div>
      <div class="controls">
        <button type="button" onClick={toggle} aria-label={t(playing ? "player.pause" : "player.play")}>{playing ? "❚❚" : "▶"}</button>
        <button type="button" onClick={() => step(-1)} aria-label={t("player.back")}>‹</button>
        <button type="button" onClick={() => step(1)} aria-label={t("player.forward")}>›</button>
        <button type="button" aria-pressed={slow} onClick={() => setSlow((on) => !on)}>{t("player.slow")}</button>
        <output class="clock">{clock(time_s, length_s < 60)} / {clock(length_s, length_s < 60)}</output>
        {layers}
      </div>
      {hint(time_s) !== "" && <p class="soft" role="status">{hint(time_s)}</p>}
    </div>
  );
}
