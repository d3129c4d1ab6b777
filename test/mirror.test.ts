import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { floats, kernels } from '../build/kernels.js';

/** The functions that a file exports, with the names of their parameters in order. */
function signatures(file: string): Map<string, string[]> {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found = new Map<string, string[]>();
  for (const statement of source.statements) {
    if (!ts.isFunctionDeclaration(statement) || !statement.name) continue;
    if (!statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) continue;
    const names = statement.parameters.map((p) => p.name.getText(source));
    found.set(statement.name.text, names);
  }
  return found;
}

const families = (folder: string, without: string[]) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !without.includes(name))
    .sort();

describe('src/ops and assembly are twins', () => {
  const ours = families('src/ops', ['index.ts', 'definition.ts']);

  it('file by file', () => {
    expect(families('assembly', ['index.ts'])).toEqual(ours);
  });

  it.each(ours)('%s: kernel by kernel, parameter by parameter', (file) => {
    const js = signatures(`src/ops/${file}`);
    const wasm = signatures(`assembly/${file}`);
    expect(js.size).toBeGreaterThan(0);
    expect(Object.fromEntries(wasm)).toEqual(Object.fromEntries(js));
  });

  it('also the one that chainrule/predict has in a form of its own', () => {
    const js = signatures('src/ops/dense.ts').get('denseForward');
    expect([...signatures('assembly/predict/dense.ts')]).toEqual([['denseForward', js]]);
  });

  it('as the compiler saw them', () => {
    const emitted = readFileSync('build/core.d.ts', 'utf8');
    const names: string[] = [];
    for (const file of ours) {
      for (const [name, parameters] of signatures(`src/ops/${file}`)) {
        const list = parameters.map((p) => `${p}: number`).join(', ');
        expect(emitted).toContain(`export function ${name}(${list}): `);
        names.push(name);
      }
    }
    expect(Object.keys(kernels)).toEqual(names.sort());
    expect(floats).toHaveLength(names.length);
  });
});
