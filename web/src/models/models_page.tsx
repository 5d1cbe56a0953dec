/** The models of this service with their error rates, blind spots and sources. */

import { useEffect, useState } from "preact/hooks";
import { api, ApiError, type ModelShown } from "../api";
import { percent, probability } from "../format";
import { Problem } from "../problem";
import { t } from "../strings";
import { ratesOf } from "./rates";

export function ModelsPage() {
  const [models, setModels] = useState<ModelShown[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    api.models().then(setModels, (failure) => setError(failure instanceof ApiError ? failure : new ApiError(0, "unreachable", "")));
  }, []);
  return (
    <>
      <h1>{t("models.title")}</h1>
      <p class="lead">{t("models.lead")}</p>
      {error !== null && <Problem error={error} />}
      {models !== null && models.length === 0 && <p class="problem">{t("models.none")}</p>}
      {models?.map((model) => <Model key={model.name} model={model} />)}
    </>
  );
}

function Model({ model }: { model: ModelShown }) {
  const rates = ratesOf(model);
  const marks = [model.is_default ? t("models.default") : "", model.experimental ? t("models.experimental") : ""].filter(Boolean);
  return (
    <section class="card">
      <h2>{model.name} {model.version} {marks.length > 0 && <span class="soft">({marks.join(", ")})</span>}</h2>
      {model.not_covered.length > 0 && (
        <div class="note"><p>{t("models.not_covered")}</p><ul>{model.not_covered.map((one) => <li key={one}>{one}</li>)}</ul></div>
      )}
      <h3>{t("models.rates")}</h3>
      {rates.length === 0 ? <p class="soft">{t("models.uncalibrated")}</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label={t("models.rates")}>
          <table>
            <thead>
              <tr>{(["models.file", "models.faces", "models.likely", "models.clear", "models.fpr", "models.on"] as const).map((one) => <th key={one} scope="col">{t(one)}</th>)}</tr>
            </thead>
            <tbody>
              {rates.map(({ kind, faces, point }) => (
                <tr key={`${kind} ${faces}`}>
                  <td>{t(kind === "video" ? "context.video" : "context.image")}</td>
                  <td class="number">{faces}</td>
                  <td class="number">{probability(point.likely_manipulated)}</td>
                  <td class="number">{probability(point.no_manipulation_found)}</td>
                  <td class="number">{point.measured_fpr === null ? t("models.not_measured") : percent(point.measured_fpr)}</td>
                  <td>{point.measured_on}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h3>{t("models.sources")}</h3>
      <ul class="soft">{model.sources.map((one, n) => <li key={n}>{one.name} ({one.licence}){one.used_for && `: ${one.used_for}`}</li>)}</ul>
      <p class="soft">{t("models.licence")}: {model.weights_licence}</p>
      {model.links["card"] !== undefined && <p><a class="button" href={model.links["card"]} target="_blank" rel="noreferrer">{t("models.card")}</a></p>}
    </section>
  );
}
