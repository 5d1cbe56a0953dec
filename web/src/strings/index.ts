/** Text by key in the chosen language. `{name}` in it is replaced; `_one` and `_other` keys follow a count. */

import { preferences } from "../preferences";
import { en } from "./en";
import { ko } from "./ko";

export type Key = keyof typeof en;

const CATALOGUES = { en, ko } satisfies Record<string, Record<Key, string>>;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return CATALOGUES[preferences().language][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    String(values[name] ?? whole),
  );
}

type Counted = { [K in Key]: K extends `${infer Base}_other` ? Base : never }[Key];

/** Text for a number of things: `{n}` in it is the number. */
export function tn(key: Counted, n: number, values: Record<string, string | number> = {}): string {
  const form = new Intl.PluralRules(preferences().language).select(n) === "one" ? "one" : "other";
  return t(`${key}_${form}` as Key, { n: new Intl.NumberFormat(preferences().language).format(n), ...values });
}

/** Text for a word of the service, `group.word`, where the catalogue has one; else what the service itself said. */
export function said(group: string, word: string, otherwise: string): string {
  const key = `${group}.${word}`;
  return key in en ? t(key as Key) : otherwise;
}
