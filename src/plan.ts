import type { Backend, Op, Program } from './backends/backend.js';
import { ShapeError } from './errors.js';
import type { Model } from './layers/model.js';
import {
  type DeclaredWeight,
  declaredWeights,
  everyLayer,
  type ModelLayer,
} from './layers/tree.js';
import {
  counter,
  type Held,
  type List,
  type Lowered,
  mostEpochs,
  mostRates,
  type Request,
} from './lists.js';
import { elementWork, ListBuilder, type ListContext, type Penalty } from './lowering.js';
import { streams } from './random.js';
import { rowsOf } from './sequences.js';
import { Arena, type Shape, type Tensor } from './tensor.js';

/** A tensor that a network learns, in its place: a parameter, or a buffer. */
export interface Weight {
  /** As users see it: 'layers.0.w'. */
  readonly name: string;
  /** Whose it is, and what its layer calls it: 'w'. */
  readonly layer: ModelLayer;
  readonly key: string;
  readonly shape: Shape;
  readonly tensor: Tensor;
  /** Undefined for parameters of frozen layers, and for buffers. */
  readonly gradient: Tensor | undefined;
  readonly buffer: DeclaredWeight['buffer'];
  /** The least that its numbers may be, where there is such. */
  readonly least: number | undefined;
  readonly penalty: Penalty | undefined;
  readonly constraint: { readonly type: string; readonly options: object } | undefined;
}

/** A parameter that training changes. */
export type Parameter = Weight & { readonly gradient: Tensor };

/** Lists whose records stay in memory: a training's, and those of predictions in between. */
const recordSlots = 8;
const recordWords = 16;
/** Lists kept; one more clears them all, so that odd batch sizes cannot pile up. */
const mostLists = 32;

/**
 * Where everything of one network stands in its memory, and the lists that run on it.
 *
 * zeros | ones | sums | constants | gradients | weights | slots | hyper | counters | records | held rows | lists
 *
 * Among the weights, the parameters that training changes come first, those that decay before the
 * others, and have gradients and slots in the same order; behind them stand what is frozen, and buffers.
 *
 * All lists share the last part: they run one after another and leave nothing there that another
 * needs. So a kernel may find anything in a matrix that it is the first to write.
 */
export class Plan {
  readonly model: Model;
  readonly backend: Backend;
  /** All that the network learns, in the order of its layers. */
  readonly weights: readonly Weight[];
  /** Those among them that the optimizer steps. */
  readonly parameters: readonly Parameter[];
  /** The states that layers keep from batch to batch. */
  readonly states: readonly Tensor[];
  /** Each layer's weights and constants by their short names. */
  readonly tensors: ReadonlyMap<ModelLayer, Readonly<Record<string, Tensor>>>;
  /** The scalars of a step: the optimizer's options, and what it keeps. */
  readonly hyper: Tensor;
  /** The sums of losses, one for each epoch of a run. */
  readonly sums: Tensor;
  readonly counters: Tensor;
  /** All that a training changes, as one range: weights, slots, hyper and counters. */
  readonly state: Tensor;
  /** The beginning of it: all weights. */
  readonly learnt: Tensor;
  /** The beginning of that: the parameters that the optimizer steps. */
  readonly trainable: Tensor;
  /** These in two: what decays where only weights do, and the rest. */
  readonly #weights: Tensor;
  readonly #others: Tensor;
  readonly #zeros: Tensor;
  /** A vector of ones, as wide as the widest row of values or parameters, which nothing writes again. */
  readonly ones: Tensor;
  /** What kernels read and nothing writes again, and the numbers in it. */
  readonly constants: ReadonlyMap<Tensor, readonly number[]>;
  readonly #gradients: Tensor;
  readonly #gradientOf = new Map<Tensor, Tensor>();
  readonly #slots: readonly Tensor[];
  readonly #records: Tensor;
  readonly #arena = new Arena();
  /** Where held rows begin, and where lists do. */
  readonly #heldMark: number;
  #listMark: number;
  /** The rows that lists gather. */
  held: Held | undefined;
  /** Changes whenever lists that were made before have lost their place. */
  layout = 0;
  readonly #lists = new Map<string, List>();

