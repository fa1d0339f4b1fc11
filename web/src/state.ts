import { api } from './api/client';
import type { Info, Model, Models } from './api/types';
import { Store } from './store';

/** What every view needs from the server: its settings and its models. */
export const info = new Store<Info | null>(null);
export const models = new Store<Models | null>(null);
/** The model that the person picked; null: whichever is active on the server. */
export const pickedModel = new Store<string | null>(null);

/** Read out by screen readers; shown nowhere. */
export const announcement = new Store('');

export function announce(text: string): void {
  announcement.set(text);
}

export async function loadModels(): Promise<void> {
  const list = await api.models();
  models.set(list);
  const picked = pickedModel.get();
  if (picked !== null && !list.models.some((model) => model.id === picked)) pickedModel.set(null);
}

export async function loadShared(): Promise<void> {
  const [settings] = await Promise.all([api.info(), loadModels()]);
  info.set(settings);
}

export function modelById(list: Models | null, id: string): Model | undefined {
  return list?.models.find((model) => model.id === id);
}
