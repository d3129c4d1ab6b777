import { expect, test } from 'vitest';
import { debug } from '../src/debug.js';
import { sequential } from '../src/index.js';
import type { Tensor } from '../src/tensor.js';

/** What a kernel that reads far outside of its memory leaves behind. */
function traceOf(backend: ReturnType<typeof debug.create>): string {
  const at = (offset: number): Tensor => ({ type: 'f32', offset, rows: 1, columns: 8, pitch: 8 });
  backend.reserve(1024);
  const far = at(2 ** 28);
  const op = { kernel: 'reluForward', args: [far, far, 1, 8, 8] } as const;
  const records = { ...at(64), type: 'i32', pitch: 64 } as const;
  try {
    backend.compile([op], { work: 0, scratch: at(0), records }).run(1);
  } catch (error) {
    return (error as Error).stack!;
  }
  return 'nothing was thrown';
}

test('stack traces of the debug build name the kernels', () => {
  expect(traceOf(debug.create())).toMatch(/reluForward[\s\S]+runner\/run/);
});

test('the debug build is a backend like the others, with the same bits', () => {
  const spec = { inputShape: [3], layers: [{ type: 'dense', units: 2 }], seed: 4 } as const;
  const model = sequential(spec, { backend: debug });
  expect(model.backend).toBe('debug');
  expect(model.predict([1, 2, 3])).toEqual(sequential(spec).predict([1, 2, 3]));
});
