import { api } from './api/client';
import type { Prediction } from './api/types';
import { Store } from './store';

/**
 * What a model said about recordings of corpora, kept while the page is open. The key holds the model,
 * so that counts never mix two of them.
 */
export const corpusAnswers = new Store<ReadonlyMap<string, Prediction>>(new Map());

export function answerKey(model: string, corpus: string, id: string): string {
  return JSON.stringify([model, corpus, id]);
}

export async function askAbout(
  model: string,
  corpus: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const prediction = await api.predict({ corpus, id }, model, signal);
  corpusAnswers.update((before) => new Map(before).set(answerKey(model, corpus, id), prediction));
}

export interface Tally {
  asked: number;
  right: number;
}

/** Right and wrong among what this model was asked about this corpus, on whatever page. */
export function tally(answers: ReadonlyMap<string, Prediction>, model: string, corpus: string): Tally {
  const result: Tally = { asked: 0, right: 0 };
  for (const [key, { label, truth }] of answers) {
    const [byModel, inCorpus] = JSON.parse(key) as string[];
    if (byModel !== model || inCorpus !== corpus || truth === undefined) continue;
    result.asked++;
    if (label === truth) result.right++;
  }
  return result;
}

export function forget(model: string, corpus: string): void {
  corpusAnswers.update((before) => {
    const kept = [...before].filter(([key]) => {
      const [byModel, inCorpus] = JSON.parse(key) as string[];
      return byModel !== model || inCorpus !== corpus;
    });
    return new Map(kept);
  });
}
