// The package as a user gets it: packed, installed into an empty folder, imported and required,
// type-checked in an editor's way, with nothing installed beside it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'chainrule-install-'));
const run = (command, ...args) =>
  execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const program = `
const model = sequential({ inputShape: [2], task: 'binary',
  layers: [dense(8), dense(1)], optimizer: { type: 'adam', learningRate: 0.05 } });
const x = [[0, 0], [0, 1], [1, 0], [1, 1]];
model.fit(x, [0, 1, 1, 0], { epochs: 300 }).then(({ history, stopReason }) => {
  if (model.backend !== 'wasm' || stopReason !== 'completed') throw new Error(model.backend);
  const classes = model.predictClasses(x).join();
  if (classes !== '0,1,1,0') throw new Error('expected 0,1,1,0, got ' + classes);
  console.log(kind, 'learnt XOR, loss', history.loss.at(-1)?.toPrecision(3));
});
`;

try {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    }),
  );
  const entry = Array.isArray(packed) ? packed[0] : Object.values(packed)[0];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('npm', 'install', '--no-audit', '--no-fund', `./${entry.filename}`);
  const installed = readdirSync(join(folder, 'node_modules')).filter(
    (name) => !name.startsWith('.'),
  );
  if (installed.join() !== 'chainrule') throw new Error(`installs more than itself: ${installed}`);

  writeFileSync(
    join(folder, 'a.mjs'),
    `import { dense, sequential } from 'chainrule';\nconst kind = 'import';${program}`,
  );
  writeFileSync(
    join(folder, 'b.cjs'),
    `const { dense, sequential } = require('chainrule');\nconst kind = 'require';${program}`,
  );
  writeFileSync(
    join(folder, 'c.mts'),
    `import { dense, sequential } from 'chainrule';\nconst kind: string = 'types';${program}`,
  );
  process.stdout.write(run(process.execPath, 'a.mjs'));
  process.stdout.write(run(process.execPath, 'b.cjs'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  for (const resolution of ['node16', 'nodenext', 'bundler']) {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      module: resolution === 'bundler' ? 'esnext' : resolution,
      moduleResolution: resolution,
      lib: ['es2022', 'dom'],
      types: [],
    };
    const config = JSON.stringify({ compilerOptions, files: ['c.mts'] });
    writeFileSync(join(folder, 'tsconfig.json'), config);
    run(process.execPath, tsc);
  }
  console.log(`packed ${entry.size} bytes, unpacked ${entry.unpackedSize}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
