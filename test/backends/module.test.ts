import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import debug from '../../build/core.debug.inline.js';
import fused from '../../build/core.fused.inline.js';
import core from '../../build/core.inline.js';
import { decodeBytes, lazyModule } from '../../src/backends/module.js';

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const { textOf } = await import(at('scripts/text-of-bytes.mjs').href);
const { onlyExports } = await import(at('scripts/only-exports.mjs').href);

test.each(Object.entries({ core, 'core.debug': debug, 'core.fused': fused }))(
  'the text of %s is the module, byte for byte, but for its exports',
  (name, text) => {
    const built = readFileSync(at(`build/${name}.wasm`));
    const carried = Buffer.from(decodeBytes(text));
    expect(carried.equals(onlyExports(built, ['run']))).toBe(true);
    if (!WebAssembly.validate(built)) return expect(name).toBe('core.fused');
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(carried));
    expect(exports.map((entry) => entry.name)).toEqual(['run']);
    // All else is where it was, one section after the other.
    const all = WebAssembly.Module.exports(new WebAssembly.Module(built));
    expect(
      onlyExports(
        built,
        all.map((entry) => entry.name),
      ).equals(built),
    ).toBe(true);
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
