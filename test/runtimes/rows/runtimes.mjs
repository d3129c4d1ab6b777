// Every runtime, with the package as it finds it there. A row says what runs, and what is to come out:
// which backend, and whether the fused one trains there or refuses.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve, visit } from '../support/browsers.mjs';
import { bundle } from '../support/bundle.mjs';
import { here, modules } from '../support/install.mjs';
import { NotAvailable, outcomeIn, run } from '../support/shell.mjs';

const everything = { backend: 'wasm', fused: 'trained', worker: 'trained' };
const noWorkers = { ...everything, worker: 'refused' };
const threaded = { ...everything, threads: 'trained' };
const noWebAssembly = { backend: 'js', fused: 'refused', worker: 'trained' };

/** A program in a runtime that npm installs. */
async function printed(binary, args) {
  const file = join(modules, binary);
  if (!existsSync(file)) throw new NotAvailable(`no ${binary} for this processor and system`);
  return outcomeIn(await run(file, args, { cwd: here }));
}

const node = (version, program, flags = []) =>
  printed(`node${version}/bin/node`, [...flags, `programs/${program}`]);

const nodes = [20, 22, 24, 26].flatMap((version) => {
  const expect = { ...threaded, fused: version < 22 ? 'refused' : 'trained' };
  return [
    { name: `Node ${version}, ES module`, expect, run: () => node(version, 'program.mjs') },
    { name: `Node ${version}, CommonJS`, expect, run: () => node(version, 'program.cjs') },
  ];
});

async function workerd() {
  const { Miniflare } = await import('miniflare');
  const { code, imported } = await bundle('request.mjs', { conditions: ['workerd'] });
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    compatibilityDate: '2024-09-23',
    modules: [
      { type: 'ESModule', path: 'request.mjs', contents: code },
      ...imported.map(({ name, bytes }) => ({ type: 'CompiledWasm', path: name, contents: bytes })),
    ],
  });
  try {
    const outcome = await (await miniflare.dispatchFetch('http://localhost/')).json();
    if (outcome.error) throw new Error(outcome.error);
    return outcome;
  } finally {
    await miniflare.dispose();
  }
}

/** As on Vercel: no code from strings or bytes; modules come compiled, from another realm. */
const edgeRuntime = () => printed('node24/bin/node', ['programs/edge-host.mjs']);

/** Pages in a folder of their own, with one bundle for the page and one for its worker. */
async function page(browser, title, headers) {
  const folder = join(here, '.pages', `${browser}-${title}`);
  mkdirSync(folder, { recursive: true });
  for (const program of ['page.mjs', 'worker.mjs']) {
    writeFileSync(join(folder, program), (await bundle(program, {})).code);
  }
  const body = `<!doctype html><title>${title}</title><script type="module" src="page.mjs"></script>`;
  writeFileSync(join(folder, 'index.html'), body);
  const site = await serve(folder, headers);
  try {
    return await visit(browser, `${site.url}index.html`);
  } finally {
    site.close();
    rmSync(folder, { recursive: true });
  }
}

const isolated = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const strict = { 'content-security-policy': "script-src 'self'" };

const pages = [
  ['Chromium', 'chromium'],
  ['Firefox ESR', 'firefox'],
].flatMap(([name, browser]) => [
  {
    name: `${name}, page`,
    expect: { ...everything, threads: 'refused' },
    run: () => page(browser, 'page'),
  },
  {
    name: `${name}, cross-origin isolated`,
    // A page's main thread waits for nobody.
    expect: { ...everything, threads: 'alone' },
    run: () => page(browser, 'isolated', isolated),
  },
  { name: `${name}, Web Worker`, expect: threaded, run: () => page(browser, 'worker', isolated) },
  {
    name: `${name}, CSP without wasm-unsafe-eval`,
    // Nor workers of scripts that come from the page.
    expect: { ...noWebAssembly, worker: 'refused', threads: 'refused' },
    run: () => page(browser, 'strict', strict),
  },
]);

export const runtimes = [
  ...nodes,
  {
    name: 'Node 26, --jitless',
    expect: { ...noWebAssembly, threads: 'refused' },
    run: () => node(26, 'program.mjs', ['--jitless']),
  },
  {
    name: 'Bun',
    expect: threaded,
    run: () => printed('@oven/bun-linux-x64/bin/bun', ['programs/program.mjs']),
  },
  {
    name: 'Deno',
    expect: threaded,
    run: () => printed('@deno/linux-x64-glibc/deno', ['run', '-A', 'programs/program.mjs']),
  },
  { name: 'workerd, in a request', expect: noWorkers, run: workerd },
  { name: 'edge-runtime, no code generation', expect: noWorkers, run: edgeRuntime },
  ...pages,
];
