/** Numbers, dates and times as the chosen language writes them. */

import { preferences } from "./preferences";
import { t, tn } from "./strings";

const language = (): string => preferences().language;

export function probability(p: number): string {
  return new Intl.NumberFormat(language(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(p);
}

/** 0.034 -> 3.4 % */
export function percent(share: number): string {
  return new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 1 }).format(share);
}

export function whole(n: number): string {
  return new Intl.NumberFormat(language()).format(n);
}

export function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  let at = 0;
  let value = bytes;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return new Intl.NumberFormat(language(), {
    style: "unit", unit: units[at] ?? "byte", maximumFractionDigits: value < 10 && at > 0 ? 1 : 0,
  }).format(value);
}

/** Seconds as a player shows them: 0:07.5, 12:03, 1:02:03. tenths: for short files. */
export function clock(seconds: number, tenths = false): string {
  const total = Math.max(0, seconds);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const rest = total % 60;
  const digits = tenths ? (Math.floor(rest * 10) / 10).toFixed(1).padStart(4, "0") : String(Math.floor(rest)).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${digits}` : `${minutes}:${digits}`;
}

/** withZone: where it is read elsewhere. */
export function moment(iso: string, withZone = false): string {
  const zone = withZone ? ` ${new Intl.DateTimeFormat(language(), { timeZoneName: "longOffset" }).formatToParts(new Date(iso)).find((one) => one.type === "timeZoneName")?.value ?? ""}` : "";
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso)) + zone;
}

/** How long from now: "in 29 days", "in 5 minutes". */
export function untilText(iso: string, now: number = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "always" });
  if (seconds < 60) return t("time.in_a_minute");
  if (seconds < 5400) return format.format(Math.round(seconds / 60), "minute");
  if (seconds < 129_600) return format.format(Math.round(seconds / 3600), "hour");
  return format.format(Math.round(seconds / 86_400), "day");
}

/** A length of time: "30 days", "1 hour". */
export function span(seconds: number): string {
  if (seconds >= 86_400) return tn("time.days", Math.round(seconds / 86_400));
  if (seconds >= 3_600) return tn("time.hours", Math.round(seconds / 3_600));
  return tn("time.minutes", Math.max(1, Math.round(seconds / 60)));
}
