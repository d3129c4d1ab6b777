import { createBackend } from '../src/backends/index.js';
import { median } from './measure.js';
import { BareList, dataFor, stateOf, workloads } from './networks.js';

/*
 * A fresh process for steps.ts: makes 784-128-10, takes step after step, and says after how many
 * milliseconds steps were no slower than they were in the end.
 */

const { spec, batch } = workloads.find(({ name }) => name === '784-128-10, batch 32')!;
const data = dataFor(spec, batch);
const count = 400;
const ends = new Float64Array(count);

const begin = performance.now();
// On the backend of who names none: the module is compiled in the course of the first steps.
const list = new BareList(stateOf(spec, createBackend(undefined)), data, batch);
const start = performance.now();
for (let i = 0; i < count; i++) {
  list.run(1);
  ends[i] = performance.now();
}

const durations = Array.from(ends, (end, i) => end - (i > 0 ? ends[i - 1]! : start));
const step = median(durations.slice(count / 2));
// Steady from where five steps in a row have a median within a quarter of the final one: a single
// step may always be held up by another program.
let first = 0;
while (first + 5 < count && median(durations.slice(first, first + 5)) > 1.25 * step) first++;
const steady = (first > 0 ? ends[first - 1]! : start) - start;
process.send!({ start: start - begin, steady, step }, () => process.exit(0));
