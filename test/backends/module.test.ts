import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import debug from '../../build/core.debug.inline.js';
import fused from '../../build/core.fused.inline.js';
import core from '../../build/core.inline.js';
import { decodeBytes, lazyModule } from '../../src/backends/module.js';

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const { textOf } = await import(at('scripts/text-of-bytes.mjs').href);

test.each(Object.entries({ core, 'core.debug': debug, 'core.fused': fused }))(
  'the text of %s is the module, byte for byte',
  (name, text) => {
    const built = readFileSync(at(`build/${name}.wasm`));
    expect(Buffer.from(decodeBytes(text)).equals(built)).toBe(true);
  },
);

test('every byte survives, in characters that no string literal escapes', () => {
  const bytes = Uint8Array.from({ length: 512 }, (_, i) => (i < 256 ? i : (i * 7) % 256));
  const text = textOf(bytes);
  expect(text).toMatch(/^[#-[\]-~]+$/);
  expect(decodeBytes(text)).toEqual(bytes);
});

test('nearly all bytes of a module are one character', () => {
  expect(core.length / readFileSync(at('build/core.wasm')).length).toBeLessThan(1.2);
});

test('a module is compiled once, and one that is carried as it is, not at all', () => {
  const given = new WebAssembly.Module(decodeBytes(core));
  expect(lazyModule(given)()).toBe(given);
  const lazy = lazyModule(core);
  expect(lazy()).toBe(lazy());
});