  constructor(model: Model, backend: Backend) {
    this.model = model;
    this.backend = backend;
    const arena = this.#arena;
    const { optimizer } = model;
    const layers = [...everyLayer(model.layers)];
    const widest = Math.max(
      ...layers.flatMap(({ output, parameters }) => [
        output.at(-1)!,
        ...Object.values(parameters).map(({ columns }) => columns),
      ]),
    );
    this.#zeros = arena.matrix(1, widest);
    this.ones = arena.matrix(1, widest);
    this.sums = arena.dense(1, mostEpochs, 'f64');

    const declared = declaredWeights(model.layers);
    const trained = declared.filter((p) => p.trains);
    const decaying = trained.filter((p) => p.decays);
    const others = trained.filter((p) => !p.decays);
    const places = new Map<ModelLayer, Record<string, Tensor>>(layers.map((l) => [l, {}]));
    const constants = new Map<Tensor, readonly number[]>();
    for (const layer of layers) {
      for (const [key, numbers] of Object.entries(layer.constants)) {
        const place = arena.dense(1, numbers.length, 'i32');
        places.get(layer)![key] = place;
        constants.set(place, numbers);
      }
    }
    this.constants = constants;
    /** Deals out places, and says which range they are. */
    const block = (list: readonly DeclaredWeight[], keep = false): Tensor => {
      const start = arena.mark;
      for (const { layer, key, rows, columns } of list) {
        // The gradient of the inputs reads rows of weights in groups.
        const padded = arena.matrix(rows === 1 ? 1 : Math.ceil(rows / 8) * 8, columns);
        if (keep) places.get(layer)![key] = { ...padded, rows };
      }
      return rangeBetween(start, arena.mark);
    };
    this.#gradients = block([...decaying, ...others]);
    this.#weights = block(decaying, true);
    this.#others = block(others, true);
    const { offset: start } = this.#weights;
    this.trainable = rangeBetween(start, arena.mark);
    block(
      declared.filter((p) => !p.trains),
      true,
    );
    this.learnt = rangeBetween(start, arena.mark);
    this.#slots = optimizer.slots.map(() => block([...decaying, ...others]));
    this.hyper = arena.dense(1, optimizer.hyper.length, 'f64');
    this.counters = arena.dense(1, Object.keys(counter).length, 'i32');
    this.state = rangeBetween(start, arena.mark);
    this.tensors = places;
    const shift = this.#gradients.offset - start;
    this.weights = declared.map((declaration) => {
      const { layer, key, name, shape, trains, penalty, constraint } = declaration;
      const tensor = places.get(layer)![key]!;
      const gradient = trains ? { ...tensor, offset: tensor.offset + shift } : undefined;
      if (gradient) this.#gradientOf.set(tensor, gradient);
      const { buffer, least } = declaration;
      return { name, layer, key, shape, tensor, gradient, buffer, least, penalty, constraint };
    });
    this.parameters = this.weights.filter((w): w is Parameter => w.gradient !== undefined);
    const kept = this.weights.filter(({ buffer }) => buffer === 'state');
    this.states = kept.map(({ tensor }) => tensor);

    const trains = model.loss !== undefined;
    this.#listMark = arena.mark;
    const longest = (part: Request['part']) =>
      this.#lower({
        batch: 2,
        rows: 'given',
        training: true,
        outputs: true,
        loss: trains,
        gradients: trains ? 'inputs' : 'none',
        update: trains,
        weighted: trains,
        ...(part && { part }),
      }).ops.length;
    // One op more where steps take their learning rates.
    const most = 1 + Math.max(longest(undefined), longest({ of: 4, opens: false }));
    arena.rewind(this.#listMark);
    // Threads have a place to meet behind each op.
    const { threads = 1 } = backend;
    const words = (threads > 1 ? 2 * threads + 1 : 1) * most * recordWords;
    this.#records = arena.dense(recordSlots, words, 'i32');
    this.#heldMark = this.#listMark = arena.mark;
    backend.reserve(arena.mark);
    (backend.view(this.hyper) as Float64Array).set(optimizer.hyper);
    backend.view(this.ones).fill(1);
    for (const [place, numbers] of constants) backend.view(place).set(numbers);
  }

  /**
   * Makes room for rows that lists gather. What was held before is given up.
   *
   * @param rows rows of inputs and of targets
   * @param training how many of them, by index, are trained on
   * @param indices how many rows, by index, lists may be told to visit
   * @param appended rows of outputs that one run of a list may append
   * @param options scheduled: whether steps take their learning rates from here; weighted: whether
   *   rows do not all count the same
   */
  hold(
    rows: number,
    training: number,
    indices: number,
    appended: number,
    { scheduled = false, weighted = false },
  ): Held {
    const arena = this.#arena;
    const { inputs, targetColumns, outputs } = this.model;
    this.release();
    const held = {
      x: arena.dense(rows, inputs),
      targets: arena.dense(rows, targetColumns),
      weights: weighted ? arena.dense(rows, this.model.positions) : undefined,
      training: arena.dense(1, training, 'i32'),
      indices: arena.dense(1, indices, 'i32'),
      outputs: arena.dense(appended, outputs),
      rates: arena.dense(1, scheduled ? mostRates : 0, 'f64'),
    };
    this.backend.reserve(arena.mark);
    this.#listMark = arena.mark;
    this.held = held;
    return held;
  }

  /** Gives up the rows held. */
  release(): void {
    this.#lists.clear();
    this.layout++;
    this.held = undefined;
    this.#listMark = this.#heldMark;
    this.#arena.rewind(this.#heldMark);
  }

  /** The list that does what is asked, made at first use. */
  list(request: Request): List {
    const key = JSON.stringify(request);
    const made = this.#lists.get(key);
    if (made) return made;
    const { stateful } = this.model;
    if (stateful && request.batch !== stateful.sequences) {
      throw new ShapeError(`expected ${rowsOf(stateful)}, got ${request.batch}`);
    }
    if (this.#lists.size >= mostLists) this.#lists.clear();
    const { ops, scratch, ...rest } = this.#lower(request);
    this.backend.reserve(this.#arena.mark);
    const { work } = rest;
    const program = this.backend.compile(ops, { work, scratch, records: this.#records });
    const list = { program, ...rest };
    this.#lists.set(key, list);
    return list;
  }

  /** Has sequences begin anew. */
  resetStates(): void {
    for (const state of this.states) this.backend.view(state).fill(0);
  }

  /** The ops of a list, as plain data. */
  describe(request: Request): readonly Op[] {
    return this.#lower(request).ops;
  }

  /** What the optimizer keeps for a parameter in each of its slots, in their order. */
  slotsOf({ tensor }: Parameter): readonly Tensor[] {
    const { offset } = this.trainable;
    return this.#slots.map((slot) => ({ ...tensor, offset: slot.offset + tensor.offset - offset }));
  }

  /**
   * The list that writes one epoch's order of the training rows behind another, from the cursor on,
   * counting epochs in `counter.shuffled`.
   */
  shuffling(): Program {
    const { counters, held, model } = this;
    const { training, indices } = held!;
    const build = this.#builder();
    const key = [model.seed, streams.shuffle] as const;
    build.emit('shuffleIndices', indices, training, counters, ...key, training.columns);
    // A random word takes some eighty operations.
    build.count(10 * elementWork * training.columns);
    build.scratch(32);
    return this.#compile(build);
  }

  /** The list that does not come to its end if a parameter is not finite. */
  checking(): Program {
    const build = this.#builder();
    build.emit('requireFinite', this.learnt, this.learnt.columns);
    build.count(this.learnt.columns);
    return this.#compile(build);
  }

  #compile({ ops, work, scratchSize }: ListBuilder): Program {
    this.#arena.rewind(this.#listMark);
    const scratch = this.#scratch(scratchSize);
    this.backend.reserve(this.#arena.mark);
    return this.backend.compile(ops, { work, scratch, records: this.#records });
  }

  /** Room for packing, for each thread. */
  #scratch(floats: number): Tensor {
    const { threads = 1 } = this.backend;
    return this.#arena.dense(1, Math.ceil(floats / 16) * 16 * threads);
  }

  /** Steps the optimizer once over the gradients' block, and counts the step. */
  applyGradients(): void {
    const build = this.#builder();
    this.#emitStep(build);
    build.emit('advanceBatch', this.counters, 0, 1);
    this.#compile(build).run(1);
  }

  /** A builder of lists of this plan; by itself, for one that belongs to no batch. */
  #builder(own: Partial<ListContext> = {}): ListBuilder {
    return new ListBuilder({
      arena: this.#arena,
      batch: 1,
      part: { of: 1, opens: true, closes: true },
      training: true,
      seed: this.model.seed,
      counters: this.counters,
      hyper: this.hyper,
      zeros: this.#zeros,
      ones: this.ones,
      gradientOf: (parameter) => this.#gradientOf.get(parameter),
      stored: (tensor) => this.parameters.some((p) => p.tensor === tensor && p.penalty),
      fusion: undefined,
      logits: undefined,
      keep: false,
      learns: false,
      ...own,
    });
  }

  /** Rows in, layers forward, outputs out, the loss, layers backward, the optimizer. */
  #lower(request: Request): Lowered {
    const { model, counters } = this;
    const { batch, update } = request;
    const arena = this.#arena;
    arena.rewind(this.#listMark);
    const loss = request.loss ? model.loss : undefined;
    const whole = !request.part && !model.clipping;
    const fusion = update && whole ? model.optimizer.fusion : undefined;
    const build = this.#builder({
      ...{ batch, training: request.training, fusion, logits: loss?.logits },
      part: { of: batch, opens: true, ...request.part, closes: update || !request.part },
      ...{ keep: request.keep ?? false, learns: update || request.part !== undefined },
    });
    const held = request.rows === 'held' ? this.held : undefined;

    /** A padded matrix of the batch's rows, and where the host writes them if it gives them. */
    const rowsFrom = (columns: number, source: Tensor | undefined) => {
      const padded = arena.matrix(batch, columns);
      if (source) {
        build.emit(
          'gatherRows',
          padded,
          source,
          held!.indices,
          counters,
          batch,
          columns,
          padded.pitch,
        );
        return [padded, padded] as const;
      }
      // One row is the same padded or not.
      if (batch === 1) return [padded, padded] as const;
      const dense = arena.dense(batch, columns);
      build.emit('padRows', padded, dense, batch, columns, padded.pitch);
      return [padded, dense] as const;
    };
    /** The next of the rows held and their targets, which one op picks out. */
    const examplesOf = ({ x: data, targets, indices }: Held) => {
      const [x, t] = [arena.matrix(batch, model.inputs), arena.matrix(batch, model.targetColumns)];
      const sizes = [batch, x.columns, t.columns, x.pitch, t.pitch] as const;
      build.emit('gatherExamples', x, t, data, targets, indices, counters, ...sizes);
      return [x, x, t, t] as const;
    };
    const examplesGiven = () => {
      const own = rowsFrom(model.inputs, held?.x);
      return [...own, ...(loss ? rowsFrom(model.targetColumns, undefined) : own)] as const;
    };
    const [x, rows, t, targets] = held && loss ? examplesOf(held) : examplesGiven();
    const counting = loss && (held ? held.weights : request.weighted);
    const [w, weights] = counting ? rowsFrom(model.positions, held?.weights) : [];
    if (request.gradients === 'inputs') build.requireGradient(x);

    const values = new Map<ModelLayer, Tensor>();
    const masks = new Map<string, Tensor>();
    const through = (layers: readonly ModelLayer[], inputs: Tensor): Tensor =>
      layers.reduce((given, layer) => {
        const { definition, spec, stacks, trainable, input, masked, path } = layer;
        const result = definition.lower(spec, build, given, this.tensors.get(layer)!, {
          ...{ trainable, input },
          outputOf: (stack) => stacks[stack]!.at(-1)?.output ?? input,
          through: (stack, into) => through(stacks[stack]!, into),
          mask: masked === undefined ? undefined : masks.get(masked),
          makeMask: (mask) => masks.set(path, mask),
        });
        values.set(layer, result);
        return result;
      }, inputs);
    const y = through(model.layers, x);

    let outputs = y;
    const predictions = loss ? build.predictions(y, request.outputs) : y;
    if (request.outputs) {
      outputs = build.regroup(y, model.outputs);
      if (held || batch > 1) {
        const flat = outputs;
        outputs = held ? held.outputs : arena.dense(batch, model.outputs);
        build.emit('appendRows', outputs, flat, counters, batch, model.outputs, flat.pitch);
      }
    }
    if (loss) {
      const each = build.regroup(predictions, model.units);
      const perRow = arena.dense(1, each.rows);
      const truth = build.regroup(t, model.targetColumns / model.positions);
      build.emitLoss(loss, each, truth, perRow, w);
      // A loss that is not finite stops a training before it goes back, and a validation nowhere.
      if (!update && held) build.emit('advanceBatch', counters, batch, 0);
      build.emit('addLosses', this.sums, perRow, counters, perRow.columns);
      build.emitPenalties(this.sums, this.parameters);
      build.learn();
    }
    if (request.scheduled && held) {
      // Before gradients, because a fused step is part of them.
      build.emit('takeRate', this.hyper, held.rates, counters, mostRates);
    }
    if (request.gradients !== 'none') {
      build.backward();
      build.emitPenaltySlopes(this.parameters);
    }
    if (request.part) build.emit('advancePart', counters, update ? 0 : batch);
    if (update) {
      this.#emitStep(build, fusion ? build.unfused : undefined);
      build.emit('advanceBatch', counters, held ? batch : 0, 1);
    }
    return {
      ops: build.ops,
      scratch: this.#scratch(build.scratchSize),
      ...{ rows, targets, weights, outputs, x },
      dx: request.gradients === 'inputs' ? build.gradientOf(x) : undefined,
      values,
      buffers: build.buffers,
      work: build.work,
    };
  }

  /**
   * One step of the optimizer over the parameters' block, or over those of its tensors that are left,
   * between clipping and constraints.
   */
  #emitStep(build: ListBuilder, left?: readonly Tensor[]): void {
    this.#emitClipping(build);
    const { advance, step, decay } = this.model.optimizer;
    const { hyper, trainable } = this;
    const whole = decay === 'weights' ? [this.#weights, this.#others] : [trainable];
    // Kernels take one vector at least, and a network without parameters steps over nothing.
    const ranges = (left ?? whole).filter(({ pitch }) => pitch > 0);
    if (advance && ranges.length > 0) build.emitNamed(advance, [hyper]);
    for (const range of ranges) {
      const within = (block: Tensor) => ({
        ...range,
        offset: block.offset + range.offset - trainable.offset,
      });
      const blocks = [trainable, ...this.#slots, this.#gradients].map(within);
      const decays = decay !== 'none' && range !== this.#others;
      const size = range.rows * range.pitch;
      build.emitNamed(step, [...blocks, hyper, size, Number(decays)]);
      build.count(elementWork * size);
    }
    for (const { tensor, constraint } of this.parameters) {
      if (!constraint) continue;
      const { rows, columns, pitch } = tensor;
      const options = Object.values(constraint.options);
      build.emitNamed(`${constraint.type}Constraint`, [tensor, rows, columns, pitch, ...options]);
    }
  }

  #emitClipping(build: ListBuilder): void {
    const { clipping } = this.model;
    if (!clipping) return;
    const tensors = this.parameters.map(({ gradient }) => gradient);
    const clipped = clipping.over === 'tensor' ? tensors : [this.#gradients];
    for (const dw of clipped.filter(({ pitch }) => pitch > 0)) {
      build.emitNamed(clipping.kernel, [
        dw,
        dw.rows * dw.pitch,
        ...Object.values(clipping.options),
      ]);
    }
  }
}

/** All floats between two marks of an arena, as one row. */
function rangeBetween(start: number, end: number): Tensor {
  return { type: 'f32', offset: start, rows: 1, columns: end - start, pitch: end - start };
}
