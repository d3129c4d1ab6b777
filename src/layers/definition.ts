import type { Choice } from '../checks.js';
import type { InitializerName } from '../initializers.js';
import type { ListBuilder, Penalty } from '../lowering.js';
import type { Shape, Tensor } from '../tensor.js';
import type { LayerSpec } from './index.js';
import type { ConstraintName } from './regularization.js';

/** What every layer may say of itself. */
export interface LayerOptions {
  /**
   * Whether training changes the layer and all that is inside it; default true. A frozen layer keeps
   * its parameters bit for bit: no gradient is computed for them, no step taken, nothing decays.
   */
  readonly trainable?: boolean;
}

/** A tensor that one layer learns: weights, biases, or a buffer. */
export interface ParameterDeclaration {
  readonly rows: number;
  readonly columns: number;
  /** The shape that users see, which holds rows × columns numbers. */
  readonly shape: Shape;
  readonly initializer: Choice<InitializerName>;
  /** What is added to the numbers drawn for a column. */
  readonly raised?: (column: number) => number;
  /** How many numbers flow into one unit, and out of one input: the initializers' scale. */
  readonly fanIn: number;
  readonly fanOut: number;
  /** Whether penalties on the size of weights apply by default: to weights, not to biases. */
  readonly decays: boolean;
  /** What its size adds to the loss. */
  readonly penalty?: Penalty | undefined;
  /** What every step is followed by. */
  readonly constraint?: Choice<ConstraintName> | undefined;
  /**
   * What it is that changes otherwise than by gradients, and is never stepped or clipped: running
   * statistics, or the states of sequences that go on in the next batch.
   */
  readonly buffer?: 'statistics' | 'state';
  /** The least that its numbers may be; default: any. */
  readonly least?: number;
}

/** A layer's surroundings while it adds its ops to a list. */
export interface Surroundings {
  readonly trainable: boolean;
  /** The shape of one row of the layer's inputs, which stand flat or by position. */
  readonly input: Shape;
  /** The shape of what one of its stacks gives. */
  outputOf(stack: string): Shape;
  /** Runs `x` through one of the layer's stacks. */
  through(stack: string, x: Tensor): Tensor;
  /** Which steps of the inputs count, [batch][steps] of 1 and 0; undefined where all do. */
  readonly mask: Tensor | undefined;
  /** Says which steps of the outputs count, if the layer makes a mask. */
  makeMask(mask: Tensor): void;
}

/** What the short form supplies to a layer that leaves it open. */
export interface LayerDefaults {
  readonly activation: string;
  readonly weightInitializer?: string;
}

/** What a kind of layer is: all that the rest of the library needs to know of it. */
export interface LayerDefinition<Spec> {
  /** The options that a spec may have, those of every layer aside. */
  readonly options: readonly string[];
  /** Refuses a bad spec. `where` names the layer in messages. */
  check(spec: Spec, input: Shape, where: string): void;
  /**
   * For a layer whose inputs are places in a list: how long that is. It takes whole numbers from 0 on
   * and below that, to which only rows that users hand in are held: see `given`.
   */
  indices?(spec: Spec): number;
  /**
   * Why it takes the network's own inputs, as users hand them in, and no outputs of other layers;
   * undefined where it takes any.
   */
  given?(spec: Spec): string | undefined;
  /**
   * Of how many sequences it keeps the states from batch to batch: batches then have so many rows, each
   * of which goes on from its row of the batch before. Undefined where batches have nothing in common.
   */
  sequences?(spec: Spec): number | undefined;
  /** Whether its outputs are its inputs, number by number, in another shape. */
  readonly reshapes?: true;
  /**
   * What it does with a mask, which says that some of the steps do not count: makes one; gives outputs
   * of which the same steps count; or outputs without steps. A layer that says nothing would take all
   * steps alike, and is refused behind a mask. With stacks, 'keeps' is what these do with it.
   */
  masks?(spec: Spec): 'makes' | 'keeps' | 'ends' | undefined;
  /**
   * The stacks of layers inside it, by what their names begin with: 'layers', 'branches.0'. Each takes
   * the layer's own inputs; an empty one gives them as they are.
   */
  stacks?(spec: Spec): Readonly<Record<string, readonly LayerSpec[]>>;
  /** The shape of one row of outputs. `inner` holds those of its stacks; refuses what does not fit. */
  output(spec: Spec, input: Shape, inner: Readonly<Record<string, Shape>>, where: string): Shape;
  /** How many numbers it keeps of one row, where these may be many more than its outputs. */
  room?(spec: Spec, input: Shape): number;
  /** What it learns, by short names, in the order in which it is drawn. */
  parameters?(spec: Spec, input: Shape): Readonly<Record<string, ParameterDeclaration>>;
  /**
   * Whole numbers that its kernels read, by short names that differ from those of the parameters:
   * sizes that are too many to be arguments, tables of places.
   */
  constants?(spec: Spec, input: Shape): Readonly<Record<string, readonly number[]>>;
  /** The name of the activation that the outputs come from, where there is one. */
  activation?(spec: Spec): string;
  /** The spec with these where it names none and could: the short form's part. */
  withDefaults?(spec: Spec, defaults: LayerDefaults): Spec;
  /**
   * The spec with the same done inside its stacks: `complete` gives a stack, by its name, with relu
   * behind its hidden layers and `last` behind the last.
   */
  completed?(
    spec: Spec,
    complete: (name: string, stack: readonly LayerSpec[], last: string) => readonly LayerSpec[],
  ): Spec;
  /**
   * Adds the layer's ops to a list and gives its outputs. `x` holds a batch of its inputs, and
   * `tensors` what it has under the names of `parameters()` and `constants()`.
   */
  lower(
    spec: Spec,
    build: ListBuilder,
    x: Tensor,
    tensors: Readonly<Record<string, Tensor>>,
    around: Surroundings,
  ): Tensor;
}
