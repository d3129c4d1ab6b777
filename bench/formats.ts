import { dense, type LayerSpec, layers, load, readSpec, save, sequential } from 'chainrule';
import { fromTfjs } from 'chainrule/convert';
import { fromOnnx, toOnnx } from 'chainrule/onnx';
import { loadPredictor } from 'chainrule/predict';
import { interleave, quick } from './measure.js';

/*
 * npm run bench:formats
 *
 * How the time to read a file grows with its size: files of each kind, made large in each way that its
 * parts can be many, are read at five sizes. A line through the logarithms of times and sizes has the
 * exponent as its slope; what is above `most` ends the program with an error. Files that are refused
 * are read to where they are.
 */

const most = 1.3;

interface Growth {
  /** The file that is `size` times as large as the smallest. */
  make(size: number): Uint8Array;
  read(file: Uint8Array): unknown;
}

const options = { backend: 'js', onWarning() {} } as const;
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Networks of many weights, of many layers, and of many layers inside others. */
const wide = (size: number) => {
  const units = 16 * Math.round(Math.sqrt(size));
  return sequential({ inputShape: [units], layers: [dense(units), dense(units)] }, options);
};
const deep = (size: number) => {
  const list = Array.from({ length: 7 * size }, () => dense(1, { activation: 'tanh' }));
  return sequential({ inputShape: [1], layers: list }, options);
};
const branched = (size: number) => {
  const block = layers.residual({
    layers: [layers.parallel({ branches: [[dense(1)], []] }), dense(1)],
  });
  return sequential(
    { inputShape: [1], layers: Array.from({ length: 3 * size }, () => block) },
    options,
  );
};
const networks = { 'many weights': wide, 'many layers': deep, 'layers inside others': branched };

const attached = (size: number) => {
  const model = sequential({ inputShape: [1], layers: [dense(1)] }, options);
  const attachment = Array.from({ length: 300 * size }, (_, i) => ({ [`name ${i}`]: [i, 'text'] }));
  return save(model, { attachment });
};

/**
 * Tensors in a header alone, thousands even in the smallest file: with fewer, the step from what V8's
 * young generation holds to what has to be moved out of it would count as growth.
 */
const manyTensors = 1000;

/** A safetensors file of one header and no data. */
function headerAlone(entries: readonly string[]): Uint8Array {
  const header = new TextEncoder().encode(`{${entries.join(',')}}`);
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setUint32(0, header.length, true);
  file.set(header, 8);
  return file;
}

const empty = (name: string) => `"${name}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`;

/** model.json of TensorFlow.js and its weights, one behind the other. */
function tfjs(units: number, count: number): Uint8Array {
  const list = Array.from({ length: count }, (_, i) => ({
    class_name: 'Dense',
    config: {
      name: `d${i}`,
      units,
      use_bias: false,
      ...(i === 0 && { batch_input_shape: [null, units] }),
    },
  }));
  const weights = list.map(({ config: { name } }) => ({
    name: `${name}/kernel`,
    shape: [units, units],
    dtype: 'float32',
  }));
  const json = encode({
    modelTopology: { class_name: 'Sequential', config: { layers: list } },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
  });
  const file = new Uint8Array(4 + json.length + 4 * units * units * count);
  new DataView(file.buffer).setUint32(0, json.length, true);
  file.set(json, 4);
  return file;
}

function readTfjs(file: Uint8Array) {
  const length = new DataView(file.buffer).getUint32(0, true);
  return fromTfjs(file.subarray(4, 4 + length), file.subarray(4 + length), options);
}

const refused = (read: (file: Uint8Array) => unknown) => (file: Uint8Array) => {
  try {
    read(file);
  } catch {
    return;
  }
  throw new Error('a file was read that is none');
};

const readers = {
  load: (file: Uint8Array) => load(file, options),
  loadPredictor: (file: Uint8Array) => loadPredictor(file, { backend: 'js' }),
  fromOnnx: (file: Uint8Array) => fromOnnx(file, options),
};

const growths: Record<string, Growth> = {
  ...Object.fromEntries(
    Object.entries(networks).flatMap(
      ([what, network]) =>
        [
          [`safetensors, ${what}`, { make: (size) => save(network(size)), read: readers.load }],
          [
            `predictor, ${what}`,
            { make: (size) => save(network(size)), read: readers.loadPredictor },
          ],
          [`ONNX, ${what}`, { make: (size) => toOnnx(network(size)), read: readers.fromOnnx }],
        ] satisfies [string, Growth][],
    ),
  ),
  'safetensors, with the optimizer': {
    make: (size) => save(deep(size), { optimizer: true }),
    read: readers.load,
  },
  'safetensors, an attachment': { make: attached, read: readers.load },
  'safetensors, tensors of no model': {
    make: (size) =>
      headerAlone(Array.from({ length: manyTensors * size }, (_, i) => empty(`t${i}`))),
    read: refused(readers.load),
  },
  'safetensors, one name again and again': {
    make: (size) => headerAlone(Array.from({ length: manyTensors * size }, () => empty('t'))),
    read: refused(readers.load),
  },
  'model JSON, many layers': { make: (size) => encode(deep(2 * size).toJSON()), read: readSpec },
  'model JSON, layers inside others': {
    make: (size) => encode(branched(size).toJSON()),
    read: readSpec,
  },
  'model JSON, names of classes': {
    make: (size) => {
      const units = 500 * size;
      const classes = Array.from({ length: units }, (_, i) => `class ${i}`);
      return encode({ inputShape: [1], layers: [{ type: 'dense', units }], classes });
    },
    read: readSpec,
  },
  'model JSON, options that there are not': {
    make: (size) => {
      const layer = Object.fromEntries(Array.from({ length: 500 * size }, (_, i) => [`o${i}`, i]));
      return encode({
        inputShape: [1],
        layers: [{ ...layer, type: 'dense' } as unknown as LayerSpec],
      });
    },
    read: refused(readSpec),
  },
  'TensorFlow.js, many weights': {
    make: (size) => tfjs(16 * Math.round(Math.sqrt(size)), 2),
    read: readTfjs,
  },
  'TensorFlow.js, many layers': { make: (size) => tfjs(1, 12 * size), read: readTfjs },
};

/** The slope of the line that comes nearest to the points (least squares). */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(points.map(([a]) => a)), mean(points.map(([, b]) => b))];
  const along = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return along / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

const sizes = [16, 32, 64, 128, 256];
const inUnits = (bytes: number) =>
  bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(0)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const rows: Record<string, Record<string, string | number>> = {};
for (const [name, { make, read }] of Object.entries(growths)) {
  const files = sizes.map(make);
  const sides = Object.fromEntries(files.map((file, i) => [`${i}`, { call: () => read(file) }]));
  const timings = await interleave(sides, quick);
  const times = files.map((_, i) => timings[`${i}`]!.median);
  const exponent = slope(files.map((file, i) => [Math.log(file.length), Math.log(times[i]!)]));
  rows[name] = {
    smallest: inUnits(files[0]!.length),
    largest: inUnits(files.at(-1)!.length),
    'ms, smallest': (1e3 * times[0]!).toFixed(3),
    'ms, largest': (1e3 * times.at(-1)!).toFixed(2),
    exponent: exponent.toFixed(2),
  };
  if (exponent > most) process.exitCode = 1;
}
console.table(rows);
console.log(`time ~ size^exponent; at most ${most} is wanted`);
