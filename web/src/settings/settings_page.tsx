/** Appearance, language, and how long one's uploads are kept. */

import type { ServiceShown } from "../api";
import { span } from "../format";
import { prefer, usePreferences, type Language, type Theme } from "../preferences";
import { t } from "../strings";

const THEMES: readonly Theme[] = ["system", "light", "dark"];
const LANGUAGES: readonly [Language, string][] = [["en", "English"], ["ko", "한국어"]];

export function SettingsPage({ service }: { service: ServiceShown }) {
  const now = usePreferences();
  const keeps: readonly [number | null, string][] = [
    [null, t("settings.keep_default", { span: service.keep_media_s > 0 ? span(service.keep_media_s) : t("settings.keep_none") })],
    [0, t("settings.keep_none")], [3600, t("settings.keep_hour")], [86_400, t("settings.keep_day")],
  ];
  return (
    <section class="card">
      <h1>{t("settings.title")}</h1>
      <p class="soft">{t("settings.about")}</p>
      <form class="stack" onSubmit={(event) => event.preventDefault()}>
        <fieldset>
          <legend>{t("settings.theme")}</legend>
          {THEMES.map((one) => (
            <label class="tick" key={one}><input type="radio" name="theme" checked={now.theme === one} onChange={() => prefer({ theme: one })} />{t(`settings.${one}`)}</label>
          ))}
        </fieldset>
        <fieldset>
          <legend>{t("settings.language")}</legend>
          {LANGUAGES.map(([code, name]) => (
            <label class="tick" key={code} lang={code}><input type="radio" name="language" checked={now.language === code} onChange={() => prefer({ language: code })} />{name}</label>
          ))}
        </fieldset>
        {service.may_choose_retention && (
          <fieldset>
            <legend>{t("settings.keep")}</legend>
            {keeps.filter(([seconds]) => seconds !== service.keep_media_s).map(([seconds, name]) => (
              <label class="tick" key={String(seconds)}><input type="radio" name="keep" checked={now.keepMediaS === seconds || (seconds === null && now.keepMediaS === service.keep_media_s)} onChange={() => prefer({ keepMediaS: seconds })} />{name}</label>
            ))}
          </fieldset>
        )}
      </form>
      <h2>{t("settings.service")}</h2>
      <p class="soft">{t("settings.version", { version: service.version, model: service.model, policy: service.policy })}</p>
    </section>
  );
}
