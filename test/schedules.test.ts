import { describe, expect, it } from 'vitest';
import { dense, type NetworkSpec, type Schedule, schedules, sequential } from '../src/index.js';
import { type LearningRate, Rates, readSchedule } from '../src/rates.js';
import golden from './fixtures/schedules.json' with { type: 'json' };

interface Case {
  readonly name: keyof typeof schedules;
  readonly options: Record<string, unknown> & { before?: Case };
  readonly rates?: number[];
  readonly values?: number[];
}

function scheduleOf({ name, options }: Case, changes: object = {}): Schedule {
  const { before, ...rest } = options;
  const given = { ...rest, ...changes, ...(before && { before: scheduleOf(before, changes) }) };
  return (schedules[name] as (options: object) => Schedule)(given);
}

/** The rates of so many steps, or epochs where there is one step in each. */
function ratesOf(
  given: LearningRate,
  count: number,
  span: { learningRate?: number; epochs?: number; stepsPerEpoch?: number } = {},
): number[] {
  const { learningRate = 1, epochs = count, stepsPerEpoch = 1 } = span;
  const rates = new Rates(readSchedule(given, 'learningRate'), {
    learningRate,
    epochs,
    stepsPerEpoch,
  });
  return Array.from({ length: count }, (_, step) =>
    rates.at(step, Math.floor(step / stepsPerEpoch)),
  );
}

const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  found.forEach((rate, t) => {
    // PyTorch multiplies on from rate to rate, and so adds up roundings.
    const error = Math.abs(rate - expected[t]!);
    expect(error, `t = ${t}: ${rate}, ${expected[t]}`).toBeLessThanOrEqual(1e-13 * expected[0]!);
  });
};

const { learningRate } = golden;

describe(`the rates of ${golden.source}`, () => {
  it.each((golden.cases as Case[]).map((c) => [c.name, JSON.stringify(c.options), c] as const))(
    '%s %s',
    (_, __, made) => {
      const expected = made.rates!;
      const count = expected.length;
      if (!made.values) {
        close(ratesOf(scheduleOf(made), count, { learningRate }), expected);
        if (made.name !== 'oneCycle') {
          const perEpoch = ratesOf(scheduleOf(made, { per: 'epoch' }), 3 * count, {
            learningRate,
            stepsPerEpoch: 3,
          });
          close(
            perEpoch,
            expected.flatMap((rate) => [rate, rate, rate]),
          );
        }
        close(ratesOf(scheduleOf(made, { per: 'step' }), count, { learningRate }), expected);
        return;
      }
      const schedule = scheduleOf({ ...made, options: { monitor: 'loss', ...made.options } });
      const rate = schedule.begin({ learningRate, epochs: 99, steps: 99, stepsPerEpoch: 1 });
      const found = made.values.map((loss, t) => {
        const now = rate(t, t);
        schedule.observe!({ loss });
        return now;
      });
      close(found, expected);
      expect(new Set(expected).size).toBeGreaterThan(1);
    },
  );
});

