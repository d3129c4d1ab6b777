// What users build with, and no configuration: fixtures in consumers/ are built from the packed package
// by the commands of their package.json, and what comes out is run.
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { serve, visit } from '../support/browsers.mjs';
import { here, modules } from '../support/install.mjs';
import { NotAvailable, outcomeIn, run, start, within } from '../support/shell.mjs';

const expect = { backend: 'wasm', fused: 'trained', worker: 'trained' };
const noWorkers = { ...expect, worker: 'refused' };
const folderOf = (name) => join(here, 'consumers', name);

/** Tools run on one version of Node, whichever this process has. */
const node = join(modules, 'node24/bin/node');

function environment(name) {
  if (!existsSync(node)) throw new NotAvailable('no Node 24 for this processor and system');
  // Node first: among the packages' programs there is a `node` too.
  const bins = [join(node, '..'), join(folderOf(name), 'node_modules/.bin'), join(modules, '.bin')];
  return {
    PATH: [...bins, process.env.PATH].join(delimiter),
    CI: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    WRANGLER_SEND_METRICS: 'false',
  };
}

const commandOf = (name, script) =>
  JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')).scripts[script];

/** Runs a script of a fixture as npm would. */
const script = (name, which) =>
  run('sh', ['-c', commandOf(name, which)], {
    cwd: folderOf(name),
    env: environment(name),
    seconds: 300,
  });

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Keeps a server of a fixture up while `use` asks it. */
async function withServer(name, which, options, use) {
  const port = await freePort();
  const command = `${commandOf(name, which)} ${options} 127.0.0.1 --port ${port}`;
  const url = `http://127.0.0.1:${port}/`;
  const server = start('sh', ['-c', `exec ${command}`], {
    cwd: folderOf(name),
    env: environment(name),
  });
  const answering = async () => {
    for (;;) {
      try {
        await fetch(url, { method: 'HEAD' });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  };
  try {
    await within(90, answering(), server.output);
    return await use(url);
  } finally {
    server.stop();
    await server.ended;
  }
}

/** The answer of a route that responds with its outcome. */
async function answer(url) {
  const text = await (await fetch(url)).text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${url} answers ${text.slice(0, 1000)}`);
  }
}

/** Builds for pages with a bundler, and opens its index.html. */
const builtPage = (name) => async () => {
  await script(name, 'build');
  const site = await serve(here);
  try {
    return await visit('chromium', `${site.url}consumers/${name}/index.html`);
  } finally {
    site.close();
  }
};

const builtProgram = (name, file) => async () => {
  await script(name, 'build:node');
  return outcomeIn(await run(node, [join(folderOf(name), 'dist', file)]));
};

/** What a bundler leaves of a program that imports much and uses nothing. */
const unused = (name) => async () => {
  await script(name, 'build:unused');
  const { size } = statSync(join(folderOf(name), 'dist/unused.js'));
  if (size >= 100) throw new Error(`imports that nobody uses leave ${size} bytes`);
  return { bytes: size };
};

const bundlers = [
  ['esbuild', 'node.cjs'],
  ['rollup', 'node.mjs'],
  ['webpack', 'node.cjs'],
].flatMap(([name, file]) => [
  { name: `${name}, page`, expect, run: builtPage(name) },
  { name: `${name}, Node`, expect, run: builtProgram(name, file) },
  { name: `${name}, unused imports`, expect: {}, run: unused(name) },
]);

/** Checks the types, lines that must not compile included, then runs what the compiler wrote. */
async function typescript(version, resolution) {
  const folder = folderOf('typescript');
  environment('typescript');
  const compiler = join(modules, `typescript-${version}/bin/tsc`);
  const written = ['main.mjs', ...(resolution === 'bundler' ? [] : ['main.cjs'])];
  try {
    await run(node, [compiler, '-p', `tsconfig.${resolution}.json`], { cwd: folder });
    const outcomes = [];
    for (const file of written) outcomes.push(outcomeIn(await run(node, [file], { cwd: folder })));
    const other = outcomes.find(({ hash }) => hash !== outcomes[0].hash);
    if (other) throw new Error(`CommonJS learns ${other.hash}`);
    return outcomes[0];
  } finally {
    for (const file of written) rmSync(join(folder, file), { force: true });
  }
}

const compilers = ['5.9', '6', '7'].flatMap((version) =>
  ['node16', 'nodenext', 'bundler'].map((resolution) => ({
    name: `TypeScript ${version}, ${resolution}`,
    expect,
    run: () => typescript(version, resolution),
  })),
);

const vite = [
  {
    name: 'vite, dev',
    expect,
    run() {
      // What it has bundled of an earlier package, it would serve again.
      rmSync(join(folderOf('vite'), 'node_modules/.vite'), { recursive: true, force: true });
      return withServer('vite', 'dev', '--host', (url) => visit('chromium', url));
    },
  },
  {
    name: 'vite, build',
    expect,
    async run() {
      await script('vite', 'build');
      return withServer('vite', 'preview', '--host', (url) => visit('chromium', url));
    },
  },
];

let built;
const next = (use) => async () => {
  built ??= script('next', 'build');
  await built;
  return withServer('next', 'start', '--hostname', use);
};

export const consumers = [
  ...compilers,
  ...vite,
  ...bundlers,
  { name: 'Next.js, edge route', expect: noWorkers, run: next((url) => answer(`${url}api/edge`)) },
  { name: 'Next.js, Node route', expect, run: next((url) => answer(`${url}api/node`)) },
  { name: 'Next.js, page', expect, run: next((url) => visit('chromium', url)) },
  {
    name: 'wrangler',
    expect: noWorkers,
    async run() {
      await script('wrangler', 'build');
      return withServer('wrangler', 'dev', '--ip', (url) => answer(url));
    },
  },
  {
    name: 'import map, no bundler',
    expect,
    async run() {
      const site = await serve(here);
      try {
        return await visit('chromium', `${site.url}consumers/import-map/index.html`);
      } finally {
        site.close();
      }
    },
  },
];
