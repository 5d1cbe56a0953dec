/** Coming in: by the address that `dfdetect serve` prints, by a key, or as a visitor of a public page. */

import { useState } from "preact/hooks";
import { api, ApiError } from "./api";
import { Problem } from "./problem";
import { t } from "./strings";

/** The key in the address, taken out of it at once, so that it stays in no history and no copied link. */
export function keyOfAddress(): string | null {
  const key = /^#key=([A-Za-z0-9_.~-]+)$/.exec(location.hash)?.[1] ?? null;
  if (key !== null) history.replaceState(null, "", `${location.pathname}#/`);
  return key;
}

/** refused: the key that one came with was. */
export function LogIn({ refused, onDone }: { refused: boolean; onDone: () => void }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const go = async (): Promise<void> => {
    try {
      await api.logIn(key.trim());
      onDone();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      setError(failure);
    }
  };
  return (
    <section class="card login">
      <h1>{t("login.title")}</h1>
      <p>{t("login.text")}</p>
      <form class="inline" onSubmit={(event) => { event.preventDefault(); void go(); }}>
        <label>{t("login.key")}<input type="password" autocomplete="current-password" required value={key} onInput={(event) => setKey(event.currentTarget.value)} /></label>
        <button type="submit" class="main">{t("login.go")}</button>
      </form>
      {error === null && refused && <p class="problem" role="alert">{t("login.wrong")}</p>}
      {error !== null && (error.code === "no_key" ? <p class="problem" role="alert">{t("login.wrong")}</p> : <Problem error={error} />)}
    </section>
  );
}
