import type { Backend } from './backends/backend.js';
import {
  areNames,
  type DenseRows,
  type Label,
  learnClasses,
  readLabels,
  readProbabilities,
  readRows,
  type Targets,
} from './data.js';
import type { Model } from './layers/model.js';
import { Plan } from './plan.js';
import { FittedScaler, type Scaling } from './scalers.js';
import { Scores } from './scoring.js';

/** All that a network is and has learnt; `Network` is its face, `Training` changes it. */
export class NetworkState {
  readonly model: Model;
  readonly plan: Plan;
  /** Names of the classes, given or learnt. */
  classes: readonly Label[] | undefined;
  /** Epochs trained so far: each shuffles in its own way. */
  epochs = 0;
  /** Whether a training is under way. */
  busy = false;
  #x: FittedScaler | undefined;
  #y: FittedScaler | undefined;

  constructor(model: Model, backend: Backend) {
    this.model = model;
    this.plan = new Plan(model, backend);
    this.classes = model.spec.classes;
  }

  readInputs(x: unknown, where: string): DenseRows {
    return readRows(x, this.model.inputShape, where);
  }

  /** Targets as numbers, and the classes that they are of; nothing is kept yet. */
  readTargets(
    y: Targets,
    classes = this.classes,
    where = 'y',
  ): { targets: DenseRows; classes: readonly Label[] | undefined } {
    const { loss, outputs, outputShape } = this.model;
    if (!loss) {
      throw new TypeError(
        'this network has no loss, so it can only predict: give sequential() a loss, or a task',
      );
    }
    if (loss.targets === 'values') return { targets: readRows(y, outputShape, where), classes };
    const single = outputs === 1 ? 2 : outputs;
    const learnt = classes ?? (areNames(y) ? learnClasses(y, single, where) : undefined);
    const targets =
      loss.targets === 'labels'
        ? readLabels(y, outputs, learnt, where)
        : readProbabilities(y, outputShape, learnt, where);
    return { targets, classes: learnt };
  }

  /** Fits the scalers that the spec asks for to the rows listed, unless they have been fitted. */
  fitScalers(inputs: DenseRows, targets: DenseRows, rows: Int32Array): void {
    const { preprocess } = this.model.spec;
    const fitted = (scaling: Scaling, { values }: DenseRows, width: number) =>
      FittedScaler.fit(scaling, values, width, rows);
    if (preprocess?.x) this.#x ??= fitted(preprocess.x, inputs, this.model.inputs);
    if (preprocess?.y) this.#y ??= fitted(preprocess.y, targets, this.model.outputs);
  }

  /** The scaler of the inputs or of the targets; undefined where none is asked for. */
  scaler(of: 'x' | 'y'): FittedScaler | undefined {
    const fitted = of === 'x' ? this.#x : this.#y;
    if (!fitted && this.model.spec.preprocess?.[of]) {
      throw new Error(`the scaler of ${of} has not been fitted: call fit() first`);
    }
    return fitted;
  }

  /** Writes dense inputs, scaled, behind `at`. */
  writeInputs(values: Float32Array, out: Float32Array, at: number): void {
    const scaler = this.scaler('x');
    if (scaler) scaler.apply(values, out, at);
    else out.set(values, at);
  }

  /** Writes dense targets, scaled, behind `at`. */
  writeTargets(values: Float32Array, out: Float32Array, at: number): void {
    const scaler = this.scaler('y');
    if (scaler) scaler.apply(values, out, at);
    else out.set(values, at);
  }

  /** The network's metrics, over no rows yet. */
  scores(): Scores {
    return new Scores(this.model, this.scaler('y'));
  }
}
