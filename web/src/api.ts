/** The one way to the service: JSON in and out, its problems (RFC 9457) as `ApiError`. */

import type {
  Batch, FeedbackLabel, MediaShown, ModelShown, PolicyShown, SampleShown, ScanEnvelope, ScanPage, ServiceShown,
  SessionShown, TrackShown,
} from "./api_types";

export type * from "./api_types";

/** status 0: the service could not be reached. code: of the closed list of the API, or "unreachable". */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(detail);
  }
}

export function errorOf(status: number, body: unknown, retryAfter: string | null = null): ApiError {
  const found = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const wait = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  if (status === 0) return new ApiError(0, "unreachable", "");
  return new ApiError(status, String(found["code"] ?? "internal"), String(found["detail"] ?? ""), wait);
}

async function ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw errorOf(0, null);
  }
  if (answer.status === 204) return undefined as T;
  const text = await answer.text();
  let parsed: unknown = null;
  try {
    parsed = text ? JSON.parse(text) : null;
  } catch {
    parsed = null;
  }
  if (!answer.ok) throw errorOf(answer.status, parsed, answer.headers.get("retry-after"));
  return parsed as T;
}

function query(values: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

export interface ScanFilter {
  search?: string;
  verdict?: string;
  status?: string;
  sha256?: string;
  cursor?: string | null;
  limit?: number;
}

export const api = {
  session: () => ask<SessionShown>("GET", "/v1/session"),
  logIn: (key: string | null) =>
    ask<void>("POST", "/v1/session", undefined, key === null ? {} : { authorization: `Bearer ${key}` }),
  logOut: () => ask<void>("DELETE", "/v1/session"),
  service: () => ask<ServiceShown>("GET", "/v1/service"),
  samples: () => ask<SampleShown[]>("GET", "/v1/samples"),
  scan: (id: string) => ask<ScanEnvelope>("GET", `/v1/scans/${encodeURIComponent(id)}`),
  scans: (filter: ScanFilter) => ask<ScanPage>("GET", `/v1/scans${query({ ...filter })}`),
  scansCsvUrl: (filter: ScanFilter) => `/v1/scans.csv${query({ ...filter })}`,
  tracks: (id: string) => ask<{ items: TrackShown[] }>("GET", `/v1/scans/${id}/tracks`),
  media: (id: string) => ask<MediaShown>("GET", `/v1/scans/${id}/media`),
  cancel: (id: string) => ask<ScanEnvelope>("POST", `/v1/scans/${id}/cancel`),
  remove: (id: string) => ask<void>("DELETE", `/v1/scans/${id}`),
  rescan: (id: string, model: string) => ask<ScanEnvelope>("POST", `/v1/scans/${id}/rescan`, { model }),
  feedback: (id: string, label: FeedbackLabel, note: string | null) =>
    ask<ScanEnvelope>("POST", `/v1/scans/${id}/feedback`, { label, note }),
  createBatch: () => ask<Batch>("POST", "/v1/batches", {}),
  closeBatch: (id: string) => ask<Batch>("POST", `/v1/batches/${id}/close`),
  batch: (id: string) => ask<Batch>("GET", `/v1/batches/${encodeURIComponent(id)}`),
  batchScans: (id: string, cursor: string | null) =>
    ask<ScanPage>("GET", `/v1/batches/${encodeURIComponent(id)}/scans${query({ cursor, limit: 200 })}`),
  batchCsvUrl: (id: string) => `/v1/batches/${id}/scans.csv`,
  models: () => ask<ModelShown[]>("GET", "/v1/models"),
  policies: () => ask<PolicyShown[]>("GET", "/v1/policies"),
};
