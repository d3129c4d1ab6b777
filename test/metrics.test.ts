import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  classificationReport,
  confusionMatrix,
  dense,
  layers,
  type MetricSpec,
  metrics,
  type NetworkSpec,
  type Rows,
  sequential,
} from '../src/index.js';
import { metricCatalogue } from '../src/metrics.js';

// Golden values of scikit-learn, made by scripts/golden-metrics.py.

type Averaged = Record<'precision' | 'recall' | 'f1', Record<string, number>>;
interface Golden {
  truth: number[] & number[][];
  scores: number[] & number[][];
  said: number[] & number[][];
  values: Record<string, number>;
  averaged: Averaged;
  confusion: number[][];
  report: Record<string, Record<string, number>>;
}
const golden = JSON.parse(
  readFileSync(new URL('fixtures/metrics.json', import.meta.url), 'utf8'),
) as Record<'binary' | 'classes' | 'flags' | 'values', Golden[]>;

const close = (value: number | undefined, expected: number, digits = 12) =>
  expect(value! - expected).toBeCloseTo(0, digits);

type Scored = (truth: unknown, scores: unknown, options?: object) => number;
const free = metrics as unknown as Record<string, Scored>;

const averageSpecs = (averaged: Averaged): MetricSpec[] =>
  Object.entries(averaged).flatMap(([type, values]) =>
    Object.keys(values).map(
      (average) => ({ type, average, name: `${type} ${average}` }) as MetricSpec,
    ),
  );

/** A network whose outputs are its inputs, on either backend and in batches of several sizes. */
async function identity(
  spec: Partial<NetworkSpec>,
  x: Rows,
  y: Rows,
): Promise<readonly Record<string, number>[]> {
  const all: Record<string, number>[] = [];
  for (const backend of ['wasm', 'js'] as const) {
    const base = { inputShape: [1], layers: [layers.flatten()], ...spec };
    const model = sequential(base, { backend });
    const { history } = await model.fit(x, y, {
      epochs: 1,
      batchSize: 7,
      shuffle: false,
      validationData: [x, y],
    });
    const { val_loss, loss: trained, ...rest } = history;
    const { loss, ...evaluated } = model.evaluate(x, y);
    for (const [name, value] of Object.entries(evaluated)) {
      expect(rest[`val_${name}`]).toEqual([value]);
      expect(rest[name]).toEqual([value]);
    }
    all.push(evaluated);
  }
  expect(all[0]).toEqual(all[1]);
  return all;
}

function compare(
  logs: Record<string, number>,
  { values, averaged }: Pick<Golden, 'values'> & { averaged?: Averaged },
  digits?: number,
): void {
  for (const [name, expected] of Object.entries(values)) close(logs[name], expected, digits);
  for (const [name, byAverage] of Object.entries(averaged ?? {})) {
    for (const [average, expected] of Object.entries(byAverage)) {
      close(logs[`${name} ${average}`], expected);
    }
  }
}

describe('metrics of yes and no', () => {
  it.each(golden.binary)('as a network reports them', async (data) => {
    const { truth, scores, values, averaged } = data;
    const names = [...Object.keys(values), ...averageSpecs(averaged), 'f1'] as MetricSpec[];
    const x = scores as number[];
    const logits = x.map((p) => Math.log(p / (1 - p)));
    const binary = { loss: 'binaryCrossentropy', metrics: names } as const;
    const sigmoid = await identity(
      { ...binary, layers: [layers.activation('sigmoid')] },
      logits,
      truth as number[],
    );
    // Rounding to float32 may separate scores that are equal, but not these.
    compare(sigmoid[0]!, data, 6);
    expect(sigmoid[0]!.f1).toBe(sigmoid[0]!['f1 binary']);
    const raw = await identity(
      { ...binary, loss: { type: 'binaryCrossentropy', fromLogits: true } },
      logits,
      truth as number[],
    );
    compare(raw[0]!, data, 6);
  });

  it.each(golden.binary)('as functions', ({ truth, said, scores, values, averaged, confusion }) => {
    for (const [name, expected] of Object.entries(values)) {
      const ranks = ['rocAuc', 'averagePrecision', 'logLoss'].includes(name);
      close(free[name]!(truth, ranks ? scores : said), expected);
    }
    for (const [name, byAverage] of Object.entries(averaged)) {
      for (const [average, expected] of Object.entries(byAverage)) {
        close(free[name]!(truth, said, { average }), expected);
      }
    }
    expect(confusionMatrix(truth, said).counts).toEqual(confusion);
  });
});