describe('a schedule', () => {
  it('starts from the rate of the optimizer, or from its own', () => {
    expect(ratesOf(schedules.constant(), 3, { learningRate: 0.3 })).toEqual([0.3, 0.3, 0.3]);
    expect(ratesOf(schedules.constant({ learningRate: 0.2 }), 2)).toEqual([0.2, 0.2]);
    expect(ratesOf(0.25, 2)).toEqual([0.25, 0.25]);
    for (const own of [
      schedules.step({ every: 2, learningRate: 4 }),
      schedules.exponential({ factor: 0.5, learningRate: 4 }),
      schedules.polynomial({ learningRate: 4 }),
      schedules.cosine({ learningRate: 4 }),
      schedules.cosineRestarts({ length: 2, learningRate: 4 }),
      schedules.oneCycle({ learningRate: 4, divisor: 1 }),
      schedules.reduceOnPlateau({ learningRate: 4 }),
      schedules.warmUp({ length: 1, start: 1, before: 4 }),
    ]) {
      expect(ratesOf(own, 5)[0]).toBeCloseTo(4, 13);
    }
  });

  it('spans the whole training unless it is told a length, and then stays', () => {
    const span = { epochs: 4, stepsPerEpoch: 5 };
    const perEpoch = ratesOf(schedules.polynomial(), 30, span);
    expect(perEpoch).toEqual([1, 0.75, 0.5, 0.25, 0, 0].flatMap((r) => [r, r, r, r, r]));
    const perStep = ratesOf(schedules.polynomial({ per: 'step' }), 25, span);
    expect(perStep[10]).toBe(0.5);
    expect(perStep.slice(20)).toEqual([0, 0, 0, 0, 0]);
    const cosine = ratesOf(schedules.cosine({ minimum: 0.5 }), 25, span);
    expect(cosine.slice(20)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
    const cycle = ratesOf(schedules.oneCycle({ rise: 0.5 }), 25, span);
    expect(cycle[0]).toBeCloseTo(1 / 25, 15);
    expect(cycle[9]).toBe(1);
    expect(cycle.slice(19)).toEqual(Array.from({ length: 6 }, () => 1 / 25 / 1e4));
  });

  it('is a function of step and epoch', () => {
    const seen: [number, number][] = [];
    const own = (step: number, epoch: number) => {
      seen.push([step, epoch]);
      return 1 / (1 + step);
    };
    expect(ratesOf(own, 5, { stepsPerEpoch: 2 })).toEqual([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]);
    expect(seen).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 2],
    ]);
  });

  it.each([1, 2, 21, 35])('one cycle of %i steps has finite rates up to the peak', (length) => {
    for (const rise of [0, 1 / length, 0.3, 1]) {
      for (const threePhases of [false, true]) {
        const rates = ratesOf(schedules.oneCycle({ length, rise, threePhases }), length + 3);
        for (const rate of rates) expect(rate >= 0 && rate <= 1).toBe(true);
      }
    }
  });
});

describe('a warm-up', () => {
  const before = schedules.polynomial();

  it('in steps comes before what counts epochs, which spans the rest', () => {
    const given = schedules.warmUp({ length: 6, start: 0, per: 'step', before });
    const rates = ratesOf(given, 18, { epochs: 6, stepsPerEpoch: 3 });
    close(rates.slice(0, 6), [0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6]);
    expect(rates.slice(6)).toEqual([1, 0.75, 0.5, 0.25].flatMap((r) => [r, r, r]));
  });

  it('in epochs comes before what counts steps', () => {
    const steps = schedules.polynomial({ per: 'step' });
    const given = schedules.warmUp({ length: 2, start: 0.5, per: 'epoch', before: steps });
    const rates = ratesOf(given, 8, { epochs: 4, stepsPerEpoch: 2 });
    expect(rates).toEqual([0.5, 0.5, 0.75, 0.75, 1, 0.75, 0.5, 0.25]);
  });

  it('comes before a function, a number and nothing', () => {
    const own = (step: number, epoch: number) => 8 + step + 100 * epoch;
    const given = schedules.warmUp({ length: 2, start: 0.5, before: own });
    expect(ratesOf(given, 6, { stepsPerEpoch: 2 })).toEqual([4, 6, 8, 9, 110, 111]);
    const flat = { length: 2, start: 0.5, shape: 'constant' } as const;
    expect(ratesOf(schedules.warmUp({ ...flat, before: 0.2 }), 4)).toEqual([0.1, 0.1, 0.2, 0.2]);
    expect(ratesOf(schedules.warmUp(flat), 4)).toEqual([0.5, 0.5, 1, 1]);
  });

  it('is longer than the training', () => {
    const rates = ratesOf(schedules.warmUp({ length: 100, start: 0, before }), 4);
    close(
      rates.map((rate) => rate + 1),
      [1, 1.01, 1.02, 1.03],
    );
  });

  it('lets a plateau wait', () => {
    const plateau = schedules.reduceOnPlateau({ monitor: 'loss', patience: 0, factor: 0.5 });
    const given = schedules.warmUp({ length: 3, start: 1, before: plateau });
    const rate = given.begin({ learningRate: 1, epochs: 9, steps: 9, stepsPerEpoch: 1 });
    const rates = Array.from({ length: 7 }, (_, t) => {
      const now = rate(t, t);
      given.observe!({ loss: 1 });
      return now;
    });
    expect(rates).toEqual([1, 1, 1, 1, 1, 0.5, 0.25]);
    expect(given.state!()).toEqual(plateau.state());
    given.restore!({ rate: 3, best: 1, bad: 0, cooling: 0 });
    const again = given.begin({ learningRate: 1, epochs: 9, steps: 9, stepsPerEpoch: 1 });
    expect(again(5, 5)).toBe(3);
  });
});

