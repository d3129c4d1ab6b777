import { FormatError, load, type Network } from 'chainrule';
import { loadPredictor } from 'chainrule/predict';
import { bits } from '../../kernels/core.js';
import type { Kind } from '../harness.js';
import { plainFiles, safetensors } from './safetensors.js';

const backend = 'js';
/** Wider rows are read, and not predicted. */
const mostColumns = 4096;

/** A network of a file, and a row that it takes; undefined where the file holds none that predicts. */
function networkOf(file: Uint8Array): { network: Network; x: (string | number)[] } | undefined {
  let network: Network;
  try {
    network = load(file, { backend, onWarning() {} });
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  const { spec, scalers } = network.snapshot();
  const columns = spec.inputShape.reduce((a, b) => a * b, 1);
  if ((spec.preprocess?.x && !scalers.x) || (spec.preprocess?.y && !scalers.y)) return undefined;
  // Of a column for which no category was learnt, there is no value.
  if (columns > mostColumns || spec.inputShape.length > 1) return undefined;
  const x = Array.from({ length: columns }, (_, c) => {
    const column = scalers.x?.[c];
    return column && 'count' in column ? (column.categories[0] as string) : (c % 7) - 2.5;
  });
  return x.includes(undefined as never) ? undefined : { network, x };
}

/** Model files, for prediction alone: wherever `load` gives a network, the predictor has its bits. */
export const predictor: Kind = {
  ...safetensors,
  name: 'predictor',
  seeds: () =>
    plainFiles().filter((file) => {
      const { spec, scalers } = load(file, { backend, onWarning() {} }).snapshot();
      return !spec.preprocess?.y || scalers.y;
    }),
  read(file) {
    let made: ReturnType<typeof loadPredictor>;
    try {
      made = loadPredictor(file, { backend });
    } catch (error) {
      const short = error instanceof Error && error.message.includes('task:');
      if (networkOf(file) && !short) throw new Error(`is a network, refused: ${error}`);
      throw error;
    }
    const known = networkOf(file);
    if (!known) return made;
    const [expected, y] = [known.network.predict(known.x), made.predict(known.x)];
    if (bits(y).join() !== bits(expected).join()) throw new Error(`predicts ${y}, not ${expected}`);
    return made;
  },
};
