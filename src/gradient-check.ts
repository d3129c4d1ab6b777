import { numberWithin, onlyKeys, show } from './checks.js';
import type { InputRows, Targets } from './data.js';
import { divergence } from './divergence.js';
import { everyLayer, type ModelLayer } from './layers/tree.js';
import type { List, Request } from './lists.js';
import { fround } from './math.js';
import { Network, stateOf } from './network.js';
import type { Parameter } from './plan.js';
import { matchRows } from './prepare.js';
import { probe } from './probe.js';
import { Random, streams } from './random.js';
import { table } from './table.js';

export interface CheckGradientsOptions {
  /** How many elements of each parameter to check, drawn from the seed; default 20, Infinity: all. */
  readonly samples?: number;
  /** The largest relative error that passes; default 0.02. */
  readonly tolerance?: number;
}

/** One element whose gradient was checked. */
export interface CheckedElement {
  /** 'layers.0.w'. */
  readonly parameter: string;
  /** Its place in the flat, row-major array that `getWeights` gives. */
  readonly index: number;
  readonly backpropagation: number;
  readonly differences: number;
  /** How far rounding and curvature may have put the difference off. */
  readonly uncertainty: number;
  readonly relativeError: number;
}

export interface LayerGradientCheck {
  /** 'layers.0'. */
  readonly layer: string;
  readonly type: string;
  readonly passed: boolean;
  /** The largest |a − n| / max(|a|, |n|, uncertainty / tolerance). */
  readonly maxRelativeError: number;
  /** The element that has it. */
  readonly worst: CheckedElement | undefined;
  /** Elements compared. */
  readonly checked: number;
  /** Elements left out, because the loss has a corner there. */
  readonly kinks: number;
  /** Elements compared whose gradient is too small to be told from rounding. */
  readonly unclear: number;
}

export interface GradientCheck {
  readonly passed: boolean;
  /** Those layers that have parameters. */
  readonly layers: readonly LayerGradientCheck[];
  /** All of it as a table to print. */
  readonly text: string;
}

/** Steps h of the differences, each half of the one before. */
const levels = 7;
/** How many times the spread of rounding, or a change from level to level, a slope may be off. */
const trusted = 8;

