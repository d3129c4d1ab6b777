/** Checks at the public door. Messages say where, what was expected and what came. */

/** How a value is shown in a message: short, and with its type where that is the trouble. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

/** Edits between two names, ignoring case (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1;
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + change));
    }
    previous = row;
  }
  return previous[b.length]!;
}

/** The known name most like `name`, and how many edits lie between; its initials count as it: 'mse'. */
function nearest(name: string, names: readonly string[]): { best: string; edits: number } {
  const short = name.slice(0, 64).toLowerCase();
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const initials = candidate.replace(/(?<=.)[a-z]/g, '').toLowerCase();
    const abbreviated = initials === short || candidate.toLowerCase().startsWith(short);
    const edits = abbreviated ? 0 : distance(short, candidate);
    if (edits < least) [best, least] = [candidate, edits];
  }
  return { best, edits: least };
}

/** What to say of a name that is not known: the nearest that is, or, where none is near, all. */
export function hint(name: string, names: readonly string[]): string {
  const { best, edits } = nearest(name, names);
  if (edits <= Math.max(1, name.length / 2)) return `did you mean '${best}'?`;
  const shown = names.slice(0, 20).join(', ');
  return names.length === 0 ? 'there are none' : `known: ${shown}${names.length > 20 ? ', …' : ''}`;
}

/** Refuses a name that a catalogue does not have, and proposes the nearest that it has. */
export function known<K extends string>(
  name: unknown,
  catalogue: Readonly<Record<K, unknown>>,
  where: string,
): asserts name is K {
  const names = Object.keys(catalogue);
  if (typeof name !== 'string') {
    throw new TypeError(`${where}: expected a name such as '${names[0]}', got ${show(name)}`);
  }
  if (Object.hasOwn(catalogue, name)) return;
  throw new RangeError(`${where}: unknown name ${show(name)}; ${hint(name, names)}`);
}

/** Refuses keys that an options object does not have: a misspelt option must not be ignored. */
export function onlyKeys(value: unknown, keys: readonly string[], where: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${where}: expected an object, got ${show(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    const options = keys.filter((name) => name !== 'type');
    throw new TypeError(`${where}: unknown option ${show(key)}; ${hint(key, options)}`);
  }
}

/** A whole number of at least `least`. */
export function wholeNumber(value: unknown, where: string, least = 1): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${where}: expected a whole number, got ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${where}: expected a whole number of at least ${least}, got ${value}`);
  }
  return value;
}

/** The smallest float32 above 0, as the end of a range: what must be positive. */
export const smallestFloat = 2 ** -149;

/** The largest finite float32, 2¹²⁸ − 2¹⁰⁴. */
export const largestFloat = (2 - 2 ** -23) * 2 ** 127;

/** A range in words. */
function range(least: number, most: number, open: 'closed' | 'open'): string {
  if (most < 2 ** 127) return `a number in [${least}, ${most}${open === 'open' ? ')' : ']'}`;
  if (least === smallestFloat) return 'a number above 0';
  return least > -largestFloat ? `a number of at least ${least}` : 'a finite number';
}

/** A finite number inside [least, most], or inside [least, most) where `open` says so. */
export function numberWithin(
  value: unknown,
  where: string,
  least: number,
  most: number,
  open: 'closed' | 'open' = 'closed',
): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${where}: expected a number, got ${show(value)}`);
  }
  const inside = value >= least && (open === 'open' ? value < most : value <= most);
  if (!inside || !Number.isFinite(value)) {
    throw new RangeError(`${where}: expected ${range(least, most, open)}, got ${value}`);
  }
  return value;
}

/** A yes or no. */
export function flag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${where}: expected true or false, got ${show(value)}`);
}

/** A catalogue whose entries take numbers, and flags, by name. */
export type Catalogue = Readonly<
  Record<
    string,
    {
      /** Options and their defaults, in the order in which kernels take them. */
      readonly options: Readonly<Record<string, number | boolean>>;
      /** The ranges [least, below) of options that cannot be any finite number. */
      readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
    }
  >
>;

/** How a spec names an entry of a catalogue: by its name, or by name and options. */
export type Named<C extends Catalogue> = {
  [K in keyof C]:
    | K
    | ({ readonly type: K } & {
        readonly [O in keyof C[K]['options']]?: C[K]['options'][O] extends boolean
          ? boolean
          : number;
      });
}[keyof C];

/** An entry's name and all of its options: 1 for true and 0 for false, as kernels take them. */
export interface Choice<Name extends string> {
  readonly type: Name;
  readonly options: Readonly<Record<string, number>>;
}

/**
 * Reads a spec such as 'adam' or { type: 'adam', learningRate: 0.01 }: refuses unknown names,
 * unknown options, numbers out of range and flags that are none, and fills in the defaults.
 *
 * @param extra keys that the caller reads itself
 */
export function choose<C extends Catalogue>(
  catalogue: C,
  spec: unknown,
  where: string,
  extra: readonly string[] = [],
): Choice<keyof C & string> {
  const type = typeof spec === 'object' && spec !== null ? (spec as { type?: unknown }).type : spec;
  known<keyof C & string>(type, catalogue, where);
  const { options, ranges } = catalogue[type]!;
  const given = (typeof spec === 'string' ? { type } : spec) as Readonly<Record<string, unknown>>;
  const names = Object.keys(options);
  onlyKeys(given, ['type', ...names, ...extra], where);
  const chosen: Record<string, number> = {};
  for (const name of names) {
    const value = given[name] === undefined ? options[name] : given[name];
    if (typeof options[name] === 'boolean') {
      chosen[name] = Number(flag(value, `${where}: ${name}`));
      continue;
    }
    const [least, below] = ranges?.[name] ?? [-largestFloat, largestFloat];
    chosen[name] = numberWithin(value, `${where}: ${name}`, least, below, 'open');
  }
  return { type, options: chosen };
}
