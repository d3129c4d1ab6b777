import { basename, extname } from 'node:path';
import { FormatError } from '../../errors.js';
import { toOnnx } from '../../formats/onnx/export.js';
import { fromOnnx } from '../../formats/onnx/import.js';
import { toModule } from '../../module.js';
import { save } from '../../save.js';
import type { Snapshot } from '../../snapshot.js';
import { type CommandSpec, commonOptions, readArguments } from '../arguments.js';
import { checkFree, readWhole, writeWhole } from '../files.js';
import { readModel } from '../model-file.js';
import { type ExitCode, Problem, printable } from '../problem.js';
import type { Screen } from '../terminal/screen.js';

const { json: _, ...options } = commonOptions;

export const convertCommand = {
  usage: 'convert MODEL --to FORMAT [-o FILE]',
  about:
    'Writes a model in another format. MODEL is a model file, or an ONNX file (.onnx). FORMAT is onnx, json (everything as text), js (a module that predicts by itself) or safetensors.',
  operands: { least: 1, most: 1 },
  options: {
    to: { value: 'FORMAT', about: 'onnx, json, js or safetensors' },
    output: {
      short: 'o',
      value: 'FILE',
      about: "where it goes (default: the model's name with another ending)",
    },
    force: { short: 'f', about: 'overwrite a file that is there' },
    ...options,
  },
  examples: [
    ['npx chainrule convert iris.safetensors --to onnx', 'for onnxruntime and others'],
    ['npx chainrule convert iris.onnx --to safetensors', 'and back'],
    ['npx chainrule convert iris.safetensors --to js', 'to import without any library'],
  ],
} as const satisfies CommandSpec;

/** What a model is written as, and the ending of such files. */
const formats: Readonly<
  Record<string, { readonly ending: string; write(snapshot: Snapshot): string | Uint8Array }>
> = {
  onnx: { ending: '.onnx', write: (snapshot) => toOnnx({ snapshot: () => snapshot }) },
  js: { ending: '.js', write: (snapshot) => toModule({ snapshot: () => snapshot }) },
  safetensors: { ending: '.safetensors', write: (snapshot) => save(snapshot) },
  json: { ending: '.json', write: asJson },
};

/** A snapshot as JSON, typed arrays as arrays of numbers. */
function asJson(snapshot: Snapshot): string {
  const plain = (_key: string, value: unknown) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
  return `${JSON.stringify(snapshot, plain)}\n`;
}

async function readAny(path: string): Promise<Snapshot> {
  if (extname(path).toLowerCase() !== '.onnx') return (await readModel(path)).snapshot;
  try {
    return fromOnnx(await readWhole(path)).snapshot();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Problem(`${printable(path, 200)}: ${printable(error.message, 300)}`);
  }
}

export async function convert(given: readonly string[], screen: Screen): Promise<ExitCode> {
  const options = readArguments(convertCommand, given);
  const path = options.operands[0]!;
  const to = options.oneOf('to', Object.keys(formats));
  if (to === undefined) throw new Problem(`--to is missing: ${Object.keys(formats).join(', ')}`);
  const { ending, write } = formats[to]!;
  const output = options.text('output') ?? `${basename(path, extname(path))}${ending}`;
  await checkFree(output, options.has('force'));
  const snapshot = await readAny(path);
  await writeWhole(output, write(snapshot));
  screen.tell(`written to ${printable(output, 200)}`);
  return 0;
}