/** Losses above and below one element, with the steps that float32 really took. */
interface Ladder {
  readonly layer: ModelLayer;
  readonly name: string;
  readonly index: number;
  readonly analytic: number;
  /** For each level: loss and step above, loss and step below. */
  readonly above: readonly (readonly [loss: number, step: number])[];
  readonly below: readonly (readonly [loss: number, step: number])[];
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** The losses' spread by rounding, from fourth differences, where little but rounding is left. */
function spreadOf(ladders: readonly Ladder[], loss: number): number {
  const fourth = ladders.map(({ above, below }) => {
    const [far, near] = [levels - 2, levels - 1];
    const ends = above[far]![0] + below[far]![0];
    return Math.abs(ends - 4 * (above[near]![0] + below[near]![0]) + 6 * loss);
  });
  // √70 is the norm of 1, −4, 6, −4, 1; the median of |normal| is 0.6745. One rounding at the least.
  return Math.max(median(fourth) / (Math.sqrt(70) * 0.6745), Math.abs(loss) * 2 ** -26);
}

/**
 * The slope by central differences D(h), with Richardson's R(h) = (4·D(h/2) − D(h)) / 3, at that level
 * which is off the least: by rounding, 8σ/h; or by eight times what it differs from the level before,
 * or, more than their rounding allows, from finer ones, or what a corner
 * between the steps: the slopes on
 * both sides differ by some J(h) that falls in proportion to h, so 2·J(h/2) − J(h) is 0 without one.
 */
function differentiate({ above, below }: Ladder, loss: number, spread: number) {
  const central = above.map(([up, h], i) => (up - below[i]![0]) / (h + below[i]![1]));
  const jump = above.map(([up, h], i) => (up - loss) / h - (loss - below[i]![0]) / below[i]![1]);
  const pairs = central.slice(1).map((fine, i) => {
    const noise = spread / above[i + 1]![1];
    // A jump is three losses over a step, and this is some four jumps.
    const corner = Math.max(0, Math.abs(2 * jump[i + 1]! - jump[i]!) - 12 * noise);
    return { slope: (4 * fine - central[i]!) / 3, rounding: trusted * noise, corner };
  });
  let best = { slope: Number.NaN, uncertainty: Number.POSITIVE_INFINITY };
  for (let i = 1; i < pairs.length; i++) {
    const { slope, rounding, corner } = pairs[i]!;
    let change = Math.max(corner, Math.abs(slope - pairs[i - 1]!.slope));
    for (const finer of pairs.slice(i + 1)) {
      change = Math.max(change, Math.abs(slope - finer.slope) - finer.rounding);
    }
    const uncertainty = Math.max(rounding, trusted * change);
    if (uncertainty < best.uncertainty) best = { slope, uncertainty };
  }
  return { ...best, corner: pairs.at(-1)!.corner };
}

/** The elements to be checked: all of them, or a draw without repetition. */
function chosen(size: number, samples: number, random: Random): number[] {
  const all = Int32Array.from({ length: size }, (_, i) => i);
  if (samples >= size) return [...all];
  random.shuffle(all);
  return [...all.subarray(0, samples)].sort((a, b) => a - b);
}

const lossOnly = (batch: number) =>
  ({
    batch,
    rows: 'given',
    training: true,
    outputs: false,
    loss: true,
    gradients: 'none',
    update: false,
  }) as const satisfies Request;

/**
 * Compares the gradients of backpropagation with finite differences of the loss: of use for kernels,
 * backends and layers of one's own, and for seeing that the chain rule holds.
 *
 * The network computes in float32, so a difference of losses is right to few digits only: too small a
 * step drowns in rounding, too large a one in curvature. Therefore each element is moved by seven steps
 * up and down, from a half of its size (or of the parameter's root mean square, whichever is larger) to
 * a 128th. The spread σ of rounding is measured, from the fourth differences of the smallest steps. Two
 * neighbouring steps give a slope by Richardson's extrapolation, and the slopes at all levels and on
 * both sides together tell how far each may be off; the least uncertain one, n, counts. An element
 * passes where |a − n| is within `tolerance` of the larger of the two, or within that uncertainty.
 * Elements at a corner of the loss (relu at 0) are left out, and counted. An error far below a percent,
 * or in gradients that are lost in rounding, cannot be seen in this way.
 *
 * Losses and gradients are those of a step of training: with penalties, and with dropout's masks of
 * the next step. Afterwards the network is as it was.
 *
 * @param x rows, and y their targets, taken as one batch; some ten or twenty are plenty
 * @throws RangeError, TypeError or ShapeError for bad arguments; DivergenceError when the loss is not
 *   finite
 */
export function checkGradients(
  model: Network,
  x: InputRows,
  y: Targets,
  options: CheckGradientsOptions = {},
): GradientCheck {
  const where = 'checkGradients';
  onlyKeys(options, ['samples', 'tolerance'], where);
  const { samples = 20, tolerance = 0.02 } = options;
  if (samples !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(samples) && samples > 0)) {
    throw new RangeError(
      `${where}: samples: expected a whole number of at least 1, or Infinity, got ${show(samples)}`,
    );
  }
  numberWithin(tolerance, `${where}: tolerance`, 2 ** -20, 1, 'open');
  if (!(model instanceof Network)) {
    throw new TypeError(`${where}: expected a network made by sequential(), got ${show(model)}`);
  }
  const state = stateOf(model);
  const { gradients, rows, give } = read(model, x, y);
  const { plan } = state;
  const random = new Random(state.model.seed, streams.check);
  return probe(state, lossOnly(rows), give, ({ list, run }) => {
    const { floats } = plan.backend;
    const lossNow = () => {
      const loss = run() / rows;
      if (Number.isFinite(loss)) return loss;
      throw divergence(plan, list, { restored: false, what: 'loss' });
    };
    const loss = lossNow();
    const climb = ({ layer, name, tensor }: Parameter, index: number, scale: number): Ladder => {
      const { offset, columns, pitch } = tensor;
      const at = offset + Math.floor(index / columns) * pitch + (index % columns);
      const before = floats[at]!;
      const start = Math.max(Math.abs(before), scale) / 2;
      const side = (sign: number) =>
        Array.from({ length: levels }, (_, i) => {
          floats[at] = before + sign * fround(start * 0.5 ** i);
          return [lossNow(), Math.abs(floats[at]! - before)] as const;
        });
      const [above, below] = [side(1), side(-1)];
      floats[at] = before;
      return { layer, name, index, analytic: gradients[name]![index]!, above, below };
    };
    const ladders = plan.parameters.flatMap((parameter) => {
      const all = weightsOf(floats, parameter);
      const scale = Math.sqrt(all.reduce((sum, w) => sum + w * w, 0) / all.length) || 0.1;
      return chosen(all.length, samples, random).map((i) => climb(parameter, i, scale));
    });
    const spread = spreadOf(ladders, loss);
    const layers = [...everyLayer(state.model.layers)].flatMap((layer) => {
      const own = ladders.filter((ladder) => ladder.layer === layer);
      const judged = own.map((ladder) => judge(ladder, loss, spread, tolerance));
      return own.length > 0 ? [sumUp(layer.path, layer.spec.type, judged, tolerance)] : [];
    });
    const passed = layers.every((layer) => layer.passed);
    return { passed, layers, text: textOf(layers, passed, tolerance) };
  });
}

