import { FormatError } from '../errors.js';
import type { NetworkSpec } from '../layers/model.js';
import { readSchema } from './table/read-schema.js';
import type { TableSchema } from './table/schema.js';

/** How a training was asked for, so that `--resume` goes on in the same way. */
export type Course = {
  readonly epochs: number;
  readonly batchSize: number;
  readonly patience: number;
  /** Shares of the rows to judge by, and of the others to watch. */
  readonly test: number;
  readonly validation: number;
};

/** What the command line keeps in a model's file, as JSON. */
export type Attachment = {
  readonly table: TableSchema;
  readonly course: Course;
};

const courseKeys = ['epochs', 'batchSize', 'patience', 'test', 'validation'] as const;

/**
 * What a model's file has for the command line; undefined where that did not write it.
 *
 * @throws FormatError for what does not fit the network
 */
export function readAttachment(given: unknown, spec: NetworkSpec): Attachment | undefined {
  if (typeof given !== 'object' || given === null || !('table' in given)) return undefined;
  const { table, course } = given as { table: unknown; course?: Record<string, unknown> };
  const schema = readSchema(table, spec);
  for (const key of courseKeys) {
    const value = course?.[key];
    const least = key === 'batchSize' ? 1 : 0;
    if (typeof value !== 'number' || !(value >= least && value <= 2 ** 31)) {
      throw new FormatError(`course: ${key}: expected a number of at least ${least}`);
    }
  }
  return { table: schema, course: course as unknown as Course };
}
