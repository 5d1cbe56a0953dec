/** Sending a file with progress, which `fetch` does not tell of. */

import { ApiError, errorOf, type ScanEnvelope } from "../api";
import { preferences } from "../preferences";

export interface Sending {
  done: Promise<ScanEnvelope>;
  cancel: () => void;
}

export function addressOf(file: File, batchId: string | null, keepMediaS: number | null, again = false): string {
  const query = new URLSearchParams({ filename: file.name.slice(0, 200) });
  if (batchId !== null) query.set("batch_id", batchId);
  if (keepMediaS !== null) query.set("keep_media_s", String(keepMediaS));
  if (again) query.set("again", "true");
  return `/v1/scans?${query}`;
}

export function send(file: File, batchId: string | null, mayKeep: boolean, onPart: (bytes: number) => void, again = false): Sending {
  const request = new XMLHttpRequest();
  const done = new Promise<ScanEnvelope>((resolve, reject) => {
    request.open("POST", addressOf(file, batchId, mayKeep ? preferences().keepMediaS : null, again));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (event) => onPart(event.loaded);
    request.onload = () => {
      let body: unknown = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // a proxy's page, or nothing: the status says it
      }
      if (request.status >= 200 && request.status < 300) resolve(body as ScanEnvelope);
      else reject(errorOf(request.status, body, request.getResponseHeader("retry-after")));
    };
    request.onerror = () => reject(errorOf(0, null));
    request.onabort = () => reject(new ApiError(0, "cancelled", ""));
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}

/** The files of this tab by the scan that was made of them, so that the player has them without asking for a copy. */
const ownFiles = new Map<string, File>();
const earlierAnswers = new Set<string>();

/** isEarlier: the service had examined the same bytes before, and gave that answer. */
export function rememberFile(scanId: string, file: File, isEarlier = false): void {
  ownFiles.set(scanId, file);
  if (isEarlier) earlierAnswers.add(scanId);
}

export function isEarlierAnswer(scanId: string): boolean {
  return earlierAnswers.has(scanId);
}

export function ownFile(scanId: string): File | null {
  return ownFiles.get(scanId) ?? null;
}

export function forgetFile(scanId: string): void {
  ownFiles.delete(scanId);
}

/** Every file of a drop, also those inside folders, in the order of their names. */
export async function filesOf(items: DataTransferItemList): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const nested = await Promise.all(entries.map(filesBelow));
  return nested.flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inside: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break; // a reader gives at most a hundred at a time
    inside.push(...some);
  }
  inside.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const nested = await Promise.all(inside.filter((one) => !one.name.startsWith(".")).map(filesBelow));
  return nested.flat();
}
