import type { Choice } from '../checks.js';
import type { InitializerName } from '../initializers.js';
import type { ListBuilder, Penalty } from '../lowering.js';
import type { Shape, Tensor } from '../tensor.js';
import type { ConstraintName } from './regularization.js';

/** A tensor that training changes: weights or biases of one layer. */
export interface ParameterDeclaration {
  readonly rows: number;
  readonly columns: number;
  /** The shape that users see, which holds rows × columns numbers. */
  readonly shape: Shape;
  readonly initializer: Choice<InitializerName>;
  /** How many numbers flow into one unit, and out of one input: the initializers' scale. */
  readonly fanIn: number;
  readonly fanOut: number;
  /** Whether penalties on the size of weights apply by default: to weights, not to biases. */
  readonly decays: boolean;
  /** What its size adds to the loss. */
  readonly penalty?: Penalty | undefined;
  /** What every step is followed by. */
  readonly constraint?: Choice<ConstraintName> | undefined;
}

/** What a kind of layer is: all that the rest of the library needs to know of it. */
export interface LayerDefinition<Spec> {
  /** The options that a spec may have, `type` aside. */
  readonly options: readonly string[];
  /** Refuses a bad spec. `where` names the layer in messages. */
  check(spec: Spec, input: Shape, where: string): void;
  /** The shape of one row of outputs. */
  output(spec: Spec, input: Shape): Shape;
  /** Trainable tensors by their short names, in the order in which they are drawn. */
  parameters?(spec: Spec, input: Shape): Readonly<Record<string, ParameterDeclaration>>;
  /** The name of the activation that the outputs come from, where there is one. */
  activation?(spec: Spec): string;
  /** The spec with an activation where it names none and could: the short form's part. */
  withActivation?(spec: Spec, activation: string): Spec;
  /**
   * Adds the layer's ops to a list and gives its outputs. `x` holds a batch of its inputs, and
   * `parameters` its tensors under the names of `parameters()`.
   */
  lower(
    spec: Spec,
    build: ListBuilder,
    x: Tensor,
    parameters: Readonly<Record<string, Tensor>>,
  ): Tensor;
}
