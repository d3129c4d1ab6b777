import type { Backend } from './backends/backend.js';
import { type CategoricalRows, readCategories } from './categories.js';
import {
  areNames,
  type DenseRows,
  type Label,
  learnClasses,
  readCounts,
  readIndices,
  readLabels,
  readProbabilities,
  readRows,
  readSigns,
  type Targets,
} from './data.js';
import type { Model } from './layers/model.js';
import { Plan } from './plan.js';
import { FittedScaler, scalerWithoutRows } from './scalers.js';
import { Scores } from './scoring.js';

/** What has been learnt of the columns; undefined where nothing is done to them. */
export interface FittedScalers {
  readonly x: FittedScaler | undefined;
  readonly y: FittedScaler | undefined;
}

/** All that a network is and has learnt; `Network` is its face, `Training` changes it. */
export class NetworkState {
  readonly model: Model;
  readonly plan: Plan;
  /** Names of the classes, given or learnt. */
  classes: readonly Label[] | undefined;
  /** Epochs trained so far: each shuffles in its own way. */
  epochs = 0;
  /** How many they were when somebody last looked for what goes wrong. */
  watched = 0;
  /** Whether a training is under way. */
  busy = false;
  #x: FittedScaler | undefined;
  #y: FittedScaler | undefined;

  readonly #onWarning: (message: string) => void;
  readonly #warned = new Set<string>();

  constructor(model: Model, backend: Backend, onWarning = console.warn as (text: string) => void) {
    this.#onWarning = onWarning;
    this.model = model;
    this.plan = new Plan(model, backend);
    this.classes = model.spec.classes;
    const { preprocess } = model.spec;
    if (preprocess?.x) this.#x = scalerWithoutRows(preprocess.x, model.columns);
  }

  /** Warns of something that is not an error, of each kind once. */
  warn(kind: string, message: string): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#onWarning(`chainrule: ${message}`);
  }

  /**
   * One training at a time, and nothing that changes parameters meanwhile.
   *
   * @param what who asks, for the message
   * @returns what ends it
   */
  lock(what: string): () => void {
    if (this.busy) {
      throw new Error(`${what}: this network is training; wait for fit(), or abort it first`);
    }
    this.busy = true;
    let held = true;
    return () => {
      if (held) this.busy = false;
      held = false;
    };
  }

  /** Remembers all that a training changes; the result puts it back. */
  remember(): () => void {
    const { plan, classes, epochs } = this;
    const [x, y] = [this.#x, this.#y];
    const kept = plan.backend.view(plan.state).slice() as Float32Array;
    return () => {
      (plan.backend.view(plan.state) as Float32Array).set(kept);
      this.classes = classes;
      this.epochs = epochs;
      this.#x = x;
      this.#y = y;
    };
  }

  readInputs(x: unknown, where: string): CategoricalRows {
    const { spec, inputShape, columns, indices } = this.model;
    if (indices !== undefined) return readIndices(x, inputShape, indices, where);
    const read = (rows: unknown) => readRows(rows, inputShape, where);
    if (!spec.preprocess?.x) return read(x);
    return readCategories(x, spec.preprocess.x, columns, this.#x?.columns, where, read);
  }

  /** Targets as numbers, and the classes that they are of; nothing is kept yet. */
  readTargets(
    y: Targets,
    classes = this.classes,
    where = 'y',
  ): { targets: DenseRows; classes: readonly Label[] | undefined } {
    const { loss, outputShape, positions, units } = this.model;
    if (!loss) {
      throw new TypeError(
        'this network has no loss, so it can only predict: give sequential() a loss, or a task',
      );
    }
    if (loss.positive) return { targets: readCounts(y, outputShape, where), classes };
    if (loss.targets === 'values') return { targets: readRows(y, outputShape, where), classes };
    const single = units === 1 ? 2 : units;
    const learnt = classes ?? (areNames(y) ? learnClasses(y, single, where) : undefined);
    if (loss.targets === 'labels') {
      return { targets: readLabels(y, units, learnt, where, positions), classes: learnt };
    }
    const read = loss.targets === 'signs' ? readSigns : readProbabilities;
    return { targets: read(y, outputShape, learnt, where), classes: learnt };
  }

  /** The scalers that the spec asks for, fitted to the rows listed unless they have been before. */
  fitScalers(inputs: CategoricalRows, targets: DenseRows, rows: Int32Array): FittedScalers {
    const { spec, columns, outputs } = this.model;
    const { x, y } = spec.preprocess ?? {};
    return {
      x: this.#x ?? (x && FittedScaler.fit(x, inputs, columns, rows)),
      y: this.#y ?? (y && FittedScaler.fit(y, targets, outputs, rows)),
    };
  }

  /** Takes fitted scalers into use. */
  keepScalers({ x, y }: FittedScalers): void {
    this.#x = x;
    this.#y = y;
  }

  /** The scalers that have been fitted, or need no fitting. */
  get fitted(): FittedScalers {
    return { x: this.#x, y: this.#y };
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
