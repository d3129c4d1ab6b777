import type { Arguments, KernelName, Op } from './backends/backend.js';
import type { Choice } from './checks.js';
import type { ActivationName } from './layers/activation.js';
import type { ModelLoss } from './layers/model.js';
import type { ActivationDefinition } from './ops/definition.js';
import * as ops from './ops/index.js';
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

/** What a list's layers have in common. */
export interface ListContext {
  readonly arena: Arena;
  /** Rows a step. */
  readonly batch: number;
  /** Whether layers behave as in training. */
  readonly training: boolean;
  readonly seed: number;
  readonly counters: Tensor;
  /** The optimizer's scalars, for steps that are fused into gradients. */
  readonly hyper: Tensor;
  /** A vector of zeros, as wide as the widest layer. */
  readonly zeros: Tensor;
  gradientOf(parameter: Tensor): Tensor;
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
const elementWork = 8;

const isKernel = (name: string): name is KernelName =>
  typeof (ops as Record<string, unknown>)[name] === 'function';

/**
 * Builds one list: layers add their ops going forward, and leave behind what is to be added going
 * back. A step back gets the gradient of its output, and is left out where nobody needs it.
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
  readonly #context: ListContext;
  readonly #tape: { output: Tensor; back: (gradient: Tensor) => void }[] = [];
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #differentiable = new Set<Tensor>();
  /** Values that nobody reads again, so that an activation may take their place. */
  readonly #overwritable = new Set<Tensor>();
  /** Outputs with a lower bound fused into them, until their gradient has been masked. */
  readonly #bounds = new Map<Tensor, number>();
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

  /** Appends the loss: one number a row into `losses`, and the gradient of `predictions`. */
  emitLoss(loss: ModelLoss, predictions: Tensor, targets: Tensor, losses: Tensor): void {
    const { batch } = this;
    const { columns, pitch } = predictions;
    const { lossScale, gradientScale, options } = loss;
    const scales = [lossScale, gradientScale / batch, ...Object.values(options)];
    this.emitNamed(`${loss.type}Loss`, [
      ...[this.gradient(predictions), losses, predictions, targets],
      ...[batch, columns, pitch, targets.pitch, ...scales],
    ]);
    this.count(elementWork * batch * columns);
  }

  /** Counts arithmetic of the ops emitted, so that long work can be cut into slices. */
  count(operations: number): void {
    this.work += operations;
  }