describe('metrics of classes', () => {
  it.each(golden.classes)('as a network reports them', async (data) => {
    const { truth, scores, values, averaged } = data;
    const width = (scores as number[][])[0]!.length;
    const names = [
      ...Object.keys(values).filter((name) => name !== 'topKAccuracy'),
      { type: 'topKAccuracy', k: 2 },
      ...averageSpecs(averaged),
      'f1',
    ] as MetricSpec[];
    const shared = { inputShape: [width], metrics: names };
    // Probabilities 0 have no logit: a very small one does as well, except to the log loss.
    const logits = (scores as number[][]).map((row) => row.map((p) => Math.log(Math.max(p, 1e-9))));
    const oneHot = (truth as number[]).map((c) =>
      Array.from({ length: width }, (_, i) => Number(i === c)),
    );
    const softmax = [layers.activation('softmax')];
    for (const [loss, y] of [
      ['sparseCategoricalCrossentropy', truth],
      ['categoricalCrossentropy', oneHot],
    ] as const) {
      const [logs] = await identity({ ...shared, loss, layers: softmax }, logits, y);
      compare(
        { ...logs, rocAuc: 0, averagePrecision: 0 },
        {
          averaged,
          values: { ...values, rocAuc: 0, averagePrecision: 0 },
        },
        6,
      );
      expect(logs!.f1).toBe(logs!['f1 macro']);
      const raw = await identity({ ...shared, loss: { type: loss, fromLogits: true } }, logits, y);
      close(raw[0]!.logLoss, values.logLoss!, 6);
    }
    // Rounding parts equal scores, so ranks are compared with those of what is predicted.
    const model = sequential({
      ...{ inputShape: [width], layers: softmax, loss: 'sparseCategoricalCrossentropy' },
      metrics: ['rocAuc', 'averagePrecision'],
    });
    const classes = Array.from({ length: width }, (_, c) => c);
    const logs = model.evaluate(logits, truth);
    for (const name of ['rocAuc', 'averagePrecision'] as const) {
      expect(logs[name]).toBe(metrics[name](truth, model.predict(logits), { classes }));
    }
  });

  it.each(golden.classes)('as functions', (data) => {
    const { truth, said, scores, values, averaged, confusion, report } = data;
    const width = (scores as number[][])[0]!.length;
    const classes = Array.from({ length: width }, (_, c) => c);
    for (const [name, expected] of Object.entries(values)) {
      if (name === 'accuracy' || name === 'matthews') close(free[name]!(truth, said), expected);
      else if (name === 'topKAccuracy')
        close(free[name]!(truth, scores, { classes, k: 2 }), expected);
      else {
        close(free[name]!(truth, scores, { classes }), expected);
        const flat = Float32Array.from((scores as number[][]).flat());
        close(free[name]!(truth, flat, { classes }), expected);
      }
    }
    for (const [name, byAverage] of Object.entries(averaged)) {
      for (const [average, expected] of Object.entries(byAverage)) {
        close(free[name]!(truth, said, { average }), expected);
      }
    }
    expect(confusionMatrix(truth, said, classes).counts).toEqual(confusion);
    const made = classificationReport(truth, said, classes);
    close(made.accuracy, values.accuracy!);
    made.classes.forEach(({ label, precision, recall, f1, support }) => {
      const expected = report[String(label)]!;
      close(precision, expected.precision!);
      close(recall, expected.recall!);
      close(f1, expected['f1-score']!);
      expect(support).toBe(expected.support);
    });
    close(made.weighted.f1, report['weighted avg']!['f1-score']!);
    close(made.macro.f1, averaged.f1.macro!);
  });
});

it.each(golden.flags)('metrics of several times yes or no', async (data) => {
  const { truth, scores, values, averaged } = data;
  const logits = (scores as number[][]).map((row) => row.map((p) => Math.log(p / (1 - p))));
  const [logs] = await identity(
    {
      inputShape: [4],
      layers: [layers.activation('sigmoid')],
      loss: 'binaryCrossentropy',
      metrics: [...Object.keys(values), ...averageSpecs(averaged)] as MetricSpec[],
    },
    logits,
    truth,
  );
  compare(logs!, data, 6);
});

