import { show } from '../../checks.js';
import { FormatError } from '../../errors.js';
import { bytesIn } from '../foreign.js';
import { parseJson, parseJsonBytes } from '../json.js';

/** JSON as users have it: text, its bytes, or what `JSON.parse` made of it. */
export type JsonSource = string | Uint8Array | ArrayBuffer | object;

/**
 * A value somewhere in a JSON document that need not be trusted. What is asked of it is there, and of
 * the right kind, or refused with its place. Names are those that an object has itself.
 */
export class Field {
  readonly #value: unknown;
  readonly #where: string;

  private constructor(value: unknown, where: string) {
    this.#value = value;
    this.#where = where;
  }

  /** The whole document. */
  static document(source: JsonSource, where: string): Field {
    const bytes = bytesIn(source);
    if (bytes) return new Field(parseJsonBytes(bytes, where, 0), where);
    if (typeof source === 'string') return new Field(parseJson(source, where, 0), where);
    if (typeof source === 'object' && source !== null) return new Field(source, where);
    throw new TypeError(`${where}: expected JSON, as text or an object, got ${show(source)}`);
  }

  fail(what: string): never {
    throw new FormatError(`${this.#where}: ${what}`);
  }

  #expected(what: string): never {
    return this.fail(`expected ${what}, got ${show(this.#value)}`);
  }

  get exists(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  get isText(): boolean {
    return typeof this.#value === 'string';
  }

  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  /** A member of an object, which need not exist. */
  get(name: string): Field {
    const table = this.#table();
    const value = Object.hasOwn(table, name) ? table[name] : undefined;
    return new Field(value, `${this.#where}: ${name}`);
  }

  /** All names that an object has. */
  names(): string[] {
    return Object.keys(this.#table());
  }

  #table(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.#expected('an object');
    }
    return value as Readonly<Record<string, unknown>>;
  }

  items(): Field[] {
    if (!Array.isArray(this.#value)) return this.#expected('a list');
    return this.#value.map((value: unknown, i) => new Field(value, `${this.#where}[${i}]`));
  }

  text(): string {
    return typeof this.#value === 'string' ? this.#value : this.#expected('text');
  }

  /** Text, or a default where there is nothing. */
  textOr(otherwise: string): string {
    return this.exists ? this.text() : otherwise;
  }

  number(): number {
    const value = this.#value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.#expected('a number');
  }

  numberOr(otherwise: number): number {
    return this.exists ? this.number() : otherwise;
  }

  /** A whole number of at least `least`. */
  size(least = 1): number {
    const value = this.#value;
    if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
    return this.#expected(`a whole number of at least ${least}`);
  }

  flagOr(otherwise: boolean): boolean {
    if (!this.exists) return otherwise;
    return typeof this.#value === 'boolean' ? this.#value : this.#expected('true or false');
  }

  /** A list of numbers. */
  numbers(): number[] {
    const list = this.#value;
    if (!Array.isArray(list)) return this.#expected('a list of numbers');
    const other = list.findIndex((value) => typeof value !== 'number' || !Number.isFinite(value));
    if (other >= 0) this.fail(`expected numbers, got ${show(list[other])} at place ${other}`);
    return list as number[];
  }
}