describe('reduce on plateau', () => {
  const options = { monitor: 'loss', patience: 1, factor: 0.5, cooldown: 1 } as const;
  const losses = [5, 4, 4, 4, 4, 4, 3, 3, 3, 3, Number.NaN, 3];
  const span = { learningRate: 1, epochs: 12, steps: 12, stepsPerEpoch: 1 };
  const run = (
    schedule: ReturnType<typeof schedules.reduceOnPlateau>,
    from: number,
    to: number,
  ) => {
    const rate = schedule.begin(span);
    return losses.slice(from, to).map((loss, i) => {
      const now = rate(from + i, from + i);
      schedule.observe({ loss });
      return now;
    });
  };

  it('goes on from its state, by way of text', () => {
    const whole = run(schedules.reduceOnPlateau(options), 0, 12);
    expect(new Set(whole).size).toBeGreaterThan(2);
    for (let cut = 0; cut < 12; cut++) {
      const first = schedules.reduceOnPlateau(options);
      const head = run(first, 0, cut);
      const second = schedules.reduceOnPlateau(options);
      // Before the first epoch there is nothing to give.
      if (cut > 0) second.restore(JSON.parse(JSON.stringify(first.state())));
      expect([...head, ...run(second, cut, 12)]).toEqual(whole);
    }
  });

  it('starts anew in a second training', () => {
    const schedule = schedules.reduceOnPlateau(options);
    expect(run(schedule, 0, 12)).toEqual(run(schedule, 0, 12));
  });

  it('names the logs that there are', () => {
    const schedule = schedules.reduceOnPlateau();
    schedule.begin(span);
    expect(() => schedule.observe({ loss: 1, accuracy: 1 })).toThrow(
      new RangeError(
        "schedules.reduceOnPlateau: monitor: no log is called 'val_loss', only loss, accuracy; " +
          'there are no rows to validate on: give fit a validationSplit or validationData',
      ),
    );
  });
});

const anything = schedules as unknown as Record<string, (options?: unknown) => Schedule>;

