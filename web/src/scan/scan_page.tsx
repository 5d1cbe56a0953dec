/** One scan: its stages while it works, then the answer and all that supports it. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api, ApiError, type MediaShown, type ScanEnvelope, type ServiceShown, type TrackShown } from "../api";
import { Player, type Moment } from "../player/player";
import { Problem } from "../problem";
import { linkTo } from "../router";
import { t } from "../strings";
import { Timeline } from "../timeline/timeline";
import { Worst } from "../timeline/worst";
import { VerdictCard } from "../verdict/verdict_card";
import { Actions } from "./actions";
import { Context } from "./context";
import { Earlier } from "./earlier";
import { Stages } from "./stages";
import { useScan } from "./watch";

export function ScanPage({ id, service }: { id: string; service: ServiceShown }) {
  const [state, tell] = useScan(id);
  const [error, setError] = useState<ApiError | null>(null);
  switch (state.at) {
    case "loading":
      return <p class="soft" role="status">{t("app.loading")}</p>;
    case "refused":
      return <><Problem error={state.error} /><p><a href={linkTo({ name: "start" })}>{t("app.to_start")}</a></p></>;
    case "deleted":
      return <section class="card"><h1>{t("action.deleted")}</h1><p><a href={linkTo({ name: "start" })}>{t("app.to_start")}</a></p></section>;
    case "working":
      return (
        <section class="card">
          <h1 class="long">{state.scan.filename ?? t("verdict.waiting")}</h1>
          <Stages step={state.step} progress={state.progress} lost={state.lost} />
          {error !== null && <Problem error={error} />}
          <button type="button" onClick={() => {
            api.cancel(id).then(
              (scan) => tell({ type: "envelope", scan }),
              (failure) => setError(failure instanceof ApiError ? failure : new ApiError(0, "unreachable", "")),
            );
          }}>{t("upload.cancel")}</button>
        </section>
      );
    case "over":
      return (
        <Answer scan={state.scan} service={service} onChange={(scan) => tell({ type: "envelope", scan })}
          onDeleted={() => tell({ type: "deleted" })} />
      );
  }
}

interface AnswerProps {
  scan: ScanEnvelope;
  service: ServiceShown;
  onChange: (scan: ScanEnvelope) => void;
  onDeleted: () => void;
}

const PROXY_LOOKS = 8; // the copy is made soon after the answer, when no other scan waits
const PROXY_EVERY_MS = 1500;
const MOST_SEEK_MS = 1500;
const NEAR_S = 0.02; // a frame of 50 a second

function Answer({ scan, service, onChange, onDeleted }: AnswerProps) {
  const [pictures, setPictures] = useState<TrackShown[]>([]);
  const [media, setMedia] = useState<MediaShown | null>(null);
  const [waiting, setWaiting] = useState(true);
  const [moment, setMoment] = useState<Moment>({ time_s: 0, jump: 0 });
  const [time_s, setTime] = useState(0);
  const result = scan.result;

  useEffect(() => {
    document.getElementById("verdict")?.focus({ preventScroll: true });
    if (result === null) return;
    let timer = 0;
    let looks = 0;
    api.tracks(scan.id).then((found) => setPictures(found.items), () => undefined); // the verdict stands without pictures
    const look = (): void => {
      api.media(scan.id).then((found) => {
        setMedia(found);
        looks += 1;
        if (found.kept && found.proxy === null && looks < PROXY_LOOKS) timer = window.setTimeout(look, PROXY_EVERY_MS);
        else setWaiting(false);
      }, () => setWaiting(false));
    };
    look();
    return () => clearTimeout(timer);
  }, [scan.id]);
  const goal = useRef<{ time_s: number; until_ms: number } | null>(null);
  const go = useCallback((to_s: number): void => {
    goal.current = { time_s: to_s, until_ms: performance.now() + MOST_SEEK_MS };
    setMoment((now) => ({ time_s: to_s, jump: now.jump + 1 }));
    setTime(to_s);
  }, []);
  // While a jump is under way the player still tells of pictures before it: they would take it back.
  const shown = (at_s: number): void => {
    const { current } = goal;
    if (current !== null && performance.now() < current.until_ms && Math.abs(at_s - current.time_s) > NEAR_S) return;
    goal.current = null;
    setTime(at_s);
  };
  // The time changes with every picture of the player: what does not show it is not made anew with it.
  const words = useMemo(() => (
    <div class="column">
      <Earlier scan={scan} service={service} />
      <VerdictCard scan={scan} />
      {result !== null && <Actions scan={scan} service={service} onChange={onChange} onDeleted={onDeleted} />}
      <Context scan={scan} />
      {result === null && <Actions scan={scan} service={service} onChange={onChange} onDeleted={onDeleted} />}
    </div>
  ), [scan, service]);
  const worst = useMemo(() => (result === null ? null : <Worst result={result} pictures={pictures} onGo={go} />), [result, pictures]);
  return (
    <div class="answer">
      {words}
      {result?.media != null && result.tracks.length > 0 && (
        <div class="column evidence">
          <Player scan={scan} result={result} pictures={pictures} media={media} waiting={waiting} time_s={time_s} moment={moment} onTime={shown} />
          <Timeline result={result} time_s={time_s} onGo={go} />
          {worst}
        </div>
      )}
    </div>
  );
}
