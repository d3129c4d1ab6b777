import { resolveModel } from '../../layers/model.js';
import { metricContext } from '../../metrics.js';
import type { Network } from '../../network.js';
import type { FittedColumn } from '../../scalers.js';
import { list, literal } from './literals.js';
import { writeProgram } from './program.js';

/**
 * A network as the text of one JavaScript module, which needs nothing: no package, no WebAssembly, no
 * `eval`. It exports `predict(x)` and `predictClasses(x)`, which give what those of the network give, to
 * the bit, and `classes`. For small networks: weights stand in it as text, and it computes in plain
 * JavaScript, one row after another.
 *
 * @throws TypeError for a network that keeps states from batch to batch; Error where a scaler has not
 *   been fitted
 */
export function toModule(model: Pick<Network, 'snapshot'>): string {
  const snapshot = model.snapshot();
  const { spec, scalers } = snapshot;
  for (const of of ['x', 'y'] as const) {
    if (spec.preprocess?.[of] && !scalers[of]) {
      throw new Error(`toModule: the scaler of ${of} has not been fitted: call fit() first`);
    }
  }
  const resolved = resolveModel(spec);
  const { columns, outputs, units, stateful } = resolved;
  if (stateful) {
    throw new TypeError(
      `toModule: ${stateful.where} keeps its state from batch to batch, and a module keeps nothing: write the network without stateful`,
    );
  }
  const program = writeProgram(resolved, snapshot);
  const { decision, threshold } = metricContext(resolved);
  const single = decision === 'threshold' && units === 1;
  const decide = single ? `Number(y[at] > ${threshold})` : `largest(y.subarray(at, at + ${units}))`;
  return `// A neural network, written by chainrule: ${columns} inputs, ${outputs} outputs.

/** How many numbers a row of inputs, and of outputs, has. */
export const inputs = ${columns};
export const outputs = ${outputs};

/** Names of the classes, in the order of the outputs; undefined where they are numbers from 0. */
export const classes = ${spec.classes ? list(spec.classes.map((name) => JSON.stringify(name))) : 'undefined'};

/**
 * The outputs for one row or many, row after row. x: numbers in a list or a typed array, or lists of
 * them.
 */
export function predict(x) {
  const numbers = flat(x);
  const rows = numbers.length / inputs;
  if (!Number.isInteger(rows)) {
    throw new RangeError(\`x: expected rows of \${inputs} numbers, got \${numbers.length} numbers\`);
  }
  const y = new Float32Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    encode(numbers, r * inputs, ${program.inputs});
    run();
    for (let i = 0; i < outputs; i++) {
      y[r * outputs + i] = ${scalers.y ? `${program.outputs}[i] * scales[i] + centers[i]` : `${program.outputs}[i]`};
    }
  }
  return y;
}

/** The class of each row${outputs === units ? '' : ', and of each of its positions'}. */
export function predictClasses(x) {
  const y = predict(x);
  return Array.from({ length: y.length / ${units} }, (_, r) => {
    const at = r * ${units};
    const index = ${decide};
    return classes?.[index] ?? index;
  });
}

function flat(x) {
  const deep = Array.isArray(x) && x.some((item) => typeof item === 'object');
  return deep ? x.flatMap((item) => Array.from(flat(item))) : x;
}
${single ? '' : largest}${encoder(scalers.x, columns)}
/** One row through all layers. */
function run() {
${program.calls}
}
${program.arrays.includes(' padded(') ? padded : ''}
${scalers.y ? outputScaling(scalers.y) : ''}${program.arrays}

${program.functions}
`;
}

const largest = `
function largest(y) {
  let best = 0;
  for (let i = 1; i < y.length; i++) if (y[i] > y[best]) best = i;
  return best;
}
`;

const padded = `
/** A matrix whose rows begin every \`pitch\` numbers. */
function padded(columns, pitch, values) {
  const matrix = new Float32Array((values.length / columns) * pitch);
  values.forEach((value, i) => {
    matrix[Math.floor(i / columns) * pitch + (i % columns)] = value;
  });
  return matrix;
}
`;

const finite = `
/** A number as a float32, which is finite. */
function finite(value) {
  const number = Math.fround(value);
  if (typeof value === 'number' && Number.isFinite(number)) return number;
  throw new RangeError(\`x: expected a finite number, got \${value}\`);
}
`;

const place = `
function place(categories, value) {
  const known = categories.indexOf(value);
  if (known < 0) throw new RangeError(\`x: \${value} is none of the categories known\`);
  return known;
}
`;

/** Puts a row into the array of inputs: a loop where columns stay as they are, else a line for each. */
function encoder(columns: readonly FittedColumn[] | undefined, width: number): string {
  const lines: string[] = [];
  let to = 0;
  for (const [c, column] of (columns ?? []).entries()) {
    const value = c === 0 ? 'x[from]' : `x[from + ${c}]`;
    if ('scale' in column) {
      const { center, scale } = column;
      const moved = center === 0 ? `finite(${value})` : `(finite(${value}) - ${literal(center)})`;
      lines.push(`  row[${to++}] = ${moved}${scale === 1 ? '' : ` / ${literal(scale)}`};`);
      continue;
    }
    const names = list(column.categories.map((name) => JSON.stringify(name)));
    lines.push(`  row.fill(0, ${to}, ${to + column.count});`);
    lines.push(`  row[${to} + place(${names}, ${value})] = 1;`);
    to += column.count;
  }
  const body = columns
    ? lines.join('\n')
    : `  for (let i = 0; i < ${width}; i++) row[i] = finite(x[from + i]);`;
  return `
/** Writes the row that begins at a place into an array${columns ? ', scaled' : ''}. */
function encode(x, from, row) {
${body}
}
${body.includes('finite(') ? finite : ''}${body.includes('place(') ? place : ''}`;
}

function outputScaling(columns: readonly FittedColumn[]): string {
  const scaled = columns as readonly { readonly center: number; readonly scale: number }[];
  const numbers = (name: 'center' | 'scale') => list(scaled.map((column) => literal(column[name])));
  return `const centers = ${numbers('center')};\nconst scales = ${numbers('scale')};\n`;
}
