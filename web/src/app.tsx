/** The frame around every page, and who may see it. */

import { useEffect, useState } from "preact/hooks";
import { api, ApiError, type ServiceShown } from "./api";
import { BatchPage } from "./batch/batch_page";
import { HistoryPage } from "./history/history_page";
import { LogIn } from "./login";
import { ModelsPage } from "./models/models_page";
import { usePreferences } from "./preferences";
import { Problem } from "./problem";
import { linkTo, useRoute, type Route } from "./router";
import { ScanPage } from "./scan/scan_page";
import { SettingsPage } from "./settings/settings_page";
import { t } from "./strings";
import { DropZone } from "./upload/drop_zone";

type Entry = { at: "asking" } | { at: "in"; service: ServiceShown } | { at: "out"; refused: boolean } | { at: "refused"; error: ApiError };
const AGAIN_MS = 2000;
const PAGES = ["start", "history", "models", "settings"] as const;

async function enter(key: string | null): Promise<Entry> {
  try {
    if (key !== null) await api.logIn(key);
    else {
      const session = await api.session();
      if (!session.logged_in && !session.public) return { at: "out", refused: false };
      if (!session.logged_in) await api.logIn(null);
    }
    return { at: "in", service: await api.service() };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.status === 401 ? { at: "out", refused: key !== null } : { at: "refused", error };
  }
}

/** firstKey: of the address that the page was opened with. */
export function App({ firstKey }: { firstKey: string | null }) {
  const { language } = usePreferences(); // a change of the language draws everything anew
  const route = useRoute();
  const [entry, setEntry] = useState<Entry>({ at: "asking" });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let timer = 0;
    void enter(firstKey).then((found) => {
      setEntry(found);
      if (found.at === "refused" && found.error.status === 0) timer = window.setTimeout(() => setTries((n) => n + 1), AGAIN_MS);
    });
    return () => clearTimeout(timer);
  }, [tries]);
  useEffect(() => {
    document.title = route.name === "start" ? t("app.title") : `${titleOf(route)} · ${t("app.title")}`;
  }, [route, language]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>{t("app.skip")}</a>
      <header class="top">
        <a class="brand" href={linkTo({ name: "start" })}>{t("app.title")}</a>
        {entry.at === "in" && (
          <nav aria-label={t("app.title")}>
            {PAGES.map((name) => (
              <a key={name} href={linkTo({ name })} aria-current={route.name === name ? "page" : undefined}>{t(`app.${name}`)}</a>
            ))}
            {!entry.service.on_this_computer && !entry.service.visitor && (
              <button type="button" class="bare" onClick={() => void api.logOut().then(() => setEntry({ at: "out", refused: false }))}>{t("login.out")}</button>
            )}
          </nav>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {entry.at === "asking" && <p class="soft" role="status">{t("app.loading")}</p>}
        {entry.at === "out" && <LogIn refused={entry.refused} onDone={() => setTries((n) => n + 1)} />}
        {entry.at === "refused" && <Problem error={entry.error} retry={() => setTries((n) => n + 1)} />}
        {entry.at === "in" && <Page route={route} service={entry.service} />}
      </main>
    </>
  );
}

function titleOf(route: Route): string {
  if (route.name === "history" || route.name === "models" || route.name === "settings") return t(`app.${route.name}`);
  return route.name === "batch" ? t("batch.title") : t("context.title");
}

function Page({ route, service }: { route: Route; service: ServiceShown }) {
  switch (route.name) {
    case "start":
      return <DropZone service={service} />;
    case "scan":
      return <ScanPage key={route.id} id={route.id} service={service} />;
    case "batch":
      return <BatchPage key={route.id} id={route.id} />;
    case "history":
      return <HistoryPage service={service} />;
    case "models":
      return <ModelsPage />;
    case "settings":
      return <SettingsPage service={service} />;
    case "nowhere":
      return <section class="card"><h1>{t("app.nowhere")}</h1><p><a href={linkTo({ name: "start" })}>{t("app.to_start")}</a></p></section>;
  }
}