/** What backpropagation says, and how to give the same rows again. */
function read(model: Network, x: InputRows, y: Targets) {
  const state = stateOf(model);
  const inputs = state.readInputs(x, 'x');
  const { targets } = state.readTargets(y);
  matchRows(inputs, targets, 'x', 'y');
  const { classes } = state;
  const { weights } = model.gradients(x, y);
  state.classes = classes;
  const give = (list: List, floats: Float32Array) => {
    state.writeInputs(inputs.values, floats, list.rows.offset);
    state.writeTargets(targets.values, floats, list.targets.offset);
  };
  return { gradients: weights, rows: inputs.rows, give };
}

function weightsOf(floats: Float32Array, { tensor }: Parameter): number[] {
  const { offset, rows, columns, pitch } = tensor;
  return Array.from({ length: rows * columns }, (_, i) => {
    return floats[offset + Math.floor(i / columns) * pitch + (i % columns)]!;
  });
}

interface Judgement {
  readonly element: CheckedElement;
  readonly kink: boolean;
  readonly unclear: boolean;
}

function judge(ladder: Ladder, loss: number, spread: number, tolerance: number): Judgement {
  const { name, index, analytic: a } = ladder;
  const { slope: n, uncertainty, corner } = differentiate(ladder, loss, spread);
  const size = Math.max(Math.abs(a), Math.abs(n));
  const error = Math.abs(a - n);
  const scale = Math.max(size, uncertainty / tolerance);
  return {
    element: {
      ...{ parameter: name, index, backpropagation: a, differences: n, uncertainty },
      relativeError: error === 0 ? 0 : error / scale,
    },
    kink: corner > tolerance * size,
    unclear: uncertainty > size / 2 && size > 0,
  };
}

function sumUp(layer: string, type: string, all: readonly Judgement[], tolerance: number) {
  const compared = all.filter(({ kink }) => !kink);
  // NaN is worse than any number.
  const errorOf = ({ relativeError: e }: CheckedElement) => (e >= 0 ? e : Number.POSITIVE_INFINITY);
  const [worst] = compared.map(({ element }) => element).sort((a, b) => errorOf(b) - errorOf(a));
  const maxRelativeError = worst ? errorOf(worst) : 0;
  return {
    ...{ layer, type, passed: maxRelativeError <= tolerance, maxRelativeError, worst },
    checked: compared.length,
    kinks: all.length - compared.length,
    unclear: compared.filter(({ unclear }) => unclear).length,
  };
}

function textOf(layers: readonly LayerGradientCheck[], passed: boolean, tolerance: number): string {
  const heading = ['', 'layer', 'max relative error', 'worst', 'backpropagation', 'differences'];
  const lines = layers.map(({ layer, type, maxRelativeError, worst, ...rest }) => [
    ...[layer, type, maxRelativeError.toExponential(1)],
    worst ? `${worst.parameter.slice(layer.length + 1)}[${worst.index}]` : '',
    ...[worst?.backpropagation, worst?.differences].map((v) => v?.toPrecision(5) ?? ''),
    ...[rest.checked, rest.kinks, rest.unclear].map(String),
    rest.passed ? 'ok' : 'WRONG',
  ]);
  const wrong = layers.filter((layer) => !layer.passed).map(({ layer }) => layer);
  const verdict = passed
    ? `gradients agree with finite differences to within ${tolerance}, or to rounding`
    : `gradients of ${wrong.join(', ')} do not agree with finite differences`;
  return `${table([[...heading, 'checked', 'kinks', 'unclear', ''], ...lines])}\n\n${verdict}`;
}
