// A training in a request, whose clock stands still: planned work alone gives others their turns.
import * as chainrule from 'chainrule';
import * as convert from 'chainrule/convert';
import { fused } from 'chainrule/fused';
import * as module from 'chainrule/module';
import * as onnx from 'chainrule/onnx';
import * as predict from 'chainrule/predict';
import * as workers from 'chainrule/worker';
import { check } from '../checks.mjs';

/** Floating point operations that pass, by design, before the event loop has a turn all the same. */
const turnWork = 2e8;

/** As on Cloudflare, where time passes only between turns; a local workerd lets it go on. */
function stopClock() {
  const now = performance.now();
  Object.defineProperty(performance, 'now', { value: () => now });
}

/** Trains for a second or so, and counts the turns that others had meanwhile. */
async function turnsOfOthers() {
  const { layers, sequential } = chainrule;
  const model = sequential({
    inputShape: [256],
    layers: [layers.dense({ units: 256, activation: 'relu' }), layers.dense({ units: 10 })],
    loss: 'meanSquaredError',
  });
  const rows = 1280;
  const x = Float32Array.from({ length: rows * 256 }, (_, i) => ((i * 37) % 101) / 101);
  const y = new Float32Array(rows * 10);
  const epochs = 4;
  // Twice forward and twice for the weights; the first layer passes no gradient on.
  const work = epochs * rows * (4 * 256 * 256 + 6 * 256 * 10);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await model.fit(x, y, { epochs, batchSize: 64 });
  clearInterval(timer);
  return { turns, expected: Math.floor(work / turnWork) - 1 };
}

export default {
  async fetch() {
    try {
      stopClock();
      const { turns, expected } = await turnsOfOthers();
      if (turns < expected) {
        throw new Error(`others had ${turns} turns during a training, expected ${expected}`);
      }
      return Response.json(
        await check(chainrule, fused, { ...onnx, ...convert, ...module, ...predict, ...workers }),
      );
    } catch (error) {
      return Response.json({ error: String(error?.stack ?? error) });
    }
  },
};