  /** Room for a batch of `columns` values. Its padding may hold anything. */
  value(columns: number, differentiable: boolean): Tensor {
    const tensor = this.#context.arena.matrix(this.batch, columns);
    if (differentiable) this.#differentiable.add(tensor);
    if (!this.#context.keep) this.#overwritable.add(tensor);
    return tensor;
  }

  /** A vector of zeros, never to be written. */
  zeros(columns: number): Tensor {
    return { ...this.#context.zeros, columns };
  }

  /** Room that kernels may pack panels into; one place serves the whole list. */
  scratch(floats: number): void {
    this.scratchSize = Math.max(this.scratchSize, floats);
  }

  /** The key for a layer's random numbers; the same in every list that asks in the same order. */
  randomKey(): { seed: number; stream: number } {
    return { seed: this.#context.seed, stream: streams.masks + this.#keys++ };
  }

  needsGradient(x: Tensor): boolean {
    return this.#differentiable.has(x);
  }

  requireGradient(x: Tensor): void {
    this.#differentiable.add(x);
  }

  /** Where the gradient of `x` goes; undefined where nothing below needs it. */
  gradientFor(x: Tensor): Tensor | undefined {
    return this.needsGradient(x) ? this.gradient(x) : undefined;
  }

  /** The gradient of `x`, needed or not. */
  gradient(x: Tensor): Tensor {
    let gradient = this.#gradients.get(x);
    if (!gradient) {
      gradient = this.#context.arena.matrix(x.rows, x.columns);
      this.#gradients.set(x, gradient);
    }
    return gradient;
  }

  /** Leaves behind a step back through `output`; steps run in the reverse order. */
  onBackward(output: Tensor, back: (gradient: Tensor) => void): void {
    this.#tape.push({ output, back });
  }

  /** Runs the steps back whose outputs have a gradient. */
  backward(): void {
    for (const { output, back } of this.#tape.reverse()) {
      const gradient = this.#gradients.get(output);
      if (gradient) back(gradient);
    }
  }

  /** Emits the kernel that makes a parameter's gradient, or its fused form, which steps as well. */
  accumulate(kernel: KernelName, parameter: Tensor, reads: Tensor[], sizes: number[]): void {
    const { fusion, hyper, gradientOf, stored } = this.#context;
    const fused = `${kernel}${fusion}`;
    if (fusion && isKernel(fused) && !stored(parameter)) {
      this.emitNamed(fused, [parameter, ...reads, hyper, ...sizes]);
    } else {
      this.emitNamed(kernel, [gradientOf(parameter), ...reads, ...sizes]);
      this.unfused.push(parameter);
    }
  }

  /** The lower bound of an activation that is no more than one, else undefined. */
  lowerBound({ type }: Choice<ActivationName>): number | undefined {
    return (ops.activations[type] as ActivationDefinition).lowerBound;
  }

  /**
   * Declares that `y` has been bounded by the kernel that wrote it, as `activation` does. Whoever
   * makes the gradient of `y` may mask it (`takeMask`); otherwise a pass of its own does.
   */
  bounded(y: Tensor, activation: Choice<ActivationName>): Tensor {
    const bound = this.lowerBound(activation)!;
    if (bound === Number.NEGATIVE_INFINITY) return y;
    this.#bounds.set(y, bound);
    this.#overwritable.delete(y);
    this.onBackward(y, (dy) => {
      if (this.#bounds.has(y)) this.#emitSlope(activation, dy, dy, y);
    });
    return y;
  }

  /** The bound below which the gradient of `x` is 0, for a kernel that masks it while writing it. */
  takeMask(x: Tensor): number {
    const bound = this.#bounds.get(x) ?? Number.NaN;
    this.#bounds.delete(x);
    return bound;
  }

  /** Adds an activation behind `z`, in place where its slope does not need `z` and no loss does. */
  activate(z: Tensor, activation: Choice<ActivationName>): Tensor {
    const { type, options } = activation;
    const { slopeFrom } = ops.activations[type] as ActivationDefinition;
    if (this.lowerBound(activation) === Number.NEGATIVE_INFINITY) return z;
    const differentiable = this.needsGradient(z);
    const free = slopeFrom === 'y' && type !== this.#context.logits && this.#overwritable.has(z);
    const y = free ? { ...z } : this.value(z.columns, differentiable);
    this.#overwritable.delete(y);
    if (differentiable) this.#differentiable.add(y);
    const { batch } = this;
    const args = [y, z, batch, z.columns, z.pitch, ...Object.values(options)];
    const op = this.emitNamed(`${type}Forward`, args);
    this.count(elementWork * batch * z.columns);
    this.#activated.set(y, { name: type, z, op });
    this.onBackward(y, (dy) => {
      if (!this.needsGradient(z)) return;
      this.#emitSlope(activation, dy, dy, slopeFrom === 'y' ? y : z);
      const dz = this.#gradients.get(z);
      // The gradient of y has no other reader, so that of z takes its place; unless the loss read z.
      if (dz) this.#emitPenaltySlope(dz, dy, true, 0, 1);
      else this.#gradients.set(z, dy);
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
      this.gradient(y);
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
      this.#emitPenaltySlope(dy, y, reached, l1 / this.batch, (2 * l2) / this.batch);
      this.#gradients.set(x, dy);
    });
    return y;
  }

  /** Adds all penalties to the losses, those of parameters as often as there are rows. */
  emitPenalties(sums: Tensor, parameters: readonly PenalizedParameter[]): void {
    const emit = ({ rows, columns, pitch, ...place }: Tensor, times: number, p: Penalty) => {
      const y = { ...place, rows, columns, pitch };
      this.emit('addPenalty', sums, y, this.counters, rows, columns, pitch, times, p.l1, p.l2);
      this.count(elementWork * rows * columns);
    };
    for (const { tensor, penalty } of parameters) {
      if (penalty) emit(tensor, this.batch, penalty);
    }
    for (const [y, penalty] of this.#penalized) emit(y, 1, penalty);
  }

  /** Adds the slopes of the parameters' penalties to their gradients. */
  emitPenaltySlopes(parameters: readonly PenalizedParameter[]): void {
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
    const { batch } = this;
    const args = [dz, dy, from, batch, from.columns, from.pitch, ...Object.values(options)];
    this.emitNamed(`${type}Backward`, args);
    this.count(elementWork * batch * from.columns);
  }
}
