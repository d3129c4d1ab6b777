import { describe, expect, it } from 'vitest';
import { DivergenceError, datasets, dense, search, sequential, type Trial } from '../src/index.js';

const diverged = (message: string) =>
  Object.assign(Object.create(DivergenceError.prototype) as DivergenceError, { message });

describe('a grid', () => {
  it('tries every combination, the last parameter fastest', async () => {
    const seen: unknown[] = [];
    const { best, trials, text, stopReason } = await search(
      {
        rate: { min: 0.01, max: 1, scale: 'log', steps: 3 },
        units: [4, 8],
        kind: ['relu'],
      },
      ({ rate, units, kind }) => {
        seen.push([Number(rate.toPrecision(6)), units, kind]);
        return Math.abs(rate - 0.1) + units;
      },
      { method: 'grid' },
    );
    expect(seen).toEqual([
      [0.01, 4, 'relu'],
      [0.01, 8, 'relu'],
      [0.1, 4, 'relu'],
      [0.1, 8, 'relu'],
      [1, 4, 'relu'],
      [1, 8, 'relu'],
    ]);
    expect(trials.map(({ candidate }) => candidate)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(best).toMatchObject({ candidate: 2, parameters: { units: 4 }, budget: 1 });
    expect(stopReason).toBe('completed');
    expect(text.split('\n').slice(0, 3)).toEqual([
      'trial  rate  units  kind  score',
      '───────────────────────────────',
      '2       0.1      4  relu      4',
    ]);
  });

  it('takes whole numbers once each', async () => {
    const seen: number[] = [];
    const space = { units: { min: 1, max: 3, whole: true, steps: 9 } };
    await search(space, ({ units }) => seen.push(units), { method: 'grid' });
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe('random search', () => {
  const space = {
    rate: { min: 1e-4, max: 1, scale: 'log' },
    units: { min: 2, max: 5, whole: true },
    depth: { min: 1, max: 100, whole: true, scale: 'log' },
    share: { min: -1, max: 1 },
    kind: ['relu', 'tanh', 'elu'],
  } as const;

  it('draws from the space by the seed', async () => {
    const objective = ({ share }: { share: number }) => -share;
    const one = await search(space, objective, { trials: 200 });
    expect(await search(space, objective, { trials: 200 })).toEqual(one);
    const other = await search(space, objective, { trials: 200, seed: 1 });
    expect(other.trials).not.toEqual(one.trials);
    const all = one.trials.map(({ parameters }) => parameters);
    expect(all.every(({ rate }) => rate >= 1e-4 && rate < 1)).toBe(true);
    // Half of them below the middle of the logarithms.
    const small = all.filter(({ rate }) => rate < 1e-2).length;
    expect(Math.abs(small - 100)).toBeLessThan(25);
    expect(new Set(all.map(({ units }) => units))).toEqual(new Set([2, 3, 4, 5]));
    expect(all.every(({ depth }) => Number.isInteger(depth) && depth <= 100)).toBe(true);
    expect(new Set(all.map(({ kind }) => kind)).size).toBe(3);
    expect(one.best!.parameters.share).toBe(Math.max(...all.map(({ share }) => share)));
  });

  it('looks for the largest score where it is told, and puts NaN last', async () => {
    const score = ({ v }: { v: number }) => (v === 3 ? Number.NaN : v);
    const options = { method: 'grid', goal: 'maximum' } as const;
    const { best, text } = await search({ v: [1, 3, 2] }, score, options);
    expect(best!.parameters).toEqual({ v: 2 });
    expect(text.trimEnd().endsWith('NaN')).toBe(true);
  });

  it('counts a divergence as no score, and ends with any other error', async () => {
    const objective = ({ v }: { v: number }) => {
      if (v < 2) throw diverged('the loss stopped being finite');
      return v;
    };
    const { best, trials, text } = await search({ v: [1, 2] }, objective, { method: 'grid' });
    expect(best!.parameters).toEqual({ v: 2 });
    expect(trials[0]).toMatchObject({ score: Number.NaN, error: 'the loss stopped being finite' });
    expect(text).toContain('diverged');
    const none = await search({ v: [1] }, objective);
    expect(none.best).toBeUndefined();
    const failing = search({ v: [1] }, () => {
      throw new Error('no such file');
    });
    await expect(failing).rejects.toThrow('no such file');
  });

  it('finds a learning rate', async () => {
    const { x, y } = datasets.moons();
    const result = await search(
      { learningRate: [1e-6, 0.05], units: [8] },
      async ({ learningRate, units }, { seed, signal }) => {
        const model = sequential({
          inputShape: [2],
          layers: [dense(units), dense(1)],
          task: 'binary',
          optimizer: { type: 'adam', learningRate },
          seed,
        });
        await model.fit(x, y, { epochs: 20, ...(signal && { signal }) });
        return model.evaluate(x, y).loss;
      },
      { method: 'grid' },
    );
    expect(result.best!.parameters.learningRate).toBe(0.05);
  });
});

describe('successive halving', () => {
  it('gives the best ever more', async () => {
    const { best, trials, text } = await search(
      { v: { min: 0, max: 1 } },
      ({ v }, { budget }) => v + 1 / budget,
      { method: 'halving', trials: 9, maxBudget: 12 },
    );
    expect(trials.map(({ budget }) => budget)).toEqual([...Array(9).fill(1), 3, 3, 3, 9]);
    const least = Math.min(...trials.slice(0, 9).map(({ parameters }) => parameters.v));
    expect(best!.parameters.v).toBe(least);
    expect(best!.budget).toBe(9);
    expect(new Set(trials.map(({ candidate }) => candidate)).size).toBe(9);
    expect(text.split('\n')[0]).toBe('trial        v  budget   score');
  });

  it('ends at the largest budget', async () => {
    const budgets: number[] = [];
    const onTrial = ({ budget }: Trial<never>) => budgets.push(budget);
    const options = {
      method: 'halving',
      trials: 8,
      minBudget: 2,
      maxBudget: 5,
      factor: 2,
    } as const;
    await search({ v: [1, 2] }, () => 0, { ...options, onTrial: onTrial as never });
    expect(budgets).toEqual([...Array(8).fill(2), ...Array(4).fill(4), 5, 5]);
  });
});

describe('an abort', () => {
  it('keeps the trials that were whole', async () => {
    const controller = new AbortController();
    const { trials, stopReason, best } = await search(
      { v: [1, 2, 3, 4] },
      ({ v }, { signal }) => {
        expect(signal).toBe(controller.signal);
        if (v === 3) controller.abort();
        return v;
      },
      { method: 'grid', signal: controller.signal },
    );
    expect(stopReason).toBe('aborted');
    expect(trials).toHaveLength(2);
    expect(best!.score).toBe(1);
  });

  it('comes through to an objective that never waits', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    const options = { trials: 1e6, signal: controller.signal };
    const { stopReason } = await search({ v: { min: 0, max: 1 } }, ({ v }) => v, options);
    expect(stopReason).toBe('aborted');
  });
});

it.each([
  [{}, {}, 'space: expected a parameter, got none'],
  [null, {}, 'space: expected an object, got null'],
  [{ v: [] }, {}, 'space: v: expected at least one choice'],
  [{ v: 3 }, {}, 'space: v: expected an object, got 3'],
  [{ v: { min: 1 } }, {}, 'space: v: max: expected a number, got undefined'],
  [{ v: { min: 1, max: 0 } }, {}, 'space: v: max: expected a number of at least 1, got 0'],
  [
    { v: { min: 0, max: 1, scale: 'log' } },
    {},
    "space: v: min: expected more than 0 for the scale 'log', got 0",
  ],
  [{ v: { min: 0, max: 0.5, whole: true } }, {}, 'space: v: expected whole ends, got 0 and 0.5'],
  [
    { v: { min: 0, max: 1 } },
    { method: 'grid' },
    'space: v: a grid needs the `steps` of a range, or a list of choices',
  ],
  [{ v: [1] }, { method: 'bayes' }, "method: unknown name 'bayes'"],
  [{ v: [1] }, { trial: 5 }, "search: unknown option 'trial'; did you mean 'trials'?"],
  [{ v: [1] }, { minBudget: 9, maxBudget: 3 }, 'maxBudget: expected a whole number of at least 9'],
])('refuses %j with %j', async (space, options, message) => {
  await expect(search(space as never, () => 0, options as never)).rejects.toThrow(message);
});

it('refuses an objective that gives no number', async () => {
  await expect(search({ v: [1] }, () => 'a' as never)).rejects.toThrow(
    "objective: expected a number as the score, got 'a'",
  );
});
