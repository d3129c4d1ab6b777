import { kernels } from '../build/kernels.js';
import type { Arguments, KernelName, Op } from './backends/backend.js';
import type { Choice } from './checks.js';
import type { ActivationName } from './layers/activation.js';
import type { ModelLoss } from './layers/model.js';
import type { ActivationDefinition } from './ops/definition.js';
import { activations } from './ops/index.js';
import { streams } from './random.js';
import type { Arena, Tensor } from './tensor.js';

/** l1·Σ|v| + l2·Σv², on parameters or values. */
export interface Penalty {
  readonly l1: number;
  readonly l2: number;
}

/** A parameter that may have a penalty. */
interface PenalizedParameter {
  readonly tensor: Tensor;
  readonly gradient: Tensor;
  readonly penalty?: Penalty | undefined;
}

/** Which part of a step's rows a batch is. */
export interface Part {
  /** Rows of the step. */
  readonly of: number;
  /** Whether it is the first and the last one: the only one, as a rule. */
  readonly opens: boolean;
  readonly closes: boolean;
}

/** What a list's layers have in common. */
export interface ListContext {
  readonly arena: Arena;
  /** Rows a step. */
  readonly batch: number;
  /** The part that the batch is of a step's rows. */
  readonly part: Part;
  /** Whether layers behave as in training. */
  readonly training: boolean;
  readonly seed: number;
  readonly counters: Tensor;
  /** The optimizer's scalars, for steps that are fused into gradients. */
  readonly hyper: Tensor;
  /** Vectors of zeros and of ones, as wide as the widest row of values or parameters. */
  readonly zeros: Tensor;
  readonly ones: Tensor;
  /** Whether what is learnt otherwise than by gradients is learnt now. */
  readonly learns: boolean;
  /** Where a parameter's gradient is stored; undefined for one that training does not change. */
  gradientOf(parameter: Tensor): Tensor | undefined;
  /** The ending of the kernels that make a gradient and step by it at once, if that is to be. */
  readonly fusion: string | undefined;
  /** Whether something is still added to a parameter's gradient, so that no step may be fused. */
  stored(parameter: Tensor): boolean;
  /** The activation whose inputs the loss will read, and which must not overwrite them. */
  readonly logits: string | undefined;
  /** Whether no layer may write over another's values. */
  readonly keep: boolean;
}

/** What a kernel costs besides its arithmetic, in floating point operations. */
const opWork = 200;

/** Floating point operations of an elementwise pass, per element. */
export const elementWork = 8;

const isKernel = (name: string): name is KernelName => Object.hasOwn(kernels, name);

/**
 * Builds one list: layers add their ops going forward, and leave behind what is to be added going
 * back. A step back gets the gradient of its output, and is left out where nobody needs it.
 *
 * A tensor may have several readers, each of which contributes its share to the tensor's gradient. The
 * order of that sum is the order in which readers go back: the last to read comes first.
 */
export class ListBuilder {
  readonly batch: number;
  readonly training: boolean;
  readonly counters: Tensor;
  readonly ops: Op[] = [];
  /** Parameters whose gradients are stored, because no kernel steps by them at once. */
  readonly unfused: Tensor[] = [];
  /** Floating point operations a step, roughly. */
  work = 0;
  /** The most floats that one of the kernels packs. */
  scratchSize = 0;
  /** Buffers, and where the list writes their next values. */
  readonly buffers = new Map<Tensor, Tensor>();
  readonly #context: ListContext;
  readonly #tape: { output: Tensor; back: (gradient: Tensor) => void }[] = [];
  readonly #learning: (() => void)[] = [];
  readonly #gradients = new Map<Tensor, Tensor>();
  /** Gradients that several tensors have whole, and which must therefore stay as they are. */
  readonly #common = new Set<Tensor>();
  readonly #differentiable = new Set<Tensor>();
  /** Values that nobody reads again, so that an activation may take their place. */
  readonly #overwritable = new Set<Tensor>();
  /** Outputs with a lower bound fused into them. */
  readonly #bounds = new Map<Tensor, number>();
  /** Tensors with a share in their gradient that its maker has not masked by their bound. */
  readonly #unmasked = new Set<Tensor>();
  readonly #activated = new Map<Tensor, { name: string; z: Tensor; op: Op }>();
  /** Values whose size the loss counts, under their handles; whether a gradient comes to them. */
  readonly #penalized = new Map<Tensor, Penalty & { reached: boolean }>();
  #keys = 0;

