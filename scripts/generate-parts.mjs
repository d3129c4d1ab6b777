// From src/math.ts and src/ops: the text of every kernel that predicts, as JavaScript, and what each
// needs of the others. toModule puts modules together from it, so that they compute what predict does.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

/** Kernels that only training calls. */
const trains = /(Backward\w*|RowForward|Loss|Losses|Step|Advance|Penalty|Slope|Constraint)$/;

const js = (file) => {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  // The compiler indents by four.
  return outputText.replace(/^( {4})+/gm, (spaces) => spaces.slice(spaces.length / 2));
};

/** The top-level statements of a file: what they declare, and the names that they use. */
function declarations(file) {
  const source = ts.createSourceFile(file, js(file), ts.ScriptTarget.Latest, true);
  const found = [];
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) continue;
    // What a file says of itself stands in comments of its own, before the first declaration.
    const comments = ts.getLeadingCommentRanges(source.text, statement.getFullStart()) ?? [];
    const from = comments.at(-1)?.pos ?? statement.getStart();
    const text = source.text.slice(from, statement.end).replace(/^export /m, '');
    const uses = new Set();
    const visit = (node) => {
      if (ts.isPropertyAccessExpression(node)) return visit(node.expression);
      if (ts.isIdentifier(node)) uses.add(node.text);
      return ts.forEachChild(node, visit);
    };
    visit(statement);
    const exported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    const kind = ts.isFunctionDeclaration(statement) ? 'function' : 'constant';
    if (kind === 'function') {
      found.push({ file, kind, exported, names: [statement.name.text], text, uses });
    } else if (ts.isVariableStatement(statement)) {
      const names = statement.declarationList.declarations.map(({ name }) => name.text);
      found.push({ file, kind, exported, names, text, uses });
    } else {
      // A statement that fills what was declared before it.
      const last = found.at(-1);
      last.text += `\n${text}`;
      for (const name of uses) last.uses.add(name);
    }
  }
  return found;
}

const families = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && name !== 'index.ts')
    .sort()
    .map((name) => `${folder}/${name}`);
const all = ['src/math.ts', ...families('src/ops/internal'), ...families('src/ops')].flatMap(
  declarations,
);

/** A name is one of its own file, or else one that another file exports. */
const find = (name, file) =>
  all.find((part) => part.file === file && part.names.includes(name)) ??
  all.find((part) => part.exported && part.names.includes(name));

/** Kernels that predict, and all that they need. */
const wanted = new Set();
function want(part) {
  if (wanted.has(part)) return;
  wanted.add(part);
  part.needs = [...part.uses]
    .map((name) => find(name, part.file))
    .filter((other) => other && other !== part);
  part.needs.forEach(want);
}
for (const part of all) {
  const kernel = part.kind === 'function' && part.exported && !part.file.includes('/internal/');
  if (kernel && part.file !== 'src/math.ts' && !trains.test(part.names[0])) want(part);
}
const kept = all.filter((part) => wanted.has(part));
const names = kept.flatMap((part) => part.names);
const twice = names.find((name, i) => names.indexOf(name) !== i);
if (twice) throw new Error(`${twice} is declared in two files of kernels: rename one of them`);

mkdirSync('build', { recursive: true });
const entries = kept.map(({ names, text, needs }) => {
  return { names, text, needs: needs.map((part) => kept.indexOf(part)) };
});
writeFileSync(
  'build/parts.ts',
  `// Written by scripts/generate-parts.mjs from src/math.ts and src/ops.
/** Pieces of JavaScript: the names that each declares, and the places of those that it needs. */
export const parts: readonly {
  readonly names: readonly string[];
  readonly text: string;
  readonly needs: readonly number[];
}[] = ${JSON.stringify(entries, null, 1)};
`,
);
