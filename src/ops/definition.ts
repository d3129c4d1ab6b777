/** What a catalogue entry says about its kernels; the rest of the library knows no more of them. */

/** A network's numbers: float32, or float64 where gradients are checked. */
export type Floats = Float32Array;

interface Options<Value extends number | boolean = number> {
  /** Options and their defaults, in the order in which the kernels take them, after all else. */
  readonly options: Readonly<Record<string, Value>>;
  /** The ranges [least, below) of options that cannot be any finite number. */
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
}

/** An activation y = f(z), with kernels `<name>Forward` and, unless linear, `<name>Backward`. */
export interface ActivationDefinition extends Options {
  /** What the backward kernel reads: outputs y, or inputs z, which must then outlive the forward. */
  readonly slopeFrom: 'y' | 'z';
  /** Whether an output depends on the whole row of inputs, not on its own alone. */
  readonly mixes?: boolean;
  /** Whether outputs are never negative. */
  readonly positive?: boolean;
  /** Where f(z) = max(z, lowerBound): dense layers compute that themselves. */
  readonly lowerBound?: number;
  /** The initializer of the weights before it, unless the layer names one. */
  readonly initializer: 'glorotUniform' | 'heUniform' | 'lecunNormal';
  /** Where the slope jumps, so that no difference quotient is taken across. */
  readonly kinks?: readonly number[];
}

/** A loss with its kernel `<name>Loss`, which writes the loss of each row and its gradient. */
export interface LossDefinition extends Options {
  /** The activation whose inputs the loss takes in place of its outputs. */
  readonly logits?: 'sigmoid' | 'softmax';
  /** A number, a probability, or −1 or 1 for each output, or one class index for each row. */
  readonly targets: 'values' | 'probabilities' | 'signs' | 'labels';
  /** Whether outputs and targets are rates and counts, which are never negative. */
  readonly positive?: boolean;
  /** What the sum over a row and the batch is divided by: batch × outputs, or batch. */
  readonly average: 'outputs' | 'batch';
  /** Values of y − target where the slope jumps. */
  readonly kinks?: readonly number[];
}

/** How an optimizer with given options steps. */
export interface OptimizerRule {
  /** The kernel that opens a step, once, however many ranges of parameters follow. */
  readonly advance?: `${string}Advance`;
  /**
   * The kernel that steps over a range: w, the slots, the gradients, hyper, the size, and whether
   * these parameters decay.
   */
  readonly step: `${string}Step`;
  /** What it keeps for each parameter. */
  readonly slots: readonly string[];
  /** The ending of the gradient kernels that do this very step as well, where there are such. */
  readonly fusion?: string;
}

/**
 * An optimizer. In `hyper` stand its options in their order, with 1 for true and 0 for false; what
 * is derived of them; then `kept` numbers of its own.
 */
export interface OptimizerDefinition extends Options<number | boolean> {
  /** Among others those that every optimizer has: they come first, because kernels count on it. */
  readonly options: {
    readonly learningRate: number;
    readonly weightDecay: number;
    readonly decoupled: boolean;
    readonly decayBiases: boolean;
    readonly [name: string]: number | boolean;
  };
  /** Numbers that follow from the options, where kernels could not compute them to the same bits. */
  derived?(options: Readonly<Record<string, number>>): readonly number[];
  /** How many numbers its kernels keep from step to step; they start as 0. */
  readonly kept: number;
  /** What is wrong with options each of which is in its range, for a message; else undefined. */
  conflict?(options: Readonly<Record<string, number>>): string | undefined;
  rule(options: Readonly<Record<string, number>>): OptimizerRule;
}
