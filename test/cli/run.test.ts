import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { load, readSnapshot } from '../../src/load.js';
import { command } from './command.js';

const folder = mkdtempSync(join(tmpdir(), 'chainrule-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** Runs a command line, and presses Ctrl-C as soon as it listens. Later it might be done. */
async function interrupted(...given: string[]) {
  const press = (event: string | symbol) => {
    if (event === 'SIGINT') queueMicrotask(() => process.emit('SIGINT'));
  };
  process.on('newListener', press);
  try {
    return await command(...given);
  } finally {
    process.off('newListener', press);
  }
}

const iris = 'examples/data/iris.csv';
const quick = ['--epochs', '120', '--force'];

describe('a table from start to end', () => {
  const model = at('iris.safetensors');

  it('trains, and says how well', async () => {
    const { code, stdout, stderr } = await command(
      'train',
      iris,
      '-t',
      'species',
      '-o',
      model,
      ...quick,
    );
    expect(code).toBe(0);
    expect(stderr).toContain('one of 3 classes (setosa 50, versicolor 50, virginica 50)');
    expect(stdout).toMatch(/accuracy 0\.9\d{3} {3}F1 0\.9\d{3} {3}ROC AUC/);
    expect(stdout).toMatch(/What matters[\s\S]*petal_/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
    expect(stdout + stderr).not.toMatch(/\u001b|\r/);
  });

  it('gives the same file for the same seed on both backends, and another for another', async () => {
    const bytes = async (...options: string[]) => {
      const path = at('again.safetensors');
      await command('train', iris, '-t', 'species', '-o', path, ...quick, ...options);
      return readFileSync(path);
    };
    const first = readFileSync(model);
    expect((await bytes()).equals(first)).toBe(true);
    expect((await bytes('--backend', 'js')).equals(first)).toBe(true);
    expect((await bytes('--seed', '1')).equals(first)).toBe(false);
  });

  it('leaves a model that JavaScript loads and that predicts raw rows', () => {
    const network = load(readFileSync(model));
    expect(
      network.predictClasses([
        [5.1, 3.5, 1.4, 0.2],
        [6.7, 3.0, 5.2, 2.3],
      ]),
    ).toEqual(['setosa', 'virginica']);
    expect(readSnapshot(readFileSync(model)).history?.loss?.length).toBeGreaterThan(10);
  });

  it('predicts: rows in order, columns in any order, others kept', async () => {
    const data = at('new.csv');
    writeFileSync(
      data,
      'note,petal_width,petal_length,sepal_width,sepal_length\n=1+1,0.2,1.4,3.5,5.1\n-1.5,2.3,5.2,3.0,6.7\n',
    );
    const { code, stdout } = await command('predict', model, data);
    const [head, first, second] = stdout.split('\n');
    expect(code).toBe(0);
    expect(head).toBe(
      'note,petal_width,petal_length,sepal_width,sepal_length,prediction,p(setosa),p(versicolor),p(virginica)',
    );
    expect(first).toMatch(/^'=1\+1,0\.2,1\.4,3\.5,5\.1,setosa,0\.9/);
    expect(second).toMatch(/^-1\.5,2\.3,5\.2,3\.0,6\.7,virginica,/);
    const network = load(readFileSync(model));
    const probabilities = second!.split(',').slice(6).map(Number);
    const expected = network.predict([[6.7, 3.0, 5.2, 2.3]]);
    expect(probabilities).toEqual(Array.from(expected, (p) => Number(p.toPrecision(7))));
    const only = await command('predict', model, data, '--only', '-o', at('out.csv'));
    expect(only.code).toBe(0);
    expect(readFileSync(at('out.csv'), 'utf8').split('\n')[0]).toBe(
      'prediction,p(setosa),p(versicolor),p(virginica)',
    );
    expect((await command('predict', model, data, '-o', at('out.csv'))).code).toBe(2);
  });

  it('evaluates and inspects, for people and for machines', async () => {
    const people = await command('evaluate', model, iris);
    expect(people.stdout).toMatch(/setosa +\d\.\d{3} +\d\.\d{3} +\d\.\d{3} +50/);
    const machines = JSON.parse((await command('evaluate', model, iris, '--json')).stdout);
    expect(machines.rows).toBe(150);
    expect(machines.scores.accuracy).toBeGreaterThan(0.94);
    const inspected = await command('inspect', model);
    expect(inspected.stdout).toMatch(/predicts species \(setosa, versicolor, virginica\)/);
    expect(inspected.stdout).toMatch(/layers\.0\.w +[▁▂▃▄▅▆▇█ ]+/);
    expect(JSON.parse((await command('inspect', model, '--json')).stdout).spec.inputShape).toEqual([
      4,
    ]);
  });

  it('names columns that a table lacks, and rows that are not numbers', async () => {
    const lacking = at('lacking.csv');
    writeFileSync(lacking, 'petal_width,petal_lenght,sepal_width,sepal_length\n0.2,1.4,3.5,5.1\n');
    const first = await command('predict', model, lacking, '-o', at('never.csv'));
    expect(first).toMatchObject({ code: 2, stdout: '' });
    expect(first.stderr).toContain(
      "that is not there: 'petal_length'; did you mean 'petal_lenght'?",
    );
    const wrong = at('wrong.csv');
    writeFileSync(
      wrong,
      'petal_width,petal_length,sepal_width,sepal_length\n0.2,1.4,3.5,5.1\n0.2,x,3.5,5.1\n',
    );
    const second = await command('predict', model, wrong, '-o', at('never.csv'));
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(
      "wrong.csv, line 3, column 'petal_length': expected a number, got 'x'",
    );
    expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([]);
  });
});

describe('converting', () => {
  const model = at('iris.safetensors');

  it('writes ONNX and reads it back, and JSON', async () => {
    expect((await command('convert', model, '--to', 'onnx', '-o', at('iris.onnx'))).code).toBe(0);
    const back = await command(
      'convert',
      at('iris.onnx'),
      '--to',
      'safetensors',
      '-o',
      at('back.safetensors'),
    );
    expect(back.code).toBe(0);
    const row = [5.9, 3.1, 4.5, 1.4];
    const [before, after] = [model, at('back.safetensors')].map((path) =>
      load(readFileSync(path)).predict(row),
    );
    after!.forEach((p, i) => {
      expect(p).toBeCloseTo(before![i]!, 5);
    });
    expect((await command('convert', model, '--to', 'js', '-o', at('iris.mjs'))).code).toBe(0);
    const { predict } = await import(at('iris.mjs'));
    expect(predict(row)).toEqual(load(readFileSync(model)).predict(row));
    expect((await command('convert', model, '--to', 'json', '-o', at('iris.json'))).code).toBe(0);
    const json = JSON.parse(readFileSync(at('iris.json'), 'utf8'));
    const weights = readSnapshot(readFileSync(model)).weights['layers.0.w']!;
    expect(json.weights['layers.0.w']).toEqual({
      shape: [4, 64],
      values: Array.from(weights.values),
    });
  });

  it('refuses other formats by name', async () => {
    const { code, stderr } = await command('convert', model, '--to', 'onx');
    expect([code, stderr]).toEqual([
      2,
      "chainrule: --to: 'onx' is not known; did you mean 'onnx'?\n",
    ]);
  });
});

describe('a regression with categories and gaps', () => {
  const data = at('houses.csv');
  const size = (r: number) => 40 + ((r * 37) % 100);
  const rows = Array.from({ length: 300 }, (_, r) => {
    const street = ['oak', 'elm', 'ash'][r % 3]!;
    const price = size(r) * 2 + (street === 'elm' ? 50 : 0);
    return `${r % 17 === 0 ? '' : size(r)},${r % 23 === 0 ? '' : street},${price},${r}`;
  });
  writeFileSync(data, `size,street,price,id\n${rows.join('\n')}\n`);
  const model = at('houses.safetensors');

  it('learns, and leaves out what numbers the rows', async () => {
    const { code, stderr, stdout } = await command(
      'train',
      data,
      '-t',
      'price',
      '-o',
      model,
      '--plot',
      at('houses.svg'),
      '--force',
    );
    expect(code).toBe(0);
    expect(stderr).toContain('1 column of numbers, 1 column of categories');
    expect(stderr).toContain('id (numbers the rows)');
    expect(Number(/R² (0\.\d+)/.exec(stdout)?.[1])).toBeGreaterThan(0.85);
    expect(readFileSync(at('houses.svg'), 'utf8')).toMatch(/^<svg .*<polyline/s);
  });

  it('reports categories that training has not seen, by row', async () => {
    const fresh = at('fresh.csv');
    writeFileSync(fresh, `size,street\n60,oak\n${'70,birch\n'.repeat(12)}`);
    const { code, stdout, stderr } = await command('predict', model, fresh);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(14);
    expect(stderr).toContain(
      "fresh.csv, line 3, column 'street': 'birch' was not seen in training",
    );
    expect(stderr.match(/birch/g)).toHaveLength(10);
    expect(stderr).toContain('12 such cells in all');
  });
});

describe('rows in a temporary file', () => {
  it('give the same bytes as rows in memory, stopped and resumed too', async () => {
    const model = at('spilled.safetensors');
    for (const [data, target] of [
      [iris, 'species'],
      [at('houses.csv'), 'price'],
    ] as const) {
      const given = [data, '-t', target, '-o', model, '--force', '--epochs', '12', '--batch', '7'];
      await command('train', ...given);
      const inMemory = readFileSync(model);
      expect((await command('train', ...given, '--memory', '0')).code).toBe(0);
      expect(readFileSync(model).equals(inMemory)).toBe(true);
      const folder = at(`spilled-${target}`);
      const kept = ['--memory', '0', '--checkpoint', folder];
      await command('train', ...given, ...kept);
      for (const epoch of ['11', '12']) rmSync(join(folder, `checkpoint-0000${epoch}.safetensors`));
      await command('train', data, '--resume', folder, '--memory', '0', '-o', model, '--force');
      expect(readFileSync(model).equals(inMemory)).toBe(true);
    }
  });
});

describe('a training that is stopped', () => {
  const model = at('stopped.safetensors');
  const long = ['--epochs', '1000', '--patience', '1000'];
  const given = [iris, '-t', 'species', '-o', model, '--force', ...long];
  const rest = at('stopped.stopped.safetensors');

  it('goes on to the same bytes as one that was not, on another backend too', async () => {
    await command('train', ...given);
    const whole = readFileSync(model);
    for (const backend of ['wasm', 'js']) {
      rmSync(model);
      const { code, stderr } = await interrupted('train', ...given);
      expect(code).toBe(130);
      expect(stderr).toContain(`to go on: chainrule train ${iris} --resume ${rest}`);
      expect(existsSync(model)).toBe(false);
      const resumed = await command(
        'train',
        iris,
        '--resume',
        rest,
        '-o',
        model,
        '--backend',
        backend,
      );
      expect(resumed.stderr).toMatch(/going on behind epoch \d+ of 1000/);
      expect(resumed.code).toBe(0);
      expect(readFileSync(model).equals(whole)).toBe(true);
    }
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('goes on from a folder of checkpoints, as a process that was killed has to', async () => {
    const checkpoints = at('checkpoints');
    const steps = ['-t', 'species', '--force', '--patience', '9', '--checkpoint', checkpoints];
    const ten = await command(
      'train',
      iris,
      ...steps,
      '-o',
      at('ten.safetensors'),
      '--epochs',
      '10',
    );
    expect(ten.code).toBe(0);
    expect(readdirSync(checkpoints)).toContain('checkpoint-000010.safetensors');
    const whole = readFileSync(at('ten.safetensors'));
    // As if the process had ended behind epoch 8.
    for (const epoch of ['09', '10'])
      rmSync(join(checkpoints, `checkpoint-0000${epoch}.safetensors`));
    const again = ['train', iris, '--resume', checkpoints, '-o', at('ten.safetensors')];
    const resumed = await command(...again, '--force');
    expect([resumed.code, resumed.stderr]).toEqual([
      0,
      expect.stringContaining('going on behind epoch 8 of 10'),
    ]);
    expect(readFileSync(at('ten.safetensors')).equals(whole)).toBe(true);
    mkdirSync(at('empty'));
    const none = await command('train', iris, '--resume', at('empty'), '-o', at('x'));
    expect([none.code, none.stderr]).toEqual([
      2,
      `chainrule: ${at('empty')}: there is no checkpoint in it\n`,
    ]);
  });

  it('refuses to go on with another table, or with a model that is done', async () => {
    const other = at('other.csv');
    writeFileSync(other, readFileSync(iris, 'utf8').replace('5.1,3.5', '5.2,3.5'));
    const table = await command('train', other, '--resume', rest, '-o', at('x'));
    expect(table.code).toBe(2);
    expect(table.stderr).toMatch(/resume: .*(x and y|validationData)/);
    const done = await command('train', iris, '--resume', model, '-o', at('x'));
    expect([done.code, done.stderr]).toEqual([
      2,
      `chainrule: --resume: ${model}: expected what a training left that was stopped, got a model that is done\n`,
    ]);
    expect(existsSync(at('x'))).toBe(false);
  });
});

describe('what is wrong', () => {
  const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['an unknown command', ['trian'], 2, /trian: there is no such command; did you mean 'train'\?/],
    [
      'an unknown option',
      ['train', iris, '--epohs', '3'],
      2,
      /--epohs: there is no such option; did you mean '--epochs'\?/,
    ],
    ['no table', ['train'], 2, /expected: chainrule train DATA\.csv --target COLUMN/],
    ['two tables', ['train', iris, 'b.csv'], 2, /and 'b\.csv' is one too many/],
    [
      'no target',
      ['train', iris, '-o', at('x')],
      2,
      /--target is missing: which column is to be predicted\?/,
    ],
    [
      'a number that is none',
      ['train', iris, '-t', 'species', '-o', at('x'), '--epochs', 'many'],
      2,
      /--epochs: expected a number of at least 0, got 'many'/,
    ],
    [
      'an unknown optimizer',
      ['train', iris, '-t', 'species', '-o', at('x'), '--optimizer', 'adm'],
      2,
      /unknown name 'adm'; did you mean 'adam'\?/,
    ],
    ['a model that is none', ['predict', iris, iris], 2, /iris\.csv: no model file: /],
    [
      'a folder that is not there',
      ['train', iris, '-t', 'species', '-o', at('none/x'), '--epochs', '1'],
      1,
      /cannot be written: there is no such folder/,
    ],
  ];
  for (const [what, given, code, message] of cases) {
    it(`says so of ${what}`, async () => {
      const result = await command(...given);
      expect(result.stderr).toMatch(message);
      expect(result.stderr.trim().split('\n').at(-1)).toMatch(/^chainrule: /);
      expect(result.code).toBe(code);
      expect(existsSync(at('x'))).toBe(false);
    });
  }

  it('overwrites nothing without --force', async () => {
    writeFileSync(at('kept.safetensors'), 'kept');
    const { code, stderr } = await command(
      'train',
      iris,
      '-t',
      'species',
      '-o',
      at('kept.safetensors'),
    );
    expect([code, stderr]).toEqual([
      2,
      `chainrule: ${at('kept.safetensors')} is there already: --force overwrites it\n`,
    ]);
    expect(readFileSync(at('kept.safetensors'), 'utf8')).toBe('kept');
  });

  it('refuses a model whose table does not fit its network', async () => {
    const { save } = await import('../../src/save.js');
    const model = readFileSync(at('iris.safetensors'));
    const snapshot = readSnapshot(model);
    const table = { ...(snapshot.attachment as { table: object }).table, features: [] };
    const { course } = snapshot.attachment as { course: object };
    writeFileSync(
      at('odd.safetensors'),
      save(snapshot, { attachment: { table, course } as never }),
    );
    const { code, stderr } = await command('inspect', at('odd.safetensors'));
    expect(code).toBe(2);
    expect(stderr).toContain('table: features: expected 4, as many as the network has inputs');
  });
});

describe('help', () => {
  it('teaches: every command has examples and all of its options', async () => {
    const { stdout, code } = await command();
    expect(code).toBe(0);
    for (const name of ['train', 'predict', 'evaluate', 'inspect', 'convert', 'bench']) {
      expect(stdout).toContain(`\n  ${name} `);
      const help = await command(name, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(`npx chainrule ${name}`);
      expect(help.stdout).toContain('--help');
    }
  });
});

describe('threads', () => {
  it('train to the same bytes', async () => {
    const model = at('threads.safetensors');
    const given = ['train', iris, '-t', 'species', '-o', model, '--epochs', '2', '--force'];
    // Large enough to be shared.
    const layers = ['--layers', '512,512', '--batch', '64'];
    await command(...given, ...layers);
    const one = readFileSync(model);
    expect((await command(...given, ...layers, '--threads', '2')).code).toBe(0);
    expect(readFileSync(model).equals(one)).toBe(true);
    const { code, stderr } = await command(...given, '--threads', '2', '--backend', 'js');
    expect([code, stderr.trim().split('\n').at(-1)]).toEqual([
      2,
      'chainrule: --threads: plain JavaScript has one: leave --backend js out',
    ]);
  });
});
