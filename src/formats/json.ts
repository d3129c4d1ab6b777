import { FormatError } from '../errors.js';

/** What JSON text can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** How deep arrays and objects may be nested. */
const mostDepth = 64;

/** How many values a text may hold: each costs memory, and some are written in two characters. */
const mostValues = (characters: number) => 2 ** 19 + characters / 32;

/**
 * Reads JSON text that need not be trusted (RFC 8259). Stricter than `JSON.parse`: nesting and the
 * number of values are bounded, no name comes twice in an object, and numbers are finite. Any name is
 * only a name: `__proto__` is one of its own. Errors say where.
 *
 * @param where what is read, for messages
 * @param base where the text begins in its file; left out for text that does not stand there as it is
 * @throws FormatError
 */
export function parseJson(text: string, where: string, base?: number): Json {
  return new Parser(text, where, base).document();
}

/** The same of UTF-8 bytes. */
export function parseJsonBytes(bytes: Uint8Array, where: string, base?: number): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${where}: is no UTF-8 text`, base);
  }
  return parseJson(text, where, base);
}

// The codes of ", \, 0 and 9.
const quote = 34;
const backslash = 92;
const zero = 48;
const nine = 57;

class Parser {
  readonly #text: string;
  readonly #where: string;
  readonly #base: number | undefined;
  #at = 0;
  #left: number;

  constructor(text: string, where: string, base: number | undefined) {
    this.#text = text;
    this.#where = where;
    this.#base = base;
    this.#left = mostValues(text.length);
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('expected the end');
    return value;
  }

  #fail(problem: string, at = this.#at): never {
    const text = this.#text;
    const came =
      at < text.length ? `got ${JSON.stringify(text.slice(at, at + 12))}` : 'got its end';
    // Offsets count bytes, and a character may take several.
    const before = new TextEncoder().encode(text.slice(0, at)).length;
    const place = before + (this.#base ?? 0);
    const offset = this.#base === undefined ? undefined : place;
    throw new FormatError(`${this.#where}: ${problem}, ${came} at byte ${place}`, offset);
  }

  #space(): void {
    const text = this.#text;
    for (;;) {
      const c = text.charCodeAt(this.#at);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      this.#at++;
    }
  }

  /** Takes a character if it comes next, behind white space. */
  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #value(depth: number): Json {
    this.#space();
    if (--this.#left < 0) {
      this.#fail(`expected at most ${Math.floor(mostValues(this.#text.length))} values`);
    }
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('expected a value');
    this.#at += word.length;
    return value;
  }

  #open(depth: number): void {
    if (depth > mostDepth) this.#fail(`expected at most ${mostDepth} levels of nesting`);
    this.#at++;
  }

  #array(depth: number): Json[] {
    this.#open(depth);
    const array: Json[] = [];
    if (this.#take(']')) return array;
    do array.push(this.#value(depth));
    while (this.#take(','));
    if (!this.#take(']')) this.#fail("expected ',' or ']'");
    return array;
  }

  #object(depth: number): { [key: string]: Json } {
    this.#open(depth);
    const object: { [key: string]: Json } = {};
    if (this.#take('}')) return object;
    do {
      this.#space();
      const at = this.#at;
      if (this.#text.charCodeAt(at) !== quote) this.#fail('expected a name in double quotes');
      const name = this.#string();
      if (Object.hasOwn(object, name)) this.#fail('expected each name once', at);
      if (!this.#take(':')) this.#fail("expected ':'");
      const value = this.#value(depth);
      if (name !== '__proto__') object[name] = value;
      else {
        const own = { value, enumerable: true, configurable: true, writable: true };
        Object.defineProperty(object, name, own);
      }
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail("expected ',' or '}'");
    return object;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      const c = text.charCodeAt(this.#at);
      if (c === quote) break;
      if (c === backslash) {
        escaped = true;
        this.#escape();
      } else if (c >= 32) this.#at++;
      else this.#fail('expected the rest of a text in double quotes');
    }
    this.#at++;
    // What is between the quotes has been checked, so this reads escapes and nothing else.
    return escaped
      ? (JSON.parse(text.slice(start, this.#at)) as string)
      : text.slice(start + 1, this.#at - 1);
  }

  #escape(): void {
    const text = this.#text;
    const kind = text[this.#at + 1] ?? '';
    if (kind === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(this.#at + 2, this.#at + 6))) {
      this.#at += 6;
    } else if (kind !== '' && '"\\/bfnrt'.includes(kind)) this.#at += 2;
    else this.#fail('expected an escape');
  }

  #digits(): void {
    const text = this.#text;
    const start = this.#at;
    for (;;) {
      const c = text.charCodeAt(this.#at);
      if (!(c >= zero && c <= nine)) break;
      this.#at++;
    }
    if (this.#at === start) this.#fail('expected a value');
  }

  #number(): number {
    const text = this.#text;
    const start = this.#at;
    if (text[this.#at] === '-') this.#at++;
    if (text[this.#at] === '0') this.#at++;
    else this.#digits();
    if (text[this.#at] === '.') {
      this.#at++;
      this.#digits();
    }
    if (text[this.#at] === 'e' || text[this.#at] === 'E') {
      this.#at++;
      if (text[this.#at] === '-' || text[this.#at] === '+') this.#at++;
      this.#digits();
    }
    const number = Number(text.slice(start, this.#at));
    if (!Number.isFinite(number)) this.#fail('expected a finite number', start);
    return number;
  }
}

/**
 * JSON text with the names of each object in the order of their characters, so that equal values give
 * equal text. What is undefined is left out, and −0 stays −0.
 *
 * @throws TypeError or RangeError for what JSON cannot say, or what `parseJson` would not read
 */
export function canonicalJson(value: unknown, where: string): string {
  let values = 0;
  const write = (given: unknown, at: string, depth: number): string => {
    values++;
    if (depth > mostDepth) throw new RangeError(`${at}: nested deeper than ${mostDepth} levels`);
    if (typeof given === 'number') {
      if (Number.isFinite(given)) return Object.is(given, -0) ? '-0' : String(given);
      throw new RangeError(`${at}: JSON has no ${given}`);
    }
    if (given === null || typeof given === 'boolean') return String(given);
    if (typeof given === 'string') return JSON.stringify(given);
    if (typeof given !== 'object') throw new TypeError(`${at}: JSON has no ${typeof given}`);
    if (Array.isArray(given)) {
      return `[${given.map((item, i) => write(item, `${at}[${i}]`, depth + 1)).join(',')}]`;
    }
    const table = given as Record<string, unknown>;
    const names = Object.keys(table).filter((name) => table[name] !== undefined);
    const parts = names
      .sort()
      .map((name) => `${JSON.stringify(name)}:${write(table[name], `${at}.${name}`, depth + 1)}`);
    return `{${parts.join(',')}}`;
  };
  const text = write(value, where, 0);
  if (values > mostValues(text.length)) {
    throw new RangeError(`${where}: ${values} values are more than a file may hold`);
  }
  return text;
}
