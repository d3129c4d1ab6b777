import { printable } from '../problem.js';

/** Where the command line writes to. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export type Paint = (text: string) => string;

/** Text in colours, or as it is. */
export interface Paints {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

function paints(coloured: boolean): Paints {
  const entries = Object.entries(codes).map(([name, code]) => [
    name,
    (text: string) => (coloured && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text),
  ]);
  return Object.fromEntries(entries);
}

/** Whether a stream shows colours: NO_COLOR and FORCE_COLOR say so, else the terminal. */
function hasColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return Boolean(stream.isTTY) && TERM !== 'dumb';
}

/** Narrower is unreadable, wider is not read. */
const leastWidth = 40;
const mostWidth = 120;

/**
 * The terminal: results go to standard output, and what is going on to standard error, where a line
 * is drawn over again while something takes its time. Where they are no terminal, nothing is drawn
 * over, and what is going on is told only where it is a line of its own.
 */
export class Screen {
  /** Colours of standard output. */
  readonly paint: Paints;
  /** Colours of standard error. */
  readonly paintStatus: Paints;
  readonly width: number;
  /** Whether results are shown by a terminal, which acts on control characters. */
  readonly terminal: boolean;
  /** Whether lines can be drawn over. */
  readonly live: boolean;
  readonly coloured: boolean;
  readonly #streams: Streams;
  readonly #quiet: boolean;
  #status = '';
  #drawn = Number.NEGATIVE_INFINITY;

  /** @param quiet whether only results are wanted */
  constructor(streams: Streams, quiet: boolean) {
    this.#streams = streams;
    this.#quiet = quiet;
    this.terminal = Boolean(streams.stdout.isTTY);
    this.coloured = hasColours(streams.stdout);
    this.paint = paints(this.coloured);
    this.paintStatus = paints(hasColours(streams.stderr));
    const columns = streams.stdout.columns || streams.stderr.columns || 80;
    this.width = Math.max(leastWidth, Math.min(mostWidth, columns));
    this.live = Boolean(streams.stderr.isTTY) && process.env.TERM !== 'dumb' && !quiet;
  }

  /** A result. */
  print(text = ''): void {
    this.#clear();
    this.#streams.stdout.write(`${text}\n`);
    this.#redraw();
  }

  /** A result for machines, whose escapes leave nothing for a terminal to act on. */
  printJson(value: unknown): void {
    const lines = JSON.stringify(value, null, 2).split('\n');
    this.print(lines.map((line) => printable(line, Number.POSITIVE_INFINITY)).join('\n'));
  }

  /**
   * Text of a result as it is, waiting while the reader is slower. A write that fails is an event of
   * the stream, which ends the process.
   */
  write(text: string): Promise<void> {
    this.#clear();
    return new Promise((resolve) => {
      this.#streams.stdout.write(text, () => resolve());
    });
  }

  /** Something that is no result: what was decided, what is odd. */
  tell(text: string): void {
    if (this.#quiet) return;
    this.#clear();
    this.#streams.stderr.write(`${text}\n`);
    this.#redraw();
  }

  warn(text: string): void {
    this.#clear();
    this.#streams.stderr.write(`${this.paintStatus.yellow('note')}  ${text}\n`);
    this.#redraw();
  }

  /** What is going on, drawn over by the next; at most some 20 times a second. */
  status(line: () => string, always = false): void {
    if (!this.live) return;
    const now = performance.now();
    if (!always && now - this.#drawn < 50) return;
    this.#drawn = now;
    this.#status = line();
    this.#redraw();
  }

  /** Takes the line of what is going on away. */
  done(): void {
    this.#clear();
    this.#status = '';
  }

  #clear(): void {
    if (this.#status !== '') this.#streams.stderr.write('\r\u001b[K');
  }

  #redraw(): void {
    if (this.#status !== '') this.#streams.stderr.write(`\r\u001b[K${this.#status}`);
  }
}

/** `3.2 s`, `4 min 10 s`, `2 h 05 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (minutes < 60) return `${minutes} min ${pad(Math.floor(seconds % 60))} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** `1.2 k`, `3.4 M`. */
export function short(value: number): string {
  if (value < 1000) return String(Math.round(value));
  if (value < 1e6) return `${(value / 1000).toPrecision(3)} k`;
  return `${(value / 1e6).toPrecision(3)} M`;
}

/** A bar that is full at share 1. */
export function bar(share: number, width: number, paint: Paints): string {
  const full = Math.round(Math.max(0, Math.min(1, share)) * width);
  return `${paint.cyan('█'.repeat(full))}${paint.dim('░'.repeat(width - full))}`;
}
