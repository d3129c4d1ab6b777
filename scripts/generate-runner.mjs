// From the exported signatures of assembly/*.ts: the function that walks a list of kernels in
// WebAssembly, and the table by which the host encodes that list. A kernel has no other registration.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

const recordBytes = 64;
/** How a parameter is encoded: a pointer, an integer or a float. */
const kinds = { usize: 'p', i32: 'i', f32: 'f' };

const kernels = [];
const families = readdirSync('assembly').filter(
  (name) => name.endsWith('.ts') && name !== 'index.ts',
);
for (const file of families.sort()) {
  const source = ts.createSourceFile(
    file,
    readFileSync(`assembly/${file}`, 'utf8'),
    ts.ScriptTarget.Latest,
  );
  for (const statement of source.statements) {
    if (!ts.isFunctionDeclaration(statement)) continue;
    if (!statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) continue;
    const name = statement.name.text;
    const signature = statement.parameters.map((parameter) => {
      const type = parameter.type.getText(source);
      if (!(type in kinds)) {
        throw new Error(
          `${file}: ${name}(${parameter.name.text}: ${type}): expected ${Object.keys(kinds).join(', ')}`,
        );
      }
      return kinds[type];
    });
    if (!/^p*i*f*$/.test(signature.join(''))) {
      throw new Error(`${file}: ${name}: expected pointers, then integers, then floats`);
    }
    if (signature.length > recordBytes / 4 - 1) {
      throw new Error(`${file}: ${name} has ${signature.length} parameters, a record holds 15`);
    }
    const stops = statement.type.getText(source) === 'bool';
    kernels.push({ family: file.slice(0, -3), name, signature: signature.join(''), stops });
  }
}

// Their order does not depend on where they stand.
kernels.sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Kernels on images and sequences, which have a table of their own behind that of the others. A list of
 * a small network is walked in tens of nanoseconds, and with all kernels in one table V8's code for that
 * is a fifth slower in some processes and not in others.
 */
const apart = new Set(['attention', 'convolution', 'pooling', 'recurrent']);

const wasmTypes = { p: 'usize', i: 'i32', f: 'f32' };
const cases = kernels.map(({ family, name, signature, stops }, code) => {
  const args = [...signature].map((kind, i) => `load<${wasmTypes[kind]}>(record, ${4 + 4 * i})`);
  const call = `${name}(${args.join(', ')})`;
  if (stops && apart.has(family)) throw new Error(`${name}: what stops a list is called by it`);
  const body = stops ? `if (${call}) return step; break;` : `${call}; break;`;
  return { apart: apart.has(family), line: `case ${code}: ${body}` };
});
const linesOf = (of) => cases.filter((one) => one.apart === of).map(({ line }) => line);
const imports = [...new Set(kernels.map((k) => k.family))].map((family) => {
  const names = kernels.filter((k) => k.family === family).map((k) => k.name);
  return `import { ${names.join(', ')} } from '../${family}';`;
});

writeFileSync(
  'assembly/internal/runner.ts',
  `// Written by scripts/generate-runner.mjs from the signatures of the kernels.
${imports.join('\n')}
import { setScratch } from './scratch';
import { meet } from './threads';

/**
 * Walks the records from \`list\` to \`end\`, \`steps\` times over, and says how many times it came to the end:
 * a kernel that returns true stops it. A record is a kernel's number and its arguments, 16 words.
 */
export function run(list: usize, end: usize, steps: i32, scratch: usize): i32 {
  setScratch(scratch);
  for (let step = 0; step < steps; ++step) {
    let record = list;
    do {
      switch (load<i32>(record)) {
        ${linesOf(false).join('\n        ')}
        // Of several threads that walk lists side by side.
        case ${kernels.length}: if (ASC_FEATURE_THREADS) { if (meet(load<usize>(record, 4), load<i32>(record, 8))) return step; } break;
        default: runApart(record);
      }
      record += ${recordBytes};
    } while (record != end);
  }
  return steps;
}

/** Kernels on images and sequences. */
function runApart(record: usize): void {
  switch (load<i32>(record)) {
    ${linesOf(true).join('\n    ')}
    default: unreachable();
  }
}
`,
);

mkdirSync('build', { recursive: true });
const floats = kernels.map(({ signature }) => signature.split('f').length - 1).join('');
const twins = [...new Set(kernels.map((k) => k.family))].sort().map((family) => {
  const names = kernels.filter((k) => k.family === family).map((k) => k.name);
  return `import { ${names.join(', ')} } from '../src/ops/${family}.js';`;
});
writeFileSync(
  'build/kernels.ts',
  `// Written by scripts/generate-runner.mjs from the signatures of the kernels.
${twins.join('\n')}

/** The kernels in JavaScript. A kernel's number is its place here. */
export const kernels = { ${kernels.map(({ name }) => name).join(', ')} };

/** For each of them, how many floats its parameters end with. */
export const floats = '${floats}';

/** The number of what is no kernel: a place where threads wait for one another. */
export const meeting = ${kernels.length};
`,
);