describe('metrics of numbers', () => {
  it.each(golden.values)('as a network reports them, and as functions', async (data) => {
    const { truth, said, values } = data;
    const width = (said as number[][])[0]!.length;
    const [logs] = await identity(
      {
        inputShape: [width],
        loss: 'meanSquaredError',
        metrics: Object.keys(values) as MetricSpec[],
      },
      said,
      truth,
    );
    compare(logs!, data, 10);
    for (const [name, expected] of Object.entries(values)) {
      close(free[name]!(truth, said), expected, 10);
      if (width === 1) close(free[name]!(truth.flat(), said.flat()), expected, 10);
    }
  });
});

describe('what is not defined', () => {
  it('is 0 for the F1 of nothing, and NaN for the area of one class', () => {
    expect(metrics.f1([], [])).toBe(0);
    expect(metrics.f1(['a', 'a'], ['b', 'b'])).toBe(0);
    expect(metrics.precision([0, 0], [0, 0], { positive: 1 })).toBe(0);
    expect(metrics.matthews([1, 1], [0, 1])).toBe(0);
    expect(metrics.accuracy([], [])).toBeNaN();
    expect(metrics.rocAuc([1, 1], [0.2, 0.4])).toBeNaN();
    expect(metrics.averagePrecision([0, 0], [0.2, 0.4])).toBeNaN();
    expect(metrics.averagePrecision([1, 1], [0.2, 0.4])).toBe(1);
    expect(metrics.rocAuc([0, 1], [0.2, Number.NaN])).toBeNaN();
    expect(metrics.r2([3], [3])).toBeNaN();
    expect(metrics.r2([3, 3], [3, 3])).toBe(1);
    expect(metrics.r2([3, 3], [3, 4])).toBe(0);
  });

  it('is the mean of the classes that have it', () => {
    const scores = [0.7, 0.2, 0.1, 0.3, 0.6, 0.1];
    expect(metrics.rocAuc([0, 1], scores, { classes: [0, 1, 2] })).toBe(1);
    expect(metrics.rocAuc([0, 0], scores, { classes: [0, 1, 2] })).toBeNaN();
  });

  it('does not hide logs of 0', () => {
    expect(metrics.logLoss([1, 0], [0, 1])).toBeCloseTo(52 * Math.LN2, 12);
    expect(metrics.logLoss([1], [Number.NaN])).toBeNaN();
  });
});

describe('labels of any kind', () => {
  const truth = ['cat', 'dog', 'cat', 'owl'];
  const said = ['cat', 'cat', 'cat', 'owl'];

  it('stand in tables', () => {
    expect(metrics.accuracy(truth, said)).toBe(0.75);
    expect(metrics.f1(truth, said, { positive: 'cat' })).toBeCloseTo(0.8, 12);
    expect(metrics.recall([true, false], [true, true], { average: 'binary' })).toBe(1);
    expect(confusionMatrix(truth, said)).toEqual({
      classes: ['cat', 'dog', 'owl'],
      counts: [
        [2, 0, 0],
        [1, 0, 0],
        [0, 0, 1],
      ],
      text: `true \\ said  cat  dog  owl
──────────────────────────
cat            2    0    0
dog            1    0    0
owl            0    0    1`,
    });
    expect(classificationReport(truth, said).text).toBe(`          precision  recall     f1  support
───────────────────────────────────────────
cat           0.667   1.000  0.800        2
dog           0.000   0.000  0.000        1
owl           1.000   1.000  1.000        1
accuracy                     0.750        4
macro         0.556   0.667  0.600        4
weighted      0.583   0.750  0.650        4`);
  });

  it('are refused where they do not fit', () => {
    expect(() => metrics.accuracy(truth, ['cat'])).toThrow(
      'predicted: expected 4 rows, as many as truth has, got 1',
    );
    expect(() => confusionMatrix(truth, said, ['cat', 'dog'])).toThrow(
      "truth: row 3: 'owl' is none of the classes: 'cat', 'dog'",
    );
    expect(() => confusionMatrix(truth, said, ['cat', 'cat'])).toThrow(
      "classes: 'cat' comes twice",
    );
    expect(() => metrics.accuracy([null] as never, ['cat'])).toThrow(
      'truth: row 0: expected a label, which is text, a number or a boolean, got null',
    );
    expect(() => metrics.f1(truth, said, { average: 'makro' as never })).toThrow(
      "f1: average: unknown name 'makro'; did you mean 'macro'?",
    );
    expect(() => metrics.rocAuc([0, 1, 2], [0.1, 0.2, 0.3])).toThrow(
      'scores: expected 3 a row, one for each class, got 1; name the classes of all scores with `classes`',
    );
    expect(() => metrics.r2([[1, 2]], [[1]])).toThrow(
      'predicted: expected rows of 2 numbers, as truth has, got 1',
    );
    expect(() => metrics.logLoss([0, 1], 'ab' as never)).toThrow(
      "scores: expected an array, got 'ab'",
    );
  });
});

