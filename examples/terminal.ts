/*
 * What the examples draw. In a terminal lines are redrawn and coloured; into a file or a pipe goes
 * plain text only. NO_COLOR and TERM=dumb are respected. Everything fits into 80 columns.
 */

const { stdout } = process;
const live = stdout.isTTY && process.env.TERM !== 'dumb';
const coloured = live && stdout.hasColors();

// A reader such as `head` may close the pipe early.
stdout.on('error', () => process.exit());

const paint = (code: number) => (text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const cyan = paint(36);

/** 1437 as 1,437. */
export const grouped = (count: number) => Math.round(count).toLocaleString('en');

/** 0.9861 as 98.6 %. */
export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A bar that fills step by step, and lines above it. Without a terminal, the lines alone. */
export function progressBar(total: number, unit = 'epochs') {
  const width = 28;
  // Drawing takes longer than an epoch of a small network.
  const pause = 40;
  let drawn = Number.NEGATIVE_INFINITY;
  let bar = '';
  return {
    update(done: number, note = '') {
      if (!live || (performance.now() - drawn < pause && done < total)) return;
      drawn = performance.now();
      const full = Math.round((width * done) / total);
      bar = `${cyan('█'.repeat(full))}${dim('░'.repeat(width - full))} ${done}/${total} ${unit}  ${note}`;
      stdout.write(`\r\x1b[K${bar}`);
    },
    line(text: string) {
      stdout.write(live ? `\r\x1b[K${text}\n${bar}` : `${text}\n`);
    },
    end() {
      if (live) stdout.write('\n');
    },
  };
}

/** Positive numbers as a filled curve on a logarithmic scale: a column each, eight steps a line. */
export function chart(values: readonly number[], height = 6): string {
  const blocks = ' ▁▂▃▄▅▆▇█';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const steps = values.map(
    (v) => 1 + (Math.log(v / least) / Math.log(most / least)) * (8 * height - 1),
  );
  return Array.from({ length: height }, (_, line) => {
    const below = 8 * (height - 1 - line);
    const label = line === 0 ? most.toFixed(2) : line === height - 1 ? least.toFixed(2) : '';
    const cells = steps.map((step) => blocks[Math.round(Math.min(Math.max(step - below, 0), 8))]);
    return `${label.padStart(8)} ${cyan(cells.join('').trimEnd())}`;
  }).join('\n');
}

/** Two curves over the same places, `●` and `·`, on a scale from the least to the most of both. */
export function curves(one: readonly number[], other: readonly number[], height = 12): string {
  const all = [...one, ...other].filter((value) => !Number.isNaN(value));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const lineOf = (value: number) => Math.round(((most - value) / (most - least)) * (height - 1));
  return Array.from({ length: height }, (_, line) => {
    const label = line === 0 ? most.toFixed(2) : line === height - 1 ? least.toFixed(2) : '';
    const cells = one.map((value, i) =>
      lineOf(value) === line ? cyan('●') : lineOf(other[i]!) === line ? dim('·') : ' ',
    );
    return `${label.padStart(8)} ${cells.join('').trimEnd()}`;
  }).join('\n');
}

/** How often each true class (a row) was taken for each class (a column), and the share of hits. */
export function confusionMatrix<T>(truth: readonly T[], predicted: readonly T[], classes: T[]) {
  const names = classes.map(String);
  const width = Math.max(3, ...names.map((name) => name.length)) + 1;
  const corner = Math.max(5, ...names.map((name) => name.length)) + 2;
  const head = ' '.repeat(corner) + names.map((name) => name.padStart(width)).join('');
  const rows = classes.map((actual, r) => {
    const answers = predicted.filter((_, i) => truth[i] === actual);
    const counts = classes.map((answer) => answers.filter((a) => a === answer).length);
    const cells = counts.map((count, c) => {
      const cell = (count === 0 ? '·' : String(count)).padStart(width);
      return c === r ? green(cell) : count === 0 ? dim(cell) : red(cell);
    });
    const hits = percent(counts[r]! / answers.length, 0);
    return `${names[r]!.padStart(corner)}${cells.join('')}${dim(hits.padStart(8))}`;
  });
  return [`${'truth'.padStart(corner)} ${dim('↓   predicted →')}`, bold(head), ...rows].join('\n');
}

/** Pictures of 8 × 8 shades from 0 to 1 side by side, each with a line of text beneath. */
export function pictures(images: readonly { pixels: ArrayLike<number>; caption: string }[]) {
  const shades = ' ░▒▓█';
  const size = 8;
  const lines = Array.from({ length: size }, (_, y) =>
    images.map(({ pixels }) => {
      const row = Array.from({ length: size }, (_, x) => pixels[y * size + x]!);
      // A character is twice as high as it is wide.
      return row.map((shade) => shades[Math.round(shade * 4)]!.repeat(2)).join('');
    }),
  );
  const captions = images.map(({ caption }) => caption.padEnd(2 * size));
  return [...lines, captions].map((cells) => `  ${cells.join('   ')}`.trimEnd()).join('\n');
}
