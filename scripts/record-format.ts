// A file of the format that is written now, with a bit of everything in it, and what its network
// predicts, for test/save.test.ts:
//
//   npm run build:wasm && npx tsx scripts/record-format.ts
//
// writes test/fixtures/format-N.json, once for each format: later versions have to read it as it is.
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  callbacks,
  layers,
  load,
  oneHot,
  readSnapshot,
  save,
  sequential,
  standardScaler,
} from 'chainrule';
import { readSafetensors } from '../src/formats/safetensors.js';

const model = sequential({
  inputShape: [3],
  layers: [
    layers.batchNormalization(),
    layers.residual({
      layers: [
        layers.dense({ units: 6, activation: { type: 'leakyRelu', slope: 0.2 } }),
        layers.dropout({ rate: 0.1 }),
        layers.layerNormalization({ scale: false }),
      ],
      shortcut: [layers.dense({ units: 6, useBias: false, trainable: false })],
    }),
    layers.parallel({ branches: [[layers.dense({ units: 4, activation: 'gelu' })], []] }),
    layers.gaussianNoise({ stddev: 0.01 }),
    layers.dense({ units: 3, activation: 'softmax', weightRegularizer: { l2: 0.001 } }),
  ],
  loss: 'sparseCategoricalCrossentropy',
  optimizer: 'adam',
  metrics: ['accuracy'],
  preprocess: { x: [oneHot(3), standardScaler(), null] },
  seed: 11,
});
const colours = ['red', 'green', 'blue'];
const x = Array.from({ length: 30 }, (_, i) => [colours[i % 3]!, i * 0.7, (i * 7) % 5]);
const y = x.map((_, i) => ['no', 'yes', '__proto__'][(i * i + (i >> 2)) % 3]!);
const { checkpoint } = await model.fit(x, y, {
  epochs: 6,
  batchSize: 8,
  callbacks: [
    callbacks.earlyStopping({ monitor: 'loss' }),
    { onBatchEnd: ({ epoch, batch, stop }) => void (epoch === 3 && batch === 1 && stop()) },
  ],
});
const file = save(checkpoint!, { attachment: { note: 'kept' } });
const { format } = JSON.parse(readSafetensors(file).metadata.get('chainrule')!) as {
  format: number;
};
const path = fileURLToPath(new URL(`../test/fixtures/format-${format}.json`, import.meta.url));
if (existsSync(path)) throw new Error(`${path} is there, and is to stay as it is`);
const content = {
  file: Buffer.from(file).toString('base64'),
  x,
  y,
  predictions: [...load(readSnapshot(file)).predict(x)],
};
writeFileSync(path, `${JSON.stringify(content)}\n`);
