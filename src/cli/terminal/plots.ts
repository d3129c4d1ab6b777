import { log64 } from '../../math64.js';
import type { Paint, Paints } from './screen.js';

/** A number for the side of a plot: four digits, at most nine characters. */
export function shortNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** A drawing of dots: two a character across, four down. */
class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #dots: Uint8Array;
  readonly #paints: (Paint | undefined)[];

  constructor(columns: number, lines: number) {
    this.width = columns * 2;
    this.height = lines * 4;
    this.#dots = new Uint8Array(columns * lines);
    this.#paints = new Array(columns * lines);
  }

  /** A dot at x from the left, y from the top. */
  dot(x: number, y: number, paint: Paint): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const cell = (y >> 2) * (this.width / 2) + (x >> 1);
    this.#dots[cell]! |= [
      [0x01, 0x08],
      [0x02, 0x10],
      [0x04, 0x20],
      [0x40, 0x80],
    ][y & 3]![x & 1]!;
    this.#paints[cell] = paint;
  }

  lines(): string[] {
    const columns = this.width / 2;
    return Array.from({ length: this.height / 4 }, (_, line) => {
      let text = '';
      for (let c = 0; c < columns; c++) {
        const cell = line * columns + c;
        const dots = this.#dots[cell]!;
        const character = dots === 0 ? ' ' : String.fromCodePoint(0x2800 + dots);
        text += this.#paints[cell]?.(character) ?? character;
      }
      return text;
    });
  }
}

/** Lines with the largest and the smallest value at their left. */
function framed(lines: readonly string[], top: string, bottom: string, paint: Paints): string[] {
  const width = Math.max(top.length, bottom.length);
  return lines.map((line, i) => {
    const label = i === 0 ? top : i === lines.length - 1 ? bottom : '';
    return `${paint.dim(`${label.padStart(width)} ┤`)}${line.trimEnd()}`;
  });
}

/** A curve of a plot. */
export interface Curve {
  readonly name: string;
  readonly values: readonly number[];
}

export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Curves over epochs, the first solid and the second dashed, so that they can be told apart without
 * colours. Vertically it is logarithmic where the values are positive and far apart.
 */
export function curvePlot(
  curves: readonly Curve[],
  { width, height }: PlotSize,
  paint: Paints,
  ticks: readonly [string, string],
): string {
  const finite = curves.flatMap(({ values }) => values.filter((v) => Number.isFinite(v)));
  if (finite.length === 0) return '';
  const least = finite.reduce((a, b) => Math.min(a, b));
  const most = finite.reduce((a, b) => Math.max(a, b));
  const logarithmic = least > 0 && most > 4 * least;
  const scale = (v: number) => (logarithmic ? log64(v) : v);
  const span = scale(most) - scale(least) || 1;
  const labels = [shortNumber(most), shortNumber(least)] as const;
  const side = Math.max(labels[0].length, labels[1].length) + 2;
  const canvas = new Canvas(Math.max(8, width - side), height);
  const paints = [paint.cyan, paint.yellow];
  curves.forEach(({ values }, c) => {
    let before: number | undefined;
    for (let x = 0; x < canvas.width; x++) {
      const place = values.length === 1 ? 0 : (x / (canvas.width - 1)) * (values.length - 1);
      const below = Math.floor(place);
      const above = Math.min(below + 1, values.length - 1);
      const value = values[below]! + (values[above]! - values[below]!) * (place - below);
      if (!Number.isFinite(value)) {
        before = undefined;
        continue;
      }
      const y = Math.round((1 - (scale(value) - scale(least)) / span) * (canvas.height - 1));
      const from = before ?? y;
      before = y;
      if (c > 0 && x % 4 > 1) continue;
      for (let at = Math.min(from, y); at <= Math.max(from, y); at++) {
        canvas.dot(x, at, paints[c % 2]!);
      }
    }
  });
  const rows = framed(canvas.lines(), labels[0], labels[1], paint);
  const room = Math.max(1, canvas.width / 2 - ticks[0].length - ticks[1].length);
  const axis = `${' '.repeat(side)}${ticks[0]}${' '.repeat(room)}${ticks[1]}`;
  const legend = curves
    .map(({ name }, c) => `${paints[c % 2]!(c === 0 ? '⠤⠤⠤' : '⠤ ⠤')} ${name}`)
    .join('   ');
  const note = logarithmic ? paint.dim('   logarithmic') : '';
  return [...rows, paint.dim(axis), `${' '.repeat(side)}${legend}${note}`].join('\n');
}

/** Predicted values over actual ones; on the dotted line they are equal. */
export function scatterPlot(
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
  { width, height }: PlotSize,
  paint: Paints,
): string {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < actual.length; i++) {
    least = Math.min(least, actual[i]!, predicted[i]!);
    most = Math.max(most, actual[i]!, predicted[i]!);
  }
  const span = most - least || 1;
  const labels = [shortNumber(most), shortNumber(least)] as const;
  const side = Math.max(labels[0].length, labels[1].length) + 2;
  const canvas = new Canvas(Math.max(8, Math.min(width - side, height * 3)), height);
  const x = (v: number) => Math.round(((v - least) / span) * (canvas.width - 1));
  const y = (v: number) => Math.round((1 - (v - least) / span) * (canvas.height - 1));
  for (let i = 0; i < canvas.width; i += 3) {
    const value = least + (i / (canvas.width - 1)) * span;
    canvas.dot(i, y(value), paint.dim);
  }
  for (let i = 0; i < actual.length; i++) {
    canvas.dot(x(actual[i]!), y(predicted[i]!), paint.cyan);
  }
  const rows = framed(canvas.lines(), labels[0], labels[1], paint);
  const room = Math.max(1, canvas.width / 2 - labels[0].length - labels[1].length);
  const axis = `${' '.repeat(side)}${labels[1]}${' '.repeat(room)}${labels[0]}`;
  return [...rows, paint.dim(axis)].join('\n');
}

/** A bar for each entry, the longest as wide as there is room. */
export function barPlot(
  entries: readonly { readonly name: string; readonly value: number; readonly text: string }[],
  width: number,
  paint: Paints,
): string {
  const names = Math.min(28, Math.max(...entries.map(({ name }) => name.length)));
  const texts = Math.max(...entries.map(({ text }) => text.length));
  const room = Math.max(5, width - names - texts - 4);
  const most = Math.max(...entries.map(({ value }) => value), 1e-12);
  const eighths = ' ▏▎▍▌▋▊▉';
  return entries
    .map(({ name, value, text }) => {
      const length = Math.round((Math.max(0, value) / most) * room * 8);
      const drawn = '█'.repeat(length >> 3) + (length & 7 ? eighths[length & 7]! : '');
      const label = name.length > names ? `${name.slice(0, names - 1)}…` : name;
      return `${label.padEnd(names)}  ${text.padStart(texts)}  ${paint.cyan(drawn)}`.trimEnd();
    })
    .join('\n');
}

/** How values are spread, as a line of blocks. */
export function sparkHistogram(values: ArrayLike<number>, bins: number): string {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]!);
    most = Math.max(most, values[i]!);
  }
  const counts = new Array<number>(bins).fill(0);
  const span = most - least;
  for (let i = 0; i < values.length; i++) {
    const place = span === 0 ? 0.5 : (values[i]! - least) / span;
    counts[Math.min(bins - 1, Math.floor(place * bins))]!++;
  }
  const highest = Math.max(...counts);
  const blocks = ' ▁▂▃▄▅▆▇█';
  return counts.map((count) => blocks[Math.ceil((count / highest) * 8)]!).join('');
}
