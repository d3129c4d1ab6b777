import { hint } from '../../checks.js';
import type { CsvFile } from '../csv/reader.js';
import { Problem, printable } from '../problem.js';
import { isMissing, numberIn } from './cells.js';
import { missingCategory, type TableSchema } from './schema.js';

/** A cell that holds a category that training has not seen. */
export interface Unseen {
  readonly line: number;
  readonly column: string;
  readonly cell: string;
}

/** Makes records of one file rows of numbers, as a schema says. */
export class Encoder {
  readonly schema: TableSchema;
  /** How many categories were met that the schema does not have. */
  unseen = 0;
  readonly #file: CsvFile;
  /** Where each feature stands in a record. */
  readonly #places: readonly number[];
  readonly #categories: readonly (ReadonlyMap<string, number> | undefined)[];
  readonly #target: number;
  readonly #classes: ReadonlyMap<string, number> | undefined;
  readonly #onUnseen: ((unseen: Unseen) => void) | undefined;

  /**
   * @param names of the file's columns, which may be more, and in another order
   * @param needsTarget whether the target's column must be there
   * @throws Problem that names the columns that are missing
   */
  constructor(
    schema: TableSchema,
    file: CsvFile,
    names: readonly string[],
    needsTarget: boolean,
    onUnseen?: (unseen: Unseen) => void,
  ) {
    this.schema = schema;
    this.#file = file;
    this.#onUnseen = onUnseen;
    const places = new Map(names.map((name, c) => [name, c]));
    const wanted = schema.features.map(({ name }) => name);
    if (needsTarget) wanted.push(schema.target);
    const missing = wanted.filter((name) => !places.has(name));
    if (missing.length > 0) {
      const shown = missing.slice(0, 8).map((name) => `'${printable(name)}'`);
      const more = missing.length > 8 ? ` and ${missing.length - 8} more` : '';
      const near =
        missing.length === 1
          ? `; ${hint(
              missing[0]!,
              names.map((n) => printable(n)),
            )}`
          : '';
      throw new Problem(
        `${file.name}: the model needs ${missing.length === 1 ? 'a column' : 'columns'} that ${missing.length === 1 ? 'is' : 'are'} not there: ${shown.join(', ')}${more}${near}`,
      );
    }
    this.#places = schema.features.map(({ name }) => places.get(name)!);
    this.#categories = schema.features.map((feature) =>
      feature.kind === 'category'
        ? new Map(feature.categories.map((text, i) => [text, i]))
        : undefined,
    );
    this.#target = places.get(schema.target) ?? -1;
    this.#classes = schema.classes && new Map(schema.classes.map((text, i) => [text, i]));
  }

  /** Writes the features of a record behind `at`. */
  encode(cells: readonly string[], line: number, out: Float32Array, at: number): void {
    const { features, decimal } = this.schema;
    for (let f = 0; f < features.length; f++) {
      const feature = features[f]!;
      const cell = cells[this.#places[f]!] ?? '';
      const categories = this.#categories[f];
      if (categories) out[at + f] = this.#category(f, categories, cell, line);
      else if (isMissing(cell)) out[at + f] = feature.fill;
      else out[at + f] = this.#number(cell, decimal, line, feature.name);
    }
  }

  /** The target of a record: a class's index, or a number; NaN where the cell has no value. */
  target(cells: readonly string[], line: number): number {
    const { target, decimal } = this.schema;
    const cell = cells[this.#target] ?? '';
    if (isMissing(cell)) return Number.NaN;
    if (!this.#classes) return this.#number(cell, decimal, line, target);
    const known = this.#classes.get(cell.trim());
    if (known !== undefined) return known;
    throw new Problem(
      `${this.#file.at(line, target)}: '${printable(cell)}' is none of the classes: ${this.schema
        .classes!.slice(0, 12)
        .map((name) => printable(name))
        .join(', ')}`,
    );
  }

  #category(f: number, categories: ReadonlyMap<string, number>, cell: string, line: number) {
    const known = categories.get(isMissing(cell) ? missingCategory : cell.trim());
    if (known !== undefined) return known;
    const feature = this.schema.features[f]!;
    if (!isMissing(cell)) {
      this.unseen++;
      this.#onUnseen?.({ line, column: feature.name, cell: cell.trim() });
    }
    return feature.fill;
  }

  #number(cell: string, decimal: '.' | ',', line: number, column: string): number {
    const value = numberIn(cell, decimal);
    if (Number.isFinite(value)) return value;
    throw new Problem(
      `${this.#file.at(line, column)}: expected a number, got '${printable(cell)}'`,
    );
  }
}
