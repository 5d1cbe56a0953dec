/** What the service answers, field by field as in its OpenAPI document (a test of the service compares the two). */

export type ScanStatus = "queued" | "running" | "completed" | "failed" | "cancelled" | "expired";
export type Decision = "allow" | "review" | "block";
export type FeedbackLabel = "manipulated" | "not_manipulated" | "unsure";
export type VerdictName = "likely_manipulated" | "inconclusive" | "no_manipulation_found" | "not_applicable";

export interface FeedbackShown {
  label: FeedbackLabel;
  note: string | null;
  by: string | null;
  at: string;
}

/** A file that this key has decided on beforehand. */
export interface HashShown {
  sha256: string;
  decision: Decision;
  reason: string | null;
  at: string;
}

export interface Retention {
  media_kept: boolean;
  media_deletes_at: string | null;
  media_deleted_at: string | null;
  result_expires_at: string | null;
}

export interface ScanError {
  code: string;
  message: string;
  stage: string;
  dead_letter?: boolean;
}

export interface ScanEnvelope {
  id: string;
  status: ScanStatus;
  external_id: string | null;
  batch_id: string | null;
  rescan_of: string | null;
  filename: string | null;
  bytes: number;
  sha256: string;
  model: string;
  policy: string;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  stage: string | null;
  progress: number | null;
  attempts: number;
  decision: Decision | null;
  decided_by: string | null;
  policy_decision: Decision | null;
  verdict: string | null;
  probability: number | null;
  interval: number[] | null;
  feedback: FeedbackShown | null;
  listed: HashShown | null;
  error: ScanError | null;
  retention: Retention;
  links: Record<string, string>;
  result: ScanDocument | null;
}

export interface ScanPage {
  items: ScanEnvelope[];
  next_cursor: string | null;
}

export interface FramePart {
  index: number;
  time_s: number;
  box_xyxy: [number, number, number, number];
  p_manipulated: number;
  face_px: number;
  blur: number;
  yaw_deg: number;
  detector_score: number;
}

export interface TrackPart {
  id: number;
  verdict: VerdictName;
  probability: number | null;
  first_s: number;
  last_s: number;
  gaps_s: [number, number][];
  frames: FramePart[];
}

export interface ThresholdsPart {
  likely_manipulated: number;
  no_manipulation_found: number;
  target_fpr: number;
  measured_fpr: number | null;
  measured_on: string;
}

export interface ReasonPart {
  code: string;
  text: string;
  track: number | null;
  start_s: number | null;
  end_s: number | null;
}

export interface LimitPart {
  code: string;
  text: string;
}

export interface MediaPart {
  kind: "image" | "video";
  container: string;
  codec: string;
  width_px: number;
  height_px: number;
  fps: number | null;
  duration_s: number;
  rotation_deg: number;
  cuts_s: number[];
  frames_read: number;
  frames_with_face: number;
}

export interface ScanDocument {
  dfdetect: string;
  verdict: VerdictName | null;
  probability: number | null;
  interval: [number, number] | null;
  thresholds: ThresholdsPart | null;
  reasons: ReasonPart[];
  limits: LimitPart[];
  tracks: TrackPart[];
  media: MediaPart | null;
  model: { name: string; version: string; sha256: string; heatmap: string | null } | null;
  timing_s: Record<string, number>;
}

/** A stored picture of a face that weighed most. square_xyxy: where it was cut from the frame. */
export interface PictureShown {
  frame_index: number;
  crop: string;
  heatmap: string | null;
  time_s: number | null;
  p_manipulated: number | null;
  square_xyxy: [number, number, number, number] | null;
}

export interface TrackShown {
  id: number;
  frame_count: number;
  pictures: PictureShown[];
}

export interface ProxyShown {
  url: string;
  kind: "video" | "image";
  media_type: string;
  bytes: number;
}

export interface MediaShown {
  kept: boolean;
  deletes_at: string | null;
  proxy: ProxyShown | null;
}

export interface Batch {
  id: string;
  external_id: string | null;
  closed: boolean;
  created_at: string;
  counts: Record<string, number>;
  links: Record<string, string>;
}

export interface PointShown {
  likely_manipulated: number;
  no_manipulation_found: number;
  measured_fpr: number | null;
  measured_on: string;
  n_reals: number;
  target_fpr: number | null;
}

export interface SourceShown {
  name: string;
  licence: string;
  used_for: string;
}

export interface ModelShown {
  name: string;
  version: string;
  sha256: string;
  is_default: boolean;
  experimental: boolean;
  input_size_px: number;
  weights_licence: string;
  sources: SourceShown[];
  not_covered: string[];
  calibrated: boolean;
  target_fpr: number | null;
  thresholds: Record<string, Record<string, PointShown>>;
  card: string;
  links: Record<string, string>;
}

export interface PolicyShown {
  name: string;
  version: number;
  about: string;
}

export interface ServiceShown {
  version: string;
  model: string;
  policy: string;
  experimental: boolean;
  visitor: boolean;
  scopes: string[];
  max_upload_bytes: number;
  most_duration_s: number;
  most_pixels: number;
  keep_media_s: number;
  keep_result_s: number;
  may_choose_retention: boolean;
  url_intake: boolean;
  on_this_computer: boolean;
  pdf: boolean;
}

export interface SampleShown {
  name: string;
  title: string;
  about: string;
  bytes: number;
  media_type: string;
  url: string;
}

export interface SessionShown {
  logged_in: boolean;
  public: boolean;
}
