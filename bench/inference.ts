import { type BackendName, sequential } from '../src/index.js';
import { type Effort, expectSameBits, interleave, ratio, type Side } from './measure.js';
import { dataFor, networkOf } from './networks.js';
import type { Row, Table } from './report.js';

/** `predict` as users call it: single rows, where the call is what costs, and many at once. */

const cases = [
  { sizes: [4, 16, 3], rows: 1 },
  { sizes: [784, 128, 10], rows: 1 },
  { sizes: [784, 128, 10], rows: 256 },
  { sizes: [784, 512, 512, 10], rows: 256 },
] as const;

export async function inference(effort: Effort): Promise<Table[]> {
  const table: Row[] = [];
  for (const { sizes, rows } of cases) {
    const spec = networkOf(sizes, 'classes', 'sgd');
    const { x } = dataFor(spec, rows);
    const out = new Float32Array(rows * sizes.at(-1)!);
    const networks = {
      wasm: sequential(spec, { backend: 'wasm' }),
      js: sequential(spec, { backend: 'js' }),
    };
    const name = `${sizes.join('-')}, ${rows === 1 ? 'one row' : `${rows} rows`}`;
    expectSameBits(name, networks.wasm.predict(x), networks.js.predict(x));
    // Calls of some tens of nanoseconds are timed in hundreds.
    const calls = rows === 1 ? 100 : 1;
    const predicting = (backend: BackendName, into: Float32Array | undefined): Side => ({
      call: () => {
        for (let i = 0; i < calls; i++) networks[backend].predict(x, into);
      },
      units: calls,
    });
    const times = await interleave(
      {
        given: predicting('wasm', out),
        fresh: predicting('wasm', undefined),
        jsGiven: predicting('js', out),
        jsFresh: predicting('js', undefined),
      },
      effort,
    );
    const work = sizes.slice(1).reduce((sum, units, i) => sum + 2 * sizes[i]! * units * rows, 0);
    const add = (array: string, wasm: typeof times.given, js: typeof times.given) => {
      table.push({
        name: `${name}, ${array}`,
        values: {
          wasm: wasm.median * 1e6,
          best: wasm.best * 1e6,
          js: js.median * 1e6,
          ratio: ratio(js, wasm),
          rows: rows / wasm.median / 1000,
          rate: (work * 1e-9) / wasm.median,
          spread: 100 * wasm.spread,
        },
      });
    };
    add('array given', times.given, times.jsGiven);
    add('new array', times.fresh, times.jsFresh);
  }
  return [
    {
      title: 'Predictions',
      columns: [
        { key: 'wasm', title: 'WASM µs' },
        { key: 'best', title: 'at best' },
        { key: 'js', title: 'JS µs' },
        { key: 'ratio', title: 'WASM / JS' },
        { key: 'rows', title: 'thousand rows/s' },
        { key: 'rate', title: 'GFLOP/s' },
        { key: 'spread', title: '± %' },
      ],
      rows: table,
      headline: { key: 'wasm', better: 'less' },
      drawn: {
        key: 'ratio',
        rows: table.map(({ name }) => name).filter((name) => name.endsWith('given')),
      },
    },
  ];
}
