import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import brain from '../fixtures/brain.json';
import keras from '../fixtures/keras.json';
import pytorch from '../fixtures/pytorch.json';
import tfjs from '../fixtures/tfjs.json';

// The examples of docs/saving.md and docs/exchange.md, one after another as a reader would run them, in a
// folder with the files that they read. Handlers of requests are left to test/runtimes.

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'chainrule-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string | Uint8Array) =>
  writeFileSync(join(folder, name), content);

const model = tfjs.models.find(({ name }) => name === 'classifier, one shard')!;
const [group] = model.modelJson.weightsManifest;
const manifest = [{ ...group, paths: ['group1-shard1of1.bin'] }];
write('model.json', JSON.stringify({ ...model.modelJson, weightsManifest: manifest }));
write('group1-shard1of1.bin', Buffer.from(Object.values(model.files)[0]!, 'base64'));
write('brain.json', JSON.stringify(brain.versions[1]!.models.at(-1)!.json));
const { safetensors } = pytorch.models.find(({ name }) => name === 'relu')!;
write('weights.safetensors', Buffer.from(safetensors, 'base64'));

write('keras.safetensors', Buffer.from(keras.safetensors, 'base64'));

const text = ['saving.md', 'exchange.md']
  .map((name) => readFileSync(join(root, 'docs', name), 'utf8'))
  .join('\n');
const examples = [...text.matchAll(/^```(ts|js)\n(.*?)^```$/gms)]
  .map(([, language, code]) => ({
    language: language!,
    code: code!,
    title:
      code!.match(/\b(to|from)[A-Z]\w+|\b(checkpointFile|loadPredictor|readSnapshot)\b/)?.[0] ??
      'save',
  }))
  .filter(({ code }) => !code.includes('export default'));

it('has an example of each function', () => {
  const saving = ['save', 'load', 'resume', 'checkpointFile', 'loadPredictor'];
  const exchange = [
    'toOnnx',
    'fromOnnx',
    'fromTfjs',
    'fromBrain',
    'fromPyTorch',
    'fromKeras',
    'toModule',
  ];
  for (const name of [...saving, ...exchange]) {
    expect(
      examples.some(({ code }) => code.includes(`${name}`)),
      name,
    ).toBe(true);
  }
});

it.each(examples.map((example, i) => [example.title, example, i] as const))(
  'runs: %s',
  (_title, { language, code }, i) => {
    const file = `example${i}.m${language}`;
    write(file, code);
    const tsx = ['--tsconfig', join(root, 'tsconfig.json'), file];
    const program =
      language === 'ts' ? [join(root, 'node_modules/tsx/dist/cli.mjs'), ...tsx] : [file];
    execFileSync(process.execPath, program, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  },
);