  constructor(context: ListContext) {
    this.#context = context;
    this.batch = context.batch;
    this.training = context.training;
    this.counters = context.counters;
  }

  /** Appends an op. */
  emit<K extends KernelName>(kernel: K, ...args: Arguments<K, Tensor>): Op {
    return this.emitNamed(kernel, args);
  }

  /** Appends an op whose kernel a catalogue entry names. */
  emitNamed(kernel: string, args: readonly (Tensor | number)[]): Op {
    if (!isKernel(kernel)) throw new Error(`no kernel ${kernel}`);
    const op: Op = { kernel, args };
    this.ops.push(op);
    this.work += opWork;
    return op;
  }

  /**
   * Appends the loss: one number a row into `losses`, and the gradient of `predictions`; both times
   * what the row counts, where rows differ in that. Where predictions stand by position, each position
   * is a row here.
   */
  emitLoss(
    loss: ModelLoss,
    predictions: Tensor,
    targets: Tensor,
    losses: Tensor,
    weights: Tensor | undefined,
  ): void {
    const { rows, columns, pitch } = predictions;
    const { lossScale, gradientScale, options } = loss;
    const scales = [lossScale, gradientScale / this.#context.part.of, ...Object.values(options)];
    const gradient = this.#context.arena.matrix(rows, columns);
    this.#give(predictions, gradient, false);
    this.emitNamed(`${loss.type}Loss`, [
      ...[gradient, losses, predictions, targets],
      ...[rows, columns, pitch, targets.pitch, ...scales],
    ]);
    this.count(elementWork * rows * columns);
    if (!weights) return;
    const each = this.regroup(weights, 1);
    this.emit('weightLosses', gradient, losses, each, rows, columns, pitch, each.pitch);
    this.count(rows * columns);
  }

  /** Counts arithmetic of the ops emitted, so that long work can be cut into slices. */
  count(operations: number): void {
    this.work += operations;
  }

  /**
   * Room for rows of `columns` values: one for each row of the batch, or as many more as a row has
   * positions. The padding may hold anything.
   */
  value(columns: number, differentiable: boolean, rows = this.batch): Tensor {
    const tensor = this.#context.arena.matrix(rows, columns);
    if (differentiable) this.#differentiable.add(tensor);
    if (!this.#context.keep) this.#overwritable.add(tensor);
    return tensor;
  }

  /** Room for as many. */
  valueLike({ rows, columns }: Tensor, differentiable: boolean): Tensor {
    return this.value(columns, differentiable, rows);
  }

  /**
   * The same numbers in rows of `columns`. Values of more than one dimension stand either flat, in one
   * row each, or by position: their last dimension in a row, the others one row behind another.
   */
  regroup(x: Tensor, columns: number): Tensor {
    if (x.columns === columns) return x;
    const y = this.value(columns, this.needsGradient(x), (x.rows * x.columns) / columns);
    this.#emitRegrouped(y, x);
    this.onBackward(y, (dy) => this.contribute(x, (dx) => this.#emitRegrouped(dx, dy)));
    return y;
  }

  #emitRegrouped(y: Tensor, x: Tensor): void {
    const [kernel, flat, parted] =
      y.rows > x.rows ? (['splitRows', x, y] as const) : (['joinRows', y, x] as const);
    const sizes = [flat.rows, parted.rows / flat.rows, parted.columns] as const;
    this.emit(kernel, y, x, ...sizes, y.pitch, x.pitch);
    this.count(y.rows * y.columns);
  }

  /** The same in the place of `free`, which nobody reads again, if there is one. */
  #valueIn(free: Tensor | undefined, like: Tensor, differentiable: boolean): Tensor {
    if (!free) return this.valueLike(like, differentiable);
    const tensor = { ...free };
    if (differentiable) this.#differentiable.add(tensor);
    return tensor;
  }

  /** A vector of zeros, never to be written. */
  zeros(columns: number): Tensor {
    return { ...this.#context.zeros, columns };
  }

  /** The same of ones. */
  ones(columns: number): Tensor {
    return { ...this.#context.ones, columns };
  }

  /** Room for one row of numbers, for the list's own use. */
  vector(columns: number): Tensor {
    return this.#context.arena.matrix(1, columns);
  }

  /** Room for a mask of so many steps, all sequences together. */
  mask(steps: number): Tensor {
    return this.#context.arena.dense(this.batch, steps / this.batch, 'i32');
  }

  /** Room that kernels may pack panels into; one place serves the whole list. */
  scratch(floats: number): void {
    this.scratchSize = Math.max(this.scratchSize, floats);
  }

  /** The key for a layer's random numbers; the same in every list that asks in the same order. */
  randomKey(): { seed: number; stream: number } {
    return { seed: this.#context.seed, stream: streams.masks + this.#keys++ };
  }

  /** Whether one of these is to have a gradient: values on the way to it, or parameters. */
  needsGradient(...tensors: readonly (Tensor | undefined)[]): boolean {
    return tensors.some((x) => x && (this.#differentiable.has(x) || this.#context.gradientOf(x)));
  }

  requireGradient(x: Tensor): void {
    this.#differentiable.add(x);
  }

  /** The gradient of `x` as far as the list has come; undefined where nothing needs it. */
  gradientOf(x: Tensor): Tensor | undefined {
    return this.#gradients.get(x);
  }

  /** Declares that `x` will have several readers, so that none may take its place. */
  share(x: Tensor): void {
    this.#overwritable.delete(x);
  }

  /**
   * Has a reader of `x` emit its share of the gradient of `x`, into the place that `write` is given;
   * not called where nothing below needs it. A kernel that writes 0 where `x` is at its lower bound or
   * below asks `takeMask` for that bound, NaN for none, and spares `x` a pass of its own.
   */
  contribute(x: Tensor, write: (dx: Tensor, takeMask: () => number) => void): void {
    if (!this.needsGradient(x)) return;
    const share = this.#context.arena.matrix(x.rows, x.columns);
    let masked = false;
    write(share, () => {
      masked = true;
      return this.#bounds.get(x) ?? Number.NaN;
    });
    this.#give(x, share, masked);
  }

  /** Hands the gradient of a sum on to its terms: each has it whole. */
  passOn(gradient: Tensor, terms: readonly Tensor[]): void {
    const needing = terms.filter((x) => this.needsGradient(x));
    if (needing.length > 1) this.#common.add(gradient);
    for (const x of needing) this.#give(x, gradient, false);
  }

  /** Makes `share` part of the gradient of `x`, and the whole of it if it is the first. */
  #give(x: Tensor, share: Tensor, masked: boolean): void {
    if (!masked) this.#unmasked.add(x);
    const before = this.#gradients.get(x);
    if (!before) {
      this.#gradients.set(x, share);
      return;
    }
    const free = [before, share].find((place) => !this.#common.has(place));
    const sum = free ?? this.#context.arena.matrix(x.rows, x.columns);
    this.#emitSum(sum, before, share);
    this.#gradients.set(x, sum);
  }

  /** The place of a gradient for one that is made of it; another where it must stay as it is. */
  #successor(gradient: Tensor): Tensor {
    if (!this.#common.has(gradient)) return gradient;
    return this.#context.arena.matrix(gradient.rows, gradient.columns);
  }

  /** Leaves behind a step back through `output`; steps run in the reverse order. */
  onBackward(output: Tensor, back: (gradient: Tensor) => void): void {
    this.#tape.push({ output, back });
  }

  /** Runs the steps back whose outputs have a gradient. */
  backward(): void {
    for (const { output, back } of this.#tape.reverse()) {
      const gradient = this.#gradients.get(output);
      if (gradient && this.needsGradient(output)) back(gradient);
    }
  }

  /**
   * Emits the kernel that makes a parameter's gradient, or its fused form, which steps as well; nothing
   * for a parameter that training does not change. A part of a step that does not open it goes on with
   * the sums of the parts before, or, where the kernel has no form for that, adds a sum of its own.
   *
   * @param room whether the fused form has the gradient's place too, behind the parameter, to add up in
   */
  accumulate(
    kernel: KernelName,
    parameter: Tensor,
    reads: Tensor[],
    sizes: number[],
    room = false,
  ): void {
    const { fusion, hyper, gradientOf, stored, part, arena } = this.#context;
    const gradient = gradientOf(parameter);
    if (!gradient) return;
    if (!part.opens) {
      const onto = `${kernel}Onto`;
      if (isKernel(onto)) {
        this.emitNamed(onto, [gradient, ...reads, ...sizes]);
        return;
      }
      const own = arena.matrix(parameter.rows, parameter.columns);
      this.emitNamed(kernel, [own, ...reads, ...sizes]);
      this.#emitPenaltySlope(gradient, own, true, 0, 1);
      return;
    }
    const fused = `${kernel}${fusion}`;
    if (fusion && isKernel(fused) && !stored(parameter)) {
      const written = room ? [parameter, gradient] : [parameter];
      this.emitNamed(fused, [...written, ...reads, hyper, ...sizes]);
    } else {
      this.emitNamed(kernel, [gradient, ...reads, ...sizes]);
      this.unfused.push(parameter);
    }
  }

  /**
   * Emits the one kernel that steps by the gradients of several parameters, where the optimizer has it
   * and nothing else is to come in between; whether it did.
   */
  stepTogether(kernel: string, parameters: Tensor[], reads: Tensor[], sizes: number[]): boolean {
    const { fusion, hyper, gradientOf, stored } = this.#context;
    const fused = `${kernel}${fusion}`;
    if (!fusion || !isKernel(fused)) return false;
    if (parameters.some((parameter) => !gradientOf(parameter) || stored(parameter))) return false;
    this.emitNamed(fused, [...parameters, ...reads, hyper, ...sizes]);
    return true;
  }

  /**
   * Where a kernel of any kind is to store the gradient of a parameter of `columns` numbers: room that
   * nobody reads where there is no such parameter, or it is frozen.
   */
  gradientPlace(parameter: Tensor | undefined, columns: number): Tensor {
    const gradient = parameter && this.#context.gradientOf(parameter);
    if (!gradient) return this.vector(columns);
    this.unfused.push(parameter);
    return gradient;
  }

  /** Adds a part's own sum to the gradient of a parameter, where that is stored. */
  addToGradient(parameter: Tensor | undefined, sum: Tensor): void {
    const gradient = parameter && this.#context.gradientOf(parameter);
    if (gradient) this.#emitSum(gradient, gradient, sum);
  }

  /** Whether the batch opens a step: what it sums is stored, and that of later parts added. */
  get opens(): boolean {
    return this.#context.part.opens;
  }

  /**
   * Where the next value of a buffer goes: to the buffer itself if the list learns, else beside it.
   * To be written in `onLearning`.
   */
  nextOf(buffer: Tensor): Tensor {
    const { rows, columns } = buffer;
    const next = this.#context.learns ? buffer : this.#context.arena.matrix(rows, columns);
    this.buffers.set(buffer, next);
    return next;
  }

  /** Leaves behind ops for after the loss, which a loss that is not finite prevents. */
  onLearning(emit: () => void): void {
    this.#learning.push(emit);
  }

  learn(): void {
    for (const emit of this.#learning) emit();
  }

  /** The lower bound of an activation that is no more than one, else undefined. */
  lowerBound({ type }: Choice<ActivationName>): number | undefined {
    return (activations[type] as ActivationDefinition).lowerBound;
  }

  /**
   * Declares that `y` has been bounded by the kernel that wrote it, as `activation` does. Whoever
   * contributes to the gradient of `y` may mask its share (`takeMask`); unless all do, a pass of its
   * own masks the sum.
   */
  bounded(y: Tensor, activation: Choice<ActivationName>): Tensor {
    const bound = this.lowerBound(activation)!;
    if (bound === Number.NEGATIVE_INFINITY) return y;
    this.#bounds.set(y, bound);
    this.#overwritable.delete(y);
    this.onBackward(y, (dy) => {
      if (!this.#unmasked.has(y)) return;
      const masked = this.#successor(dy);
      this.#emitSlope(activation, masked, dy, y);
      this.#gradients.set(y, masked);
    });
    return y;
  }

  /** a + b, in the place of one of them where nobody reads it again. */
  add(first: Tensor, second: Tensor): Tensor {
    const columns = Math.min(first.columns, second.columns);
    const [a, b] = [this.regroup(first, columns), this.regroup(second, columns)];
    const free = [a, b].find((x) => this.#overwritable.has(x));
    const differentiable = this.needsGradient(a, b);
    const y = this.#valueIn(free, a, differentiable);
    if (free) this.#overwritable.add(y);
    this.#emitSum(y, a, b);
    this.onBackward(y, (dy) => this.passOn(dy, [a, b]));
    return y;
  }

  /**
   * Adds an activation behind `z`, in place where its slope does not need `z` and no loss does. Where
   * the op before has made `z` as the product of one row, a training takes the kernel that does both,
   * if there is one, with the arguments `row` behind the place it writes.
   */
  activate(
    z: Tensor,
    activation: Choice<ActivationName>,
    row?: readonly (Tensor | number)[],
  ): Tensor {
    const { type, options } = activation;
    const { slopeFrom } = activations[type] as ActivationDefinition;
    if (this.lowerBound(activation) === Number.NEGATIVE_INFINITY) return z;
    const free = slopeFrom === 'y' && type !== this.#context.logits && this.#overwritable.has(z);
    const y = this.#valueIn(free ? z : undefined, z, this.needsGradient(z));
    this.#overwritable.delete(y);
    const together = `${type}RowForward`;
    const both = row && free && this.training && isKernel(together);
    if (both) this.ops.pop();
    const args = [y, z, z.rows, z.columns, z.pitch, ...Object.values(options)];
    const op = both
      ? this.emitNamed(together, [y, ...row])
      : this.emitNamed(`${type}Forward`, args);
    this.count(elementWork * z.rows * z.columns);
    this.#activated.set(y, { name: type, z, op });
    this.onBackward(y, (dy) => {
      const dz = this.#successor(dy);
      this.#emitSlope(activation, dz, dy, slopeFrom === 'y' ? y : z);
      this.#give(z, dz, false);
    });
    return y;
  }

  /**
   * What a loss reads: the inputs of the last activation where it takes those, else its outputs.
   * Without `keep`, an activation that nobody reads is taken out again.
   */
  predictions(y: Tensor, keep: boolean): Tensor {
    const last = this.#activated.get(y);
    if (!last || last.name !== this.#context.logits) return y;
    const penalized = this.#penalized.get(y);
    if (penalized) {
      // The loss's gradient goes to z; what comes to y is the penalty's alone.
      this.#gradients.set(y, this.#context.arena.matrix(y.rows, y.columns));
      penalized.reached = false;
    } else if (!keep) this.ops.splice(this.ops.indexOf(last.op), 1);
    return last.z;
  }

  /**
   * Adds the size of `x`, a mean over the batch, to the loss, and its slope to the gradient. The
   * values stay as they are, under a new handle.
   */
  penalize(x: Tensor, penalty: Penalty | undefined): Tensor {
    if (!penalty) return x;
    const y = { ...x };
    const penalized = { ...penalty, reached: true };
    this.#penalized.set(y, penalized);
    this.#overwritable.delete(x);
    const activated = this.#activated.get(x);
    if (activated) this.#activated.set(y, activated);
    if (this.needsGradient(x)) this.requireGradient(y);
    this.onBackward(y, (dy) => {
      const { l1, l2, reached } = penalized;
      const common = this.#common.has(dy);
      const dx = common ? this.#context.arena.matrix(y.rows, y.columns) : dy;
      const keep = reached && !common;
      const { of } = this.#context.part;
      this.#emitPenaltySlope(dx, y, keep, l1 / of, (2 * l2) / of);
      this.#give(x, dx, false);
      if (common) this.#give(x, dy, false);
    });
    return y;
  }

  /** Adds all penalties to the losses, those of parameters at the end, as often as there are rows. */
  emitPenalties(sums: Tensor, parameters: readonly PenalizedParameter[]): void {
    const emit = ({ rows, columns, pitch, ...place }: Tensor, times: number, p: Penalty) => {
      const y = { ...place, rows, columns, pitch };
      this.emit('addPenalty', sums, y, this.counters, rows, columns, pitch, times, p.l1, p.l2);
      this.count(elementWork * rows * columns);
    };
    const { part } = this.#context;
    for (const { tensor, penalty } of parameters) {
      if (penalty && part.closes) emit(tensor, part.of, penalty);
    }
    for (const [y, penalty] of this.#penalized) emit(y, 1, penalty);
  }

  /** Adds the slopes of the parameters' penalties to their gradients. */
  emitPenaltySlopes(parameters: readonly PenalizedParameter[]): void {
    if (!this.#context.part.closes) return;
    for (const { tensor, gradient, penalty } of parameters) {
      if (penalty) this.#emitPenaltySlope(gradient, tensor, true, penalty.l1, 2 * penalty.l2);
    }
  }

  #emitPenaltySlope(dy: Tensor, y: Tensor, keep: boolean, s1: number, s2: number): void {
    const { rows, columns, pitch } = y;
    this.emit('addPenaltySlope', dy, y, rows, columns, pitch, Number(keep), s1, s2);
    this.count(elementWork * rows * columns);
  }

  #emitSlope(
    { type, options }: Choice<ActivationName>,
    dz: Tensor,
    dy: Tensor,
    from: Tensor,
  ): void {
    const { rows, columns, pitch } = from;
    const args = [dz, dy, from, rows, columns, pitch, ...Object.values(options)];
    this.emitNamed(`${type}Backward`, args);
    this.count(elementWork * rows * columns);
  }

  #emitSum(sum: Tensor, a: Tensor, b: Tensor): void {
    this.emit('addRows', sum, a, b, a.rows, a.columns, a.pitch);
    this.count(a.rows * a.columns);
  }
}