describe('metrics in a spec', () => {
  const values: NetworkSpec = { inputShape: [2], layers: [dense(3)], loss: 'meanSquaredError' };
  const classes: NetworkSpec = { inputShape: [2], layers: [dense(3)], task: 'multiclass' };
  const refused = (spec: NetworkSpec, metric: unknown, message: string, more: unknown[] = []) =>
    expect(() =>
      sequential({ ...spec, metrics: [metric, ...more] as readonly MetricSpec[] }),
    ).toThrow(message);

  it('are refused where they do not fit the loss, with those that do', () => {
    refused(
      values,
      'accuracy',
      'metrics[0]: accuracy is for one output that is yes or no, or one of several classes, or several outputs that are yes or no; ' +
        "a network with the loss meanSquaredError and the last activation 'linear' predicts numbers: " +
        'use meanAbsoluteError, meanSquaredError, rootMeanSquaredError, meanAbsolutePercentageError, r2; ' +
        "for classes, use a cross-entropy as the loss, or end in a 'sigmoid' or 'softmax'",
    );
    refused(
      classes,
      'r2',
      "metrics[0]: r2 is for numbers; a network with the loss sparseCategoricalCrossentropy and the last activation 'softmax' predicts one of several classes: use accuracy, topKAccuracy,",
    );
    refused(
      { ...classes, task: 'binary' },
      'matthews',
      'predicts several outputs that are yes or no: use accuracy, precision,',
    );
    const sigmoid = [dense(1, { activation: 'sigmoid' })];
    expect(sequential({ ...values, layers: sigmoid, metrics: ['accuracy', 'f1'] })).toBeDefined();
  });

  it('are refused with wrong options', () => {
    refused(
      classes,
      { type: 'f1', averages: 'macro' },
      "metrics[0]: unknown option 'averages'; did you mean 'average'?",
    );
    refused(classes, { type: 'f1', average: 'mean' }, "metrics[0]: average: unknown name 'mean'");
    refused(
      classes,
      { type: 'f1', average: 3 },
      "metrics[0]: average: expected a name such as 'macro', got 3",
    );
    refused(
      classes,
      { type: 'f1', average: 'binary' },
      "metrics[0]: average: 'binary' is for one output that is yes or no; use 'macro', 'micro' or 'weighted'",
    );
    refused(
      classes,
      'topKAccuracy',
      'metrics[0]: k: the 5 largest of 3 outputs hold every class; choose k from 1 to 2',
    );
    refused(
      classes,
      { type: 'topKAccuracy', k: 1.5 },
      'metrics[0]: k: expected a whole number of at least 1, got 1.5',
    );
    refused(
      classes,
      { type: 'f1', name: 'loss' },
      "metrics[0]: name: 'loss' is how losses and validation are called in logs; choose another",
    );
    refused(classes, { type: 'f1', name: 7 }, 'metrics[0]: name: expected text, got 7');
    refused(
      classes,
      'f1',
      "metrics[1]: a metric called 'f1' is there already: give one of the two a `name` of its own",
      [{ type: 'f1', average: 'micro' }],
    );
    refused(classes, 5, "metrics[0]: expected a name such as 'accuracy', got 5");
  });

  it('come back from toJSON, every one', () => {
    for (const [type, { fits }] of Object.entries(metricCatalogue)) {
      const base = (fits as readonly string[]).includes('classes') ? classes : values;
      const options =
        type === 'topKAccuracy' ? { k: 2 } : type === 'f1' ? { average: 'micro' } : {};
      const metric = { type, ...options, name: 'mine' } as MetricSpec;
      const model = sequential({ ...base, metrics: [metric] });
      expect(sequential(model.toJSON()).toJSON()).toEqual(model.toJSON());
      expect(model.toJSON().metrics).toEqual([metric]);
      const y =
        base === classes
          ? [0, 1]
          : [
              [1, 2, 3],
              [2, 3, 5],
            ];
      expect(
        Object.keys(
          model.evaluate(
            [
              [1, 2],
              [3, 4],
            ],
            y,
          ),
        ),
      ).toEqual(['loss', 'mine']);
    }
  });
});
