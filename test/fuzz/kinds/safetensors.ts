import { load, save } from 'chainrule';
import type { Random } from '../../../src/random.js';
import type { Kind } from '../harness.js';
import { join, jsonText, mutateBytes, mutateJson, pick, type Value } from '../mutate.js';
import { masked, models, shaped } from './models.js';

const made = await models();
const history = { loss: [1, Number.NaN], accuracy: [0, -0] };
const training = { at: 3, sums: Float64Array.of(1, 2), callbacks: [null, { best: Number.NaN }] };

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
type Header = { [name: string]: Entry } & { __metadata__: { chainrule: string } };

export function parts(file: Uint8Array) {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Header;
  return { header, data: file.subarray(8 + length) };
}

export function fileOf(header: string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, text.length, true);
  return join(length, text, data);
}

/** One tensor made larger, smaller or of another shape, so that all offsets still fit. */
function reshape(header: Header, data: Uint8Array, random: Random): Uint8Array {
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  const entries = names.map((name) => [name, header[name]!] as const);
  entries.sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
  const chosen = random.below(entries.length);
  const pieces: Uint8Array[] = [];
  let end = 0;
  entries.forEach(([, entry], i) => {
    const [from, to] = entry.data_offsets;
    let piece = data.subarray(from, to);
    if (i === chosen) {
      const shape = entry.shape.length > 0 ? [...entry.shape] : [1];
      const k = random.below(shape.length);
      if (random.below(4) > 0) shape[k] = Math.max(0, shape[k]! + pick(random, [-1, 1, 2, 64]));
      else shape.reverse();
      const count = shape.reduce((a, b) => a * b, 1);
      const before = entry.shape.reduce((a, b) => a * b, 1);
      const size = before > 0 ? (piece.length / before) * count : 0;
      piece = join(piece.subarray(0, size), new Uint8Array(Math.max(0, size - piece.length)));
      entry.shape = shape;
    }
    pieces.push(piece);
    entry.data_offsets = [end, end + piece.length];
    end += piece.length;
  });
  return join(...pieces);
}

/** Files of networks of rows of numbers, with all that `save` may put in. */
export const plainFiles = () => [
  ...made.map((model) => save(model)),
  ...made.map((model) => save(model, { optimizer: true, history })),
  save({ ...made[1]!.snapshot({ optimizer: true }), training }),
];

/** Model files: safetensors. */
export const safetensors: Kind = {
  name: 'safetensors',
  seeds: () => [...plainFiles(), ...[...shaped(), ...masked()].map((model) => save(model))],
  mutate(seed, random, seeds) {
    const { header, data } = parts(seed);
    switch (random.below(6)) {
      case 0:
        return mutateBytes(seed, random, seeds);
      case 1: {
        // Damage within the header alone, or within the data alone.
        const text = new TextEncoder().encode(JSON.stringify(header));
        if (random.below(4) === 0) {
          return fileOf(JSON.stringify(header), mutateBytes(data, random, seeds));
        }
        return fileOf(new TextDecoder().decode(mutateBytes(text, random, seeds)), data);
      }
      case 2:
        return fileOf(jsonText(mutateJson(header as unknown as Value, random), random), data);
      case 3: {
        const moved = reshape(header, data, random);
        return fileOf(JSON.stringify(header), moved);
      }
      default: {
        const about = JSON.parse(header.__metadata__.chainrule) as Value;
        header.__metadata__.chainrule = jsonText(mutateJson(about, random), random);
        return fileOf(JSON.stringify(header), data);
      }
    }
  },
  read: (file) => load(file, { backend: 'js' }),
};
