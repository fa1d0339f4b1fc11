export interface Score {
  protocol: string;
  metric: string;
  value: number;
  interval?: [number, number];
}

export interface Card {
  name?: string;
  description?: string;
  created_from?: string;
  data?: {
    corpus?: string;
    recordings?: number;
    speakers?: number;
    dropped?: number;
    language?: string;
    license?: string;
    source?: string;
  };
  scores?: Score[];
  intended_use?: string;
  not_for?: string;
  notes?: string | string[];
}

export interface Model {
  id: string;
  name: string;
  description?: string;
  kind: string;
  features: string;
  emotions: string[];
  parameters: number;
  bytes: number;
  created: string | null;
  origin: 'embedded' | 'job' | 'upload';
  job: string | null;
  active: boolean;
  evaluated: boolean;
  calibrated: boolean;
  scores: Score[];
  card?: Card;
}

export interface Models {
  active: string;
  models: Model[];
}

export interface Warning {
  code: string;
  message: string;
}

export type Probabilities = Record<string, number>;

export interface Prediction {
  id: string;
  model: string;
  label: string;
  confidence: number;
  probabilities: Probabilities;
  calibrated: boolean;
  seconds: number;
  segments: number;
  warnings: Warning[];
  timing: { decode_ms?: number; total_ms: number };
  truth?: string;
}

export interface Segment {
  start: number;
  end: number;
  label: string;
  confidence: number;
  probabilities: Probabilities;
}

export interface Timeline {
  model: string;
  seconds: number;
  hop: number;
  window: number;
  emotions: string[];
  frames: { time: number; speech: boolean; probabilities?: number[] }[];
  segments: Segment[];
}

export interface Info {
  version: string;
  feedback: boolean;
  keys: boolean;
  limits: { body_bytes: number; seconds: number };
  stream: { window: number; hop: number };
}

export interface Corpus {
  name: string;
  title: string;
  recordings: number;
  dropped: number;
  speakers: number;
  emotions: Record<string, number>;
}

export interface Recording {
  corpus: string;
  id: string;
  speaker: string | null;
  emotion: string;
  text?: string | null;
  take?: string | null;
  sex?: 'male' | 'female' | null;
  age?: number | null;
}

export interface Recipe {
  name: string;
  description?: string;
  corpus: string | null;
  features: string;
  model: string;
  protocol: string;
  published: { row: string; figure: string; value: number }[];
  text: string;
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  request_id?: string;
}

export interface EpochEvent {
  fold: number;
  folds: number;
  epoch: number;
  epochs: number;
  loss: number;
  accuracy: number;
  validation_loss?: number;
  watched_accuracy?: number;
}

export interface FoldEvent {
  fold: number;
  folds: number;
  name: string;
  uar: number;
  accuracy: number;
}

export interface JobResult {
  model: string;
  uar: number;
  uar_interval?: [number, number];
  accuracy: number;
  accuracy_interval?: [number, number];
  macro_f1: number;
  macro_f1_interval?: [number, number];
  protocol: string;
  recordings: number;
  leaks: string[];
  warnings: string[];
  emotions: string[];
  confusion: number[][];
  report: string;
}

export type JobState = 'queued' | 'running' | 'finished' | 'failed' | 'cancelled';

export type JobDocument = 'report' | 'slides' | 'notebook' | 'card' | 'run';

export interface Job {
  id: string;
  state: JobState;
  recipe: string;
  corpus: string;
  created: string;
  started: string | null;
  ended: string | null;
  position: number | null;
  progress: {
    stage: string;
    done: number;
    fold?: number;
    folds?: number;
    epoch?: number;
    epochs?: number;
    seconds_left?: number | null;
  } | null;
  result: JobResult | null;
  /** What can be had of it once it is finished. */
  documents: JobDocument[];
  error: Problem | null;
  recipe_text: string;
}

export type StreamMessage =
  | { type: 'ready'; model: string; emotions: string[]; sample_rate: number; window: number; hop: number }
  | {
      type: 'partial';
      start: number;
      end: number;
      speech: boolean;
      label?: string;
      confidence?: number;
      probabilities?: Probabilities;
    }
  | {
      type: 'final';
      seconds: number;
      label?: string;
      confidence?: number;
      probabilities?: Probabilities;
      segments: Segment[];
      /** What a correction refers to; absent where nothing was said. */
      id?: string;
    }
  | { type: 'error'; problem: Problem };

export interface TrainRequest {
  recipe?: string;
  recipe_toml?: string;
  corpus?: string;
  set?: Record<string, number>;
}
