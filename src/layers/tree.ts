import { show } from '../checks.js';
import type { Shape } from '../tensor.js';
import type { LayerDefinition, ParameterDeclaration } from './definition.js';
import { definitionOf, type LayerSpec } from './index.js';

/** A layer in its place in a network: in a stack of the network itself, or of another layer. */
export interface ModelLayer {
  readonly spec: LayerSpec;
  readonly definition: LayerDefinition<LayerSpec>;
  readonly input: Shape;
  readonly output: Shape;
  readonly parameters: Readonly<Record<string, ParameterDeclaration>>;
  readonly constants: Readonly<Record<string, readonly number[]>>;
  /** Whether training changes it: neither it nor a layer around it is frozen. */
  readonly trainable: boolean;
  /** The layers inside it, stack by stack. */
  readonly stacks: Readonly<Record<string, readonly ModelLayer[]>>;
  /** The path of the layer whose mask says which steps of its inputs, and of its outputs, count. */
  readonly masked: string | undefined;
  readonly leavesMasked: string | undefined;
  /** What the names of its tensors begin with: 'layers.1', 'layers.2.branches.0.1'. */
  readonly path: string;
  /** For messages: 'layers[1] (dense)'. */
  readonly where: string;
}

/** A path as it is written in a spec: 'layers.2.branches.0.1' is layers[2].branches[0][1]. */
export const placeOf = (path: string) => path.replace(/\.(\d+)/g, '[$1]');

/**
 * Checks a stack of layers, each with those inside it, and works out their shapes.
 *
 * @param given whether the stack's inputs are the network's own, as users hand them in
 * @param masked the path of the layer that made the mask of the inputs
 */
export function resolveStack(
  specs: readonly LayerSpec[],
  input: Shape,
  path: string,
  given: boolean,
  trainable = true,
  masked?: string,
): ModelLayer[] {
  let shape = input;
  let untouched = given;
  let mask = masked;
  return specs.map((spec, i) => {
    const layer = resolveLayer(spec, shape, `${path}.${i}`, untouched, trainable, mask);
    shape = layer.output;
    mask = layer.leavesMasked;
    untouched &&= layer.definition.reshapes ?? false;
    return layer;
  });
}

function resolveLayer(
  spec: LayerSpec,
  input: Shape,
  path: string,
  given: boolean,
  outerTrainable: boolean,
  masked: string | undefined,
): ModelLayer {
  const place = placeOf(path);
  const definition = definitionOf(spec, place);
  const where = `${place} (${spec.type})`;
  if (spec.trainable !== undefined && typeof spec.trainable !== 'boolean') {
    throw new TypeError(`${where}: trainable: expected true or false, got ${show(spec.trainable)}`);
  }
  const trainable = outerTrainable && spec.trainable !== false;
  definition.check(spec, input, where);
  const reason = definition.given?.(spec);
  if (reason !== undefined && !given) {
    throw new TypeError(
      `${where}: takes the network's inputs themselves, ${reason}: only flatten and reshape may come before it`,
    );
  }
  const way = definition.masks?.(spec);
  if (masked !== undefined && way === undefined) {
    throw new TypeError(
      `${where}: takes all steps alike, and the mask of ${placeOf(masked)} leaves some out: ` +
        'let globalAveragePooling, or a recurrent layer without returnSequences, come before it, which leave no steps',
    );
  }
  const stacks: Record<string, ModelLayer[]> = {};
  const inner: Record<string, Shape> = {};
  for (const [name, specs] of Object.entries(definition.stacks?.(spec) ?? {})) {
    const layers = resolveStack(specs, input, `${path}.${name}`, given, trainable, masked);
    stacks[name] = layers;
    inner[name] = layers.at(-1)?.output ?? input;
  }
  const masks = {
    makes: path,
    keeps: maskOf(Object.values(stacks), masked, where),
    ends: undefined,
  };
  return {
    spec,
    definition,
    input,
    output: definition.output(spec, input, inner, where),
    parameters: definition.parameters?.(spec, input) ?? {},
    constants: definition.constants?.(spec, input) ?? {},
    trainable,
    stacks,
    masked,
    leavesMasked: way && masks[way],
    path,
    where,
  };
}

/** The mask of what several stacks give together: there may be one. */
function maskOf(
  stacks: readonly (readonly ModelLayer[])[],
  masked: string | undefined,
  where: string,
): string | undefined {
  if (stacks.length === 0) return masked;
  const masks = stacks.map((layers) => (layers.length > 0 ? layers.at(-1)!.leavesMasked : masked));
  const [first, second] = new Set(masks.filter((mask) => mask !== undefined));
  if (second !== undefined) {
    throw new TypeError(
      `${where}: puts steps together that the masks of ${placeOf(first!)} and ${placeOf(second)} leave out: expected one mask`,
    );
  }
  return first;
}

/** All layers in the order in which they compute: those inside a layer before it. */
export function* everyLayer(layers: readonly ModelLayer[]): Generator<ModelLayer> {
  for (const layer of layers) {
    for (const stack of Object.values(layer.stacks)) yield* everyLayer(stack);
    yield layer;
  }
}

/** A tensor that a layer learns, with the name that users know it by. */
export interface DeclaredWeight extends ParameterDeclaration {
  /** 'layers.0.w'. */
  readonly name: string;
  readonly layer: ModelLayer;
  /** What the layer calls it. */
  readonly key: string;
  /** Whether the optimizer steps it: it is neither frozen nor a buffer. */
  readonly trains: boolean;
}

/** What all layers learn, in the order in which it is drawn. */
export function declaredWeights(layers: readonly ModelLayer[]): readonly DeclaredWeight[] {
  return [...everyLayer(layers)].flatMap((layer) =>
    Object.entries(layer.parameters).map(([key, declaration]) => ({
      name: `${layer.path}.${key}`,
      layer,
      key,
      trains: layer.trainable && !declaration.buffer,
      ...declaration,
    })),
  );
}
