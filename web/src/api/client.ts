import { Store } from '../store';
import type {
  Corpus,
  EpochEvent,
  FoldEvent,
  Info,
  Job,
  JobDocument,
  Model,
  Models,
  Prediction,
  Problem,
  Recipe,
  Recording,
  Timeline,
  TrainRequest,
} from './types';

const KEY = 'stimmung.key';
/** Problem types of 403 answers that a key would not change. */
const NOT_ABOUT_KEYS = ['feedback-disabled'];

/** The type of the one problem that the page finds itself: a file above the server's limit. */
export const TOO_LARGE = 'page:too-large';

/** The server asked for a key, and somebody should be asked for it. */
export const keyWanted = new Store(false);

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

/** Any failure as a problem document. A network failure has status 0. */
export function asProblem(reason: unknown): Problem {
  if (reason instanceof ApiError) return reason.problem;
  return { title: '', status: 0, detail: reason instanceof Error ? reason.message : String(reason) };
}

export function isAbort(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'AbortError';
}

export function setKey(key: string): void {
  if (key === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
}

async function problemOf(response: Response): Promise<Problem> {
  const problem: Problem = {
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
  };
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? { ...problem, ...body } : problem;
  } catch {
    return problem;
  }
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = sessionStorage.getItem(KEY);
  if (key !== null) headers.set('Authorization', `Bearer ${key}`);
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  const problem = await problemOf(response);
  const aboutKeys = response.status === 401 || response.status === 403;
  if (aboutKeys && !NOT_ABOUT_KEYS.some((name) => problem.type?.endsWith(name))) keyWanted.set(true);
  throw new ApiError(problem);
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await request(path, init)).json()) as T;
}

function post(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function query(values: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** An address for what cannot send headers: players, event streams and sockets. */
function withKey(path: string): string {
  const key = sessionStorage.getItem(KEY);
  if (key === null) return path;
  return `${path}${path.includes('?') ? '&' : '?'}key=${encodeURIComponent(key)}`;
}

/** What can be asked about: a file or recording of one's own, or a recording of a corpus on the server. */
export type Source = Blob | { corpus: string; id: string };

function sourceBody(source: Source): RequestInit {
  if (!(source instanceof Blob)) return post({ corpus: source.corpus, id: source.id });
  const type = source.type || 'application/octet-stream';
  return { method: 'POST', headers: { 'Content-Type': type }, body: source };
}

export const TIMELINE_FORMATS = ['csv', 'vtt', 'textgrid', 'elan', 'rttm'] as const;
export type TimelineFormat = (typeof TIMELINE_FORMATS)[number];

const job = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;
const model = (id: string) => `/v1/models/${encodeURIComponent(id)}`;

export const api = {
  info: () => json<Info>('/v1/info'),
  models: () => json<Models>('/v1/models'),
  model: (id: string) => json<Model>(model(id)),
  jobDocument: async (id: string, document: JobDocument) =>
    (await request(`/v1/jobs/${encodeURIComponent(id)}/documents/${document}`)).blob(),
  modelFile: async (id: string) => (await request(`${model(id)}/file`)).blob(),
  uploadModel: (file: Blob) =>
    json<Model>('/v1/models', {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: file,
    }),
  promote: (id: string) => json<Model>(`${model(id)}/promote`, { method: 'POST' }),
  removeModel: async (id: string) => {
    await request(model(id), { method: 'DELETE' });
  },

  predict: (source: Source, modelId: string | undefined, signal?: AbortSignal) =>
    json<Prediction>(`/v1/predict${query({ model: modelId })}`, {
      ...sourceBody(source),
      ...(signal === undefined ? {} : { signal }),
    }),
  timeline: (source: Source, modelId: string | undefined) =>
    json<Timeline>(`/v1/timeline${query({ model: modelId, format: 'json' })}`, sourceBody(source)),
  timelineFile: async (source: Source, modelId: string | undefined, format: TimelineFormat) =>
    (await request(`/v1/timeline${query({ model: modelId, format })}`, sourceBody(source))).blob(),
  feedback: async (prediction: string, label: string, note: string) => {
    await request('/v1/feedback', post({ prediction, label, ...(note === '' ? {} : { note }) }));
  },

  corpora: async () => (await json<{ corpora: Corpus[] }>('/v1/corpora')).corpora,
  recordings: (filter: {
    corpus: string;
    emotion?: string;
    speaker?: string;
    query?: string;
    offset: number;
    limit: number;
  }) => json<{ total: number; recordings: Recording[] }>(`/v1/recordings${query(filter)}`),
  recordingAudio: async (corpus: string, id: string) =>
    (await request(`/v1/recordings/audio${query({ corpus, id })}`)).blob(),
  recipes: async () => (await json<{ recipes: Recipe[] }>('/v1/recipes')).recipes,

  train: (what: TrainRequest) => json<Job>('/v1/train', post(what)),
  jobs: async () => (await json<{ jobs: Job[] }>('/v1/jobs')).jobs,
  job: (id: string) => json<Job>(job(id)),
  cancelJob: (id: string) => json<Job>(job(id), { method: 'DELETE' }),
  history: (id: string) => json<{ epochs: EpochEvent[]; folds: FoldEvent[] }>(`${job(id)}/history`),
  jobEvents: (id: string) => new EventSource(withKey(`${job(id)}/events`)),

  stream: () => {
    const address = new URL(withKey('/v1/stream'), location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    return new WebSocket(address);
  },
};
