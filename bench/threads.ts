import { availableParallelism } from 'node:os';
import { sequential } from '../src/index.js';
import { threads } from '../src/threads.js';
import { type Effort, expectSameBits, median, quantile } from './measure.js';
import { dataFor, workloads } from './networks.js';
import type { Row, Table } from './report.js';

/** Milliseconds of one call of `fit`. */
const slice = 60;

/** Training on all cores against one thread, in turns; wall clock, since more processors take more CPU time. */
export async function threading({ quick }: Effort): Promise<Table[]> {
  const cores = Math.max(2, availableParallelism());
  const rounds = quick ? 5 : 15;
  const rows: Row[] = [];
  for (const { name, spec, batch, steps, zeros } of workloads) {
    const { x, y } = dataFor(spec, batch * steps, zeros);
    const sides = [sequential(spec), sequential(spec, { backend: threads(cores) })] as const;
    const train = async (side: (typeof sides)[number], epochs: number) => {
      const begun = performance.now();
      await side.fit(x, y, { batchSize: batch, epochs });
      return (performance.now() - begun) / epochs;
    };
    for (const side of sides) await train(side, 2);
    const [one, several] = sides.map((side) => side.getWeights());
    for (const [key, weights] of Object.entries(one!)) {
      expectSameBits(`${name}: ${key}`, several![key]!, weights);
    }
    const epochs = Math.max(1, Math.ceil(slice / (await train(sides[0], 2))));
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const [i, side] of sides.entries()) times[i]!.push(await train(side, epochs));
    }
    const ratios = times[0].map((time, i) => time / times[1][i]!);
    rows.push({
      name,
      values: {
        one: (1000 * median(times[0])) / steps,
        several: (1000 * median(times[1])) / steps,
        ratio: median(ratios),
        low: quantile(ratios, 0.25),
        high: quantile(ratios, 0.75),
      },
    });
  }
  return [
    {
      title: `Training steps on ${cores} threads, µs`,
      columns: [
        { key: 'one', title: 'one thread' },
        { key: 'several', title: `${cores} threads` },
        { key: 'ratio', title: 'times as fast' },
        { key: 'low', title: 'quartiles' },
        { key: 'high', title: '' },
      ],
      rows,
      headline: { key: 'ratio', better: 'more' },
      notes: ['wall clock; both sides have the same bits; small lists are walked by one thread'],
    },
  ];
}