it.each([
  ['constant', { rate: 1 }, TypeError, "schedules.constant: unknown option 'rate'"],
  [
    'constant',
    { learningRate: -1 },
    RangeError,
    'schedules.constant: learningRate: expected a num',
  ],
  ['step', {}, TypeError, 'schedules.step: give either every, such as 30, or at, such as [30, 80]'],
  ['step', { every: 1, at: [2] }, TypeError, 'schedules.step: give either every'],
  [
    'step',
    { every: 0 },
    RangeError,
    'schedules.step: every: expected a whole number of at least 1',
  ],
  ['step', { at: 3 }, TypeError, 'schedules.step: at: expected an array, got 3'],
  [
    'step',
    { at: [3, 3] },
    RangeError,
    'schedules.step: at: expected ascending values, got 3 after',
  ],
  ['step', { every: 2, factor: 0 }, RangeError, 'schedules.step: factor: expected a number'],
  [
    'step',
    { every: 2, per: 'batch' },
    RangeError,
    "schedules.step: per: expected 'epoch' or 'step'",
  ],
  ['exponential', {}, TypeError, 'schedules.exponential: factor: expected a number, got undefined'],
  ['polynomial', { power: 0 }, RangeError, 'schedules.polynomial: power: expected a number'],
  ['polynomial', { length: 1.5 }, RangeError, 'schedules.polynomial: length: expected a whole num'],
  ['cosine', { minimum: Number.NaN }, RangeError, 'schedules.cosine: minimum: expected a number'],
  ['cosine', null, TypeError, 'schedules.cosine: expected an object, got null'],
  ['cosineRestarts', {}, TypeError, 'schedules.cosineRestarts: length: expected a whole number'],
  [
    'cosineRestarts',
    { length: 2, growth: 0.5 },
    RangeError,
    'schedules.cosineRestarts: growth: ex',
  ],
  ['warmUp', {}, TypeError, 'schedules.warmUp: length: expected a whole number, got undefined'],
  ['warmUp', { length: 1, start: 2 }, RangeError, 'schedules.warmUp: start: expected a number'],
  [
    'warmUp',
    { length: 1, before: 'cosine' },
    TypeError,
    'schedules.warmUp: before: expected a num',
  ],
  [
    'warmUp',
    { length: 1, shape: 'sine' },
    RangeError,
    "schedules.warmUp: shape: expected 'linear'",
  ],
  ['oneCycle', { rise: 1.1 }, RangeError, 'schedules.oneCycle: rise: expected a number in [0, 1]'],
  ['oneCycle', { divisor: 0 }, RangeError, 'schedules.oneCycle: divisor: expected a number'],
  ['oneCycle', { threePhases: 1 }, TypeError, 'schedules.oneCycle: threePhases: expected true or'],
  [
    'reduceOnPlateau',
    { factor: 1 },
    RangeError,
    'schedules.reduceOnPlateau: factor: expected a nu',
  ],
  [
    'reduceOnPlateau',
    { mode: 'auto' },
    RangeError,
    "schedules.reduceOnPlateau: mode: expected 'mi",
  ],
  [
    'reduceOnPlateau',
    { monitor: 3 },
    TypeError,
    'schedules.reduceOnPlateau: monitor: expected the',
  ],
  [
    'reduceOnPlateau',
    { monitor: 'mine' },
    TypeError,
    "schedules.reduceOnPlateau: mode: say whether less or more of 'mine' is better, 'min' or 'max'",
  ],
] as const)('refuses schedules.%s(%j)', (name, options, type, message) => {
  const ask = () => anything[name]!(options);
  expect(ask).toThrow(type);
  expect(ask).toThrow(message);
});

describe('fit refuses', () => {
  const spec: NetworkSpec = { inputShape: [1], layers: [dense(1)], task: 'regression' };
  const expected = 'expected a number, a schedule such as schedules.cosine(), or a function';

  it.each([
    ['text', 'fast', TypeError, `learningRate: ${expected} of step and epoch, got 'fast'`],
    ['null', null, TypeError, `learningRate: ${expected} of step and epoch, got null`],
    ['an object', { per: 'step' }, TypeError, `learningRate: ${expected} of step and epoch`],
    ['less than 0', -1, RangeError, 'learningRate: expected a number'],
    ['NaN', Number.NaN, RangeError, 'learningRate: expected a number'],
    ['a rate', () => Number.NaN, RangeError, 'learningRate: step 0, epoch 0: expected a number'],
    ['no rate', () => '1', TypeError, "learningRate: step 0, epoch 0: expected a number, got '1'"],
    [
      'a later rate',
      (step: number, epoch: number) => (epoch > 1 ? -step : 1),
      RangeError,
      'learningRate: step 4, epoch 2: expected a number',
    ],
  ])('%s', async (_, learningRate, type, message) => {
    for (const callbacks of [[], [{ onEpochEnd() {} }]]) {
      const model = sequential(spec);
      const options = { learningRate: learningRate as LearningRate, callbacks };
      const fit = model.fit([1, 2], [1, 2], { ...options, epochs: 4, batchSize: 1 });
      await expect(fit).rejects.toThrow(type as ErrorConstructor);
      await expect(fit).rejects.toThrow(message);
      // And the network is whole, with its own rate.
      await model.fit([1, 2], [1, 2]);
    }
  });
});
