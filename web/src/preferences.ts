/** What one person likes: kept in this browser alone. */

import { useEffect, useState } from "preact/hooks";

export type Theme = "system" | "light" | "dark";
export type Language = "en" | "ko";

export interface Preferences {
  theme: Theme;
  language: Language;
  /** Seconds for which an upload is kept after its scan; null: what the service does by itself. */
  keepMediaS: number | null;
}

const KEEP_MEDIA_S = 3600; // so that the player has the file after a reload
const NAME = "dfdetect.preferences";
const LANGUAGES: readonly Language[] = ["en", "ko"];

function first(): Preferences {
  const wanted = navigator.languages.map((one) => one.slice(0, 2));
  const language = wanted.find((one): one is Language => (LANGUAGES as readonly string[]).includes(one)) ?? "en";
  return { theme: "system", language, keepMediaS: KEEP_MEDIA_S };
}

function read(): Preferences {
  try {
    return { ...first(), ...(JSON.parse(localStorage.getItem(NAME) ?? "{}") as Partial<Preferences>) };
  } catch {
    return first(); // no storage in this browser, or something else's in it
  }
}

let now = read();
const listeners = new Set<() => void>();

export function preferences(): Preferences {
  return now;
}

export function prefer(change: Partial<Preferences>): void {
  now = { ...now, ...change };
  try {
    localStorage.setItem(NAME, JSON.stringify(now));
  } catch {
    // it holds until the tab is closed
  }
  apply();
  for (const listener of listeners) listener();
}

export function apply(): void {
  document.documentElement.lang = now.language;
  if (now.theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = now.theme;
}

export function usePreferences(): Preferences {
  const [shown, setShown] = useState(now);
  useEffect(() => {
    const changed = () => setShown(now);
    listeners.add(changed);
    return () => void listeners.delete(changed);
  }, []);
  return shown;
}
