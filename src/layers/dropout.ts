import { numberWithin } from '../checks.js';
import type { LayerDefinition, LayerOptions } from './definition.js';

/**
 * Dropout (Srivastava et al. 2014), inverted: in training each input is 0 with probability `rate`
 * and otherwise divided by 1 − rate; in prediction nothing happens. The masks follow from the
 * network's seed, the layer's place and the step.
 */
export interface DropoutSpec extends LayerOptions {
  readonly type: 'dropout';
  /** Share of inputs dropped, in [0, 1). */
  readonly rate: number;
}

export const dropout: LayerDefinition<DropoutSpec> = {
  options: ['rate'],
  check(spec, _input, where) {
    numberWithin(spec.rate, `${where}: rate`, 0, 1, 'open');
  },
  output: (_spec, input) => input,
  lower({ rate }, build, x) {
    if (!build.training || rate === 0) return x;
    const { batch, counters } = build;
    const units = x.columns;
    const mask = build.value(units, false);
    const y = build.value(units, build.needsGradient(x));
    const { seed, stream } = build.randomKey();
    // The word must reach rate · 2³²; as a signed integer, because that is what a record holds.
    const threshold = Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1) | 0;
    build.emit(
      'dropoutForward',
      y,
      mask,
      x,
      counters,
      batch,
      units,
      x.pitch,
      seed,
      stream,
      threshold,
      1 / (1 - rate),
    );
    build.onBackward(y, (dy) => {
      build.contribute(x, (dx) => {
        build.emit('dropoutBackward', dx, dy, mask, batch, units, x.pitch);
      });
    });
    return y;
  },
};
