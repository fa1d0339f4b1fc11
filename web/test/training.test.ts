import { describe, expect, it } from 'vitest';
import { csvField } from '../src/save';
import { curvesOf, epochsKey, meanCurve, overlap, ticks } from '../src/training';

describe('epochs of a recipe', () => {
  it('are overridden where the recipe sets them', () => {
    expect(epochsKey('seed = 1\n[model]\nkind = "dense"\nepochs = 50\n')).toBe('model.epochs');
    expect(epochsKey('[model]\nkind = "network"\n\n[model.training]\n  epochs=3')).toBe(
      'model.training.epochs',
    );
    expect(epochsKey('[model]\ntraining.epochs = 3')).toBe('model.training.epochs');
  });

  it('are not offered where the recipe has none', () => {
    expect(epochsKey('[model]\nkind = "logistic"\n')).toBeNull();
    expect(epochsKey('[reference]\nepochs = 3\n# epochs = 4')).toBeNull();
    expect(epochsKey('')).toBeNull();
  });
});

describe('curves', () => {
  const event = (fold: number, epoch: number, loss: number) => ({
    fold,
    folds: 2,
    epoch,
    epochs: 3,
    loss,
    accuracy: 1 - loss,
  });

  it('are sorted by fold and epoch, and leave out what is no number', () => {
    const curves = curvesOf(
      [event(2, 2, 0.4), event(1, 1, 0.8), event(2, 1, 0.6), event(1, 2, Number.NaN)],
      'loss',
    );
    expect(curves).toEqual([
      { fold: 1, points: [[1, 0.8]] },
      {
        fold: 2,
        points: [
          [1, 0.6],
          [2, 0.4],
        ],
      },
    ]);
  });

  it('of what was not learned from hold only the folds that measured it', () => {
    const held = { ...event(1, 1, 0.8), validation_loss: 0.9, watched_accuracy: 0.3 };
    const final = { ...event(0, 1, 0.7), validation_loss: 0.8 };
    const epochs = [event(2, 1, 0.6), held, final];
    expect(curvesOf(epochs, 'validation_loss')).toEqual([
      { fold: 0, points: [[1, 0.8]] },
      { fold: 1, points: [[1, 0.9]] },
    ]);
    expect(curvesOf(epochs, 'watched_accuracy')).toEqual([{ fold: 1, points: [[1, 0.3]] }]);
  });

  it('have a mean without the training on everything', () => {
    const curves = curvesOf([event(0, 1, 9), event(1, 1, 0.8), event(2, 1, 0.6), event(1, 2, 0.5)], 'loss');
    const mean = meanCurve(curves);
    expect(mean[0]?.[1]).toBeCloseTo(0.7);
    expect(mean[1]).toEqual([2, 0.5]);
  });
});

describe('ticks', () => {
  it('are round and cover the range', () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0, 2.3, 4)).toEqual([0, 1, 2, 3]);
    expect(ticks(0, 30, 5)).toEqual([0, 10, 20, 30]);
  });

  it('take a range that is none', () => {
    expect(ticks(1, 1, 4)).toEqual([1, 2]);
    expect(ticks(0, Number.NaN, 4)).toEqual([0, 1]);
  });
});

describe('intervals', () => {
  it('overlap when they share a value', () => {
    expect(overlap([0.1, 0.3], [0.3, 0.5])).toBe(true);
    expect(overlap([0.1, 0.2], [0.3, 0.5])).toBe(false);
    expect(overlap(undefined, [0.3, 0.5])).toBeNull();
  });
});

describe('CSV fields', () => {
  it('are quoted, and never formulas', () => {
    expect([csvField('a.wav'), csvField('a,"b"'), csvField('=1+1'), csvField(-0.5)]).toEqual([
      'a.wav',
      '"a,""b"""',
      "'=1+1",
      '-0.5',
    ]);
  });
});
