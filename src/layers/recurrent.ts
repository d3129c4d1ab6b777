import { flag, known, largestFloat, numberWithin, wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import { chooseInitializer, type InitializerSpec } from '../initializers.js';
import type { ListBuilder } from '../lowering.js';
import { pitchOf, type Shape, type Tensor } from '../tensor.js';
import type {
  LayerDefinition,
  LayerOptions,
  ParameterDeclaration,
  Surroundings,
} from './definition.js';
import { packedFloats } from './dense.js';

/**
 * What every recurrent layer takes: rows of shape [steps, inputs]. Behind a mask (`masking`, or an
 * `embedding` with `maskZero`) a step that is left out does not change the state, and puts it out as it
 * is; the gradient passes it by.
 */
interface RecurrentOptions extends LayerOptions {
  /** Numbers in the state h, at least 1. */
  readonly units: number;
  /** Whether the state of every step is put out, [steps, units], not the last alone, [units]; default false. */
  readonly returnSequences?: boolean;
  /** Whether it walks from the last step to the first, whose state is then the last; default false. */
  readonly goBackwards?: boolean;
  /**
   * How many steps a gradient goes back at most: after every so many steps, counted from where the walk
   * begins, what a step would hand to the one before is dropped. Default all.
   */
  readonly truncate?: number;
  /**
   * Of how many sequences the state is kept from one batch to the next: row r of a batch of so many
   * goes on from row r of the batch before, as Keras has it with `stateful`. Gradients stay within the
   * batch. Default: every row begins at 0. Not with `goBackwards`.
   */
  readonly stateful?: number;
  /** Whether there are biases; default true. */
  readonly useBias?: boolean;
  /** How w, the weights of the inputs, is drawn; default 'glorotUniform'. */
  readonly weightInitializer?: InitializerSpec;
  /** How u, the weights of the state, is drawn; default 'orthogonal'. */
  readonly recurrentInitializer?: InitializerSpec;
  /** How biases are drawn; default 'zeros'. */
  readonly biasInitializer?: InitializerSpec;
}

/**
 * A simple recurrent layer (Elman 1990): h_t = f(x_t·w + b + h_{t−1}·u), with h₀ = 0 unless it is kept,
 * w [inputs, units], u [units, units] and b [units].
 */
export interface SimpleRnnSpec extends RecurrentOptions {
  readonly type: 'simpleRnn';
  /** f; default 'tanh'. */
  readonly activation?: 'tanh' | 'relu';
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000): with
 * a = x_t·w + b + h_{t−1}·u in four blocks of `units`,
 *
 * i = σ(aᵢ), f = σ(a_f), g = tanh(a_g), o = σ(a_o), c_t = f·c_{t−1} + i·g, h_t = o·tanh(c_t).
 *
 * w [inputs, 4·units], u [units, 4·units] and b [4·units] hold the gates in PyTorch's order i, f, g, o,
 * transposed; b is the sum of its two biases.
 */
export interface LstmSpec extends RecurrentOptions {
  readonly type: 'lstm';
  /**
   * Added to the biases of f when they are drawn, so that the memory lasts from the start; default 1
   * (Jozefowicz et al. 2015). Nothing without biases.
   */
  readonly forgetBias?: number;
}

/**
 * The gated recurrent unit (Cho et al. 2014) in the form of PyTorch, and of Keras with `reset_after`:
 * with a = x_t·w + b and q = h_{t−1}·u + b2 in three blocks of `units`,
 *
 * r = σ(aᵣ + qᵣ), z = σ(a_z + q_z), n = tanh(aₙ + r·qₙ), h_t = (1 − z)·n + z·h_{t−1}.
 *
 * w [inputs, 3·units], u [units, 3·units], b and b2 [3·units] hold the gates in PyTorch's order r, z, n,
 * transposed.
 */
export interface GruSpec extends RecurrentOptions {
  readonly type: 'gru';
}

const commonOptions = [
  ...['units', 'returnSequences', 'goBackwards', 'truncate', 'stateful', 'useBias'],
  ...['weightInitializer', 'recurrentInitializer', 'biasInitializer'],
];

const cells = { tanh: 0, relu: 1 } as const;

function check(spec: RecurrentOptions, input: Shape, where: string): void {
  if (input.length !== 2) {
    throw new ShapeError(
      `${where}: expected rows of shape [steps, inputs], got [${input.join(', ')}]: ` +
        'layers.reshape({ shape: [steps, inputs] }) before it gives them another',
    );
  }
  wholeNumber(spec.units, `${where}: units`);
  const { returnSequences = false, goBackwards = false, useBias = true } = spec;
  flag(returnSequences, `${where}: returnSequences`);
  flag(goBackwards, `${where}: goBackwards`);
  flag(useBias, `${where}: useBias`);
  if (spec.truncate !== undefined) wholeNumber(spec.truncate, `${where}: truncate`);
  if (spec.stateful !== undefined) {
    wholeNumber(spec.stateful, `${where}: stateful`);
    if (goBackwards) {
      throw new RangeError(
        `${where}: stateful: expected a layer that walks forward, since going backwards begins at steps that the next batch brings`,
      );
    }
  }
  for (const name of ['weightInitializer', 'recurrentInitializer', 'biasInitializer'] as const) {
    if (spec[name] !== undefined) chooseInitializer(spec[name], `${where}: ${name}`);
  }
}

/** The table that says how kernels walk, and that every step counts: see src/ops/recurrent.ts. */
function tableOf(spec: RecurrentOptions, [steps]: Shape, gates: number, relu = 0) {
  const { units, returnSequences = false, goBackwards = false, truncate } = spec;
  const pitches = [pitchOf(units), pitchOf(gates * units)];
  const ways = [Number(goBackwards), Number(returnSequences), truncate ?? steps!, relu];
  return { walk: [steps!, units, ...pitches, ...ways], every: [1] };
}

const masks = ({ returnSequences = false }: RecurrentOptions) =>
  returnSequences ? 'keeps' : 'ends';

const sequences = ({ stateful }: RecurrentOptions) => stateful;

/** The gates of all steps. */
const roomOf =
  (gates: number) =>
  ({ units }: RecurrentOptions, [steps]: Shape) =>
    gates * units * steps!;

const output = ({ units, returnSequences = false }: RecurrentOptions, [steps]: Shape): Shape =>
  returnSequences ? [steps!, units] : [units];

/** What a cell has besides weights and biases of its inputs, and the weights of its state. */
interface Cell {
  readonly gates: number;
  /** The states that go from step to step. */
  readonly states: readonly ('h' | 'c')[];
  /** Whether there are biases of the state. */
  readonly recurrentBias?: true;
  /** What is added to the biases of the inputs. */
  readonly raised?: (column: number) => number;
}

/** Weights, biases, and the states that are kept. */
function parametersOf(
  spec: RecurrentOptions,
  input: Shape,
  { gates, states, recurrentBias, raised }: Cell,
): Record<string, ParameterDeclaration> {
  const inputs = input.at(-1)!;
  const { units, stateful, useBias = true } = spec;
  const columns = gates * units;
  const matrix = (rows: number, given: InitializerSpec): ParameterDeclaration => ({
    ...{ rows, columns, shape: [rows, columns], fanIn: rows, fanOut: columns, decays: true },
    initializer: chooseInitializer(given, 'initializer'),
  });
  const kept = (sequences: number): ParameterDeclaration => ({
    ...matrix(sequences, 'zeros'),
    ...{ columns: units, shape: [sequences, units], decays: false, buffer: 'state' },
  });
  const bias: ParameterDeclaration = {
    ...matrix(1, spec.biasInitializer ?? 'zeros'),
    ...{ shape: [columns], fanIn: inputs, decays: false },
  };
  return {
    w: matrix(inputs, spec.weightInitializer ?? 'glorotUniform'),
    u: matrix(units, spec.recurrentInitializer ?? 'orthogonal'),
    ...(useBias && { b: raised ? { ...bias, raised } : bias }),
    ...(useBias && recurrentBias && { b2: bias }),
    ...(stateful && Object.fromEntries(states.map((name) => [name, kept(stateful)]))),
  };
}

/** Products of a gate and an element of the cell, roughly, in floating point operations. */
const cellWork = 60;

/** What kernels write on their way, and what they are told. */
interface Rooms {
  /** The state of each step. */
  state(): Tensor;
  /** The products of one step. */
  products(): Tensor;
  /** One step on the way back, with so many states carried: see src/ops/recurrent.ts. */
  step(carried: number): Tensor;
  /** Which sequences to walk, and which of their steps count. */
  readonly walking: readonly [walk: Tensor, mask: Tensor, batch: number, maskPitch: number];
  /** A state before the first step, for the way back too, and how far apart those of sequences are. */
  start(state: 'h' | 'c'): Tensor;
  readonly startPitch: number;
}

/**
 * Lowers a recurrent layer: the products of all inputs at once, the walk forward by `forward`, and the
 * walk back by `back`, which gives the gradient of the inputs' products and that of the state's.
 */
function lower(
  spec: RecurrentOptions,
  build: ListBuilder,
  given: Tensor,
  tensors: Readonly<Record<string, Tensor>>,
  { input, mask }: Surroundings,
  walk: (
    rooms: Rooms,
    z: Tensor,
  ) => {
    readonly h: Tensor;
    readonly c?: Tensor;
    readonly previous: Tensor;
    back(dy: Tensor): { readonly dz: Tensor; readonly dq: Tensor };
  },
): Tensor {
  const { units, returnSequences = false, goBackwards = false, stateful } = spec;
  const { w, u, b, b2 } = tensors;
  const [steps, inputs] = input as readonly [number, number];
  const { columns } = w!;
  const { batch } = build;
  const rows = batch * steps;
  const x = build.regroup(given, inputs);
  const differentiable = build.needsGradient(x, w!, u!, b, b2);
  const z = build.value(columns, false, rows);
  const products = 2 * rows * columns;
  build.scratch(Math.max(packedFloats(rows, inputs, columns), packedFloats(rows, units, columns)));
  const bias = b ?? build.zeros(columns);
  const pitches = [x.pitch, z.pitch, Number.NEGATIVE_INFINITY] as const;
  build.emit('denseForward', z, x, w!, bias, rows, inputs, columns, ...pitches);
  build.count(products * (inputs + units) + cellWork * rows * columns);
  const last = goBackwards ? 0 : steps - 1;
  const { h, c, previous, back } = walk(
    {
      state: () => build.value(units, false, rows),
      products: () => build.value(columns, false),
      step: (carried) => build.value(z.pitch + carried * h.pitch, false),
      walking: [tensors.walk!, mask ?? tensors.every!, batch, mask ? steps : 0],
      start(state) {
        if (!stateful) return build.zeros(units);
        const kept = tensors[state]!;
        // The way back looks at c alone, whose next state has taken its place by then.
        if (state === 'h' || !build.training) return kept;
        const start = build.value(units, false);
        build.emit('copyColumns', start, kept, batch, units, 0, start.pitch, 0, kept.pitch);
        return start;
      },
      startPitch: stateful ? pitchOf(units) : 0,
    },
    z,
  );
  const y = returnSequences ? h : build.value(units, false);
  const copyLast = (to: Tensor, from: Tensor) => {
    const at = [0, to.pitch, last * from.pitch, steps * from.pitch] as const;
    build.emit('copyColumns', to, from, batch, units, ...at);
  };
  if (!returnSequences) copyLast(y, h);
  if (stateful) {
    const keep = () => {
      for (const [name, state] of Object.entries({ h, ...(c && { c }) })) {
        const kept = tensors[name]!;
        copyLast(build.training ? build.nextOf(kept) : kept, state);
      }
    };
    if (build.training) build.onLearning(keep);
    else keep();
  }
  if (differentiable) build.requireGradient(y);
  build.share(y);
  build.onBackward(y, (dy) => {
    const { dz, dq } = back(dy);
    build.count(products * (2 * inputs + 2 * units) + cellWork * rows * columns);
    const sizes = [rows, inputs, columns, x.pitch, dz.pitch] as const;
    build.contribute(x, (dx, takeMask) => {
      build.emit('denseBackwardInput', dx, dz, w!, x, ...sizes, takeMask());
    });
    build.accumulate('denseBackwardWeights', w!, [x, dz], [...sizes]);
    const ofState = [rows, units, columns, previous.pitch, dq.pitch];
    build.accumulate('denseBackwardWeights', u!, [previous, dq], ofState);
    const ofBias = [rows, columns, dz.pitch];
    if (b) build.accumulate('denseBackwardBias', b, [dz], ofBias);
    if (b2) build.accumulate('denseBackwardBias', b2, [dq], ofBias);
  });
  return y;
}

export const simpleRnn: LayerDefinition<SimpleRnnSpec> = {
  options: [...commonOptions, 'activation'],

  check(spec, input, where) {
    check(spec, input, where);
    known(spec.activation ?? 'tanh', cells, `${where}: activation`);
  },

  masks,
  output,
  sequences,
  room: roomOf(1),
  parameters: (spec, input) => parametersOf(spec, input, { gates: 1, states: ['h'] }),
  constants: (spec, input) => tableOf(spec, input, 1, cells[spec.activation ?? 'tanh']),

  lower(spec, build, given, tensors, around) {
    const { u } = tensors;
    return lower(spec, build, given, tensors, around, (rooms, z) => {
      const [h, previous, q] = [rooms.state(), rooms.state(), rooms.products()];
      const [zeros, h0] = [build.zeros(spec.units), rooms.start('h')];
      const read = [z, u!, zeros, h0, ...rooms.walking] as const;
      build.emit('simpleRnnForward', h, previous, q, ...read, rooms.startPitch);
      const back = (dy: Tensor) => {
        const [dz, step] = [rooms.state(), rooms.step(2)];
        build.emit('simpleRnnBackward', dz, step, dy, h, u!, ...rooms.walking);
        return { dz, dq: dz };
      };
      return { h, previous, back };
    });
  },
};

export const lstm: LayerDefinition<LstmSpec> = {
  options: [...commonOptions, 'forgetBias'],

  check(spec, input, where) {
    check(spec, input, where);
    const { forgetBias = 1 } = spec;
    numberWithin(forgetBias, `${where}: forgetBias`, -largestFloat, largestFloat);
  },

  masks,
  output,
  sequences,
  room: roomOf(4),

  parameters(spec, input) {
    const { units, forgetBias = 1 } = spec;
    const isForget = (column: number) => column >= units && column < 2 * units;
    const raised = (column: number) => (isForget(column) ? forgetBias : 0);
    return parametersOf(spec, input, { gates: 4, states: ['h', 'c'], raised });
  },

  constants: (spec, input) => tableOf(spec, input, 4),

  lower(spec, build, given, tensors, around) {
    const { u } = tensors;
    return lower(spec, build, given, tensors, around, (rooms, gates) => {
      const [h, c, previous, q] = [rooms.state(), rooms.state(), rooms.state(), rooms.products()];
      const zeros = build.zeros(gates.columns);
      const [h0, c0, { walking, startPitch }] = [rooms.start('h'), rooms.start('c'), rooms];
      const written = [h, c, gates, previous, q] as const;
      build.emit('lstmForward', ...written, u!, zeros, h0, c0, ...walking, startPitch);
      const back = (dy: Tensor) => {
        const dz = build.valueLike(gates, false);
        const read = [dy, gates, c, u!, c0] as const;
        build.emit('lstmBackward', dz, rooms.step(3), ...read, ...walking, startPitch);
        return { dz, dq: dz };
      };
      return { h, c, previous, back };
    });
  },
};

export const gru: LayerDefinition<GruSpec> = {
  options: commonOptions,
  check,
  masks,
  output,
  sequences,
  room: roomOf(3),
  parameters: (spec, input) =>
    parametersOf(spec, input, { gates: 3, states: ['h'], recurrentBias: true }),
  constants: (spec, input) => tableOf(spec, input, 3),

  lower(spec, build, given, tensors, around) {
    const { u, b2 } = tensors;
    return lower(spec, build, given, tensors, around, (rooms, gates) => {
      const [h, kept, previous] = [rooms.state(), rooms.state(), rooms.state()];
      const bias = b2 ?? build.zeros(gates.columns);
      const written = [h, gates, kept, previous, rooms.products()] as const;
      const read = [u!, bias, rooms.start('h'), ...rooms.walking] as const;
      build.emit('gruForward', ...written, ...read, rooms.startPitch);
      const back = (dy: Tensor) => {
        const [dz, dq] = [build.valueLike(gates, false), build.valueLike(gates, false)];
        const read = [dy, gates, kept, previous, u!] as const;
        build.emit('gruBackward', dz, dq, rooms.step(2), ...read, ...rooms.walking);
        return { dz, dq };
      };
      return { h, previous, back };
    });
  },
};
