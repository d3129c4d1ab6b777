import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// What package.json says of the package. That its files do what it says, `npm run test:runtimes` tells.

const at = (path: string) => new URL(`../${path}`, import.meta.url);
const manifest = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const { entries, exportsMap } = await import(at('scripts/entries.mjs').href);

test('the exports map is the one that the build writes', () => {
  expect(manifest.exports).toEqual(exportsMap());
  // Conditions are tried in the order in which they stand.
  expect(JSON.stringify(manifest.exports)).toBe(JSON.stringify(exportsMap()));
});

test('every entry has its source', () => {
  for (const name of Object.keys(entries))
    expect(existsSync(at(`src/${name}.ts`)), name).toBe(true);
});

test('nothing is installed beside the package, and nothing runs when it is', () => {
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).not.toHaveProperty('peerDependencies');
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    expect(manifest.scripts).not.toHaveProperty(script);
  }
});
