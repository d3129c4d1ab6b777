/** What suites hand in, and how it is printed, kept, compared and drawn. */

/** A column of a table; `key` names its value in each row. */
export interface Column {
  readonly key: string;
  readonly title: string;
}

/** A number, text, or nothing where it was not measured. */
export type Value = number | string | null;

export interface Row {
  readonly name: string;
  readonly values: Readonly<Record<string, Value>>;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** The column that is compared with the last result, and whether less of it is better. */
  readonly headline: { readonly key: string; readonly better: 'less' | 'more' };
  /** The column of ratios that the picture shows, and of which rows, if it shows this table. */
  readonly drawn?: { readonly key: string; readonly rows?: readonly string[] };
  readonly notes?: readonly string[];
}

export interface Report {
  readonly date: string;
  readonly processor: string;
  readonly node: string;
  readonly clock: string;
  /** Programs waiting for a processor before and after, in the mean of a minute. */
  readonly load: readonly [number, number];
  readonly quick: boolean;
  readonly tables: readonly Table[];
}

/** Beyond this change a row is flagged. */
const tolerance = 0.1;

export function show(value: Value | undefined): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

/** How many times as fast as before each row is; undefined where there is nothing to compare. */
function changeOf(row: Row, table: Table, last: Report | undefined): number | undefined {
  const before = last?.tables
    .find(({ title }) => title === table.title)
    ?.rows.find(({ name }) => name === row.name)?.values[table.headline.key];
  const now = row.values[table.headline.key];
  if (typeof before !== 'number' || typeof now !== 'number') return undefined;
  const change = table.headline.better === 'less' ? before / now : now / before;
  return Number.isFinite(change) && change > 0 ? change : undefined;
}

/** One table for the terminal. With the last result, its last column is the speed over that one. */
export function printTable(table: Table, last: Report | undefined): string {
  const changes = table.rows.map((row) => changeOf(row, table, last));
  const compared = changes.some((change) => change !== undefined);
  const head = ['', ...table.columns.map(({ title }) => title), ...(compared ? ['change'] : [])];
  const body = table.rows.map((row, i) => {
    const change = changes[i];
    const mark = change !== undefined && Math.abs(Math.log(change)) > Math.log1p(tolerance);
    const cells = [row.name, ...table.columns.map(({ key }) => show(row.values[key]))];
    return compared ? [...cells, `${change?.toFixed(2) ?? '–'}${mark ? ' !' : '  '}`] : cells;
  });
  const widths = head.map((_, c) => Math.max(...[head, ...body].map((cells) => cells[c]!.length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ');
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  const notes = (table.notes ?? []).map((note) => `  ${note}`);
  return [`\n${table.title}`, line(head), rule, ...body.map(line), ...notes].join('\n');
}

/** Who measured, where and when. */
export function printHeader(report: Report, last: Report | undefined): string {
  const { processor, node, date, clock, load } = report;
  const lines = [
    `${processor}, Node ${node}, ${date.slice(0, 10)}${report.quick ? ', quick: expect noise' : ''}`,
    `medians of ${clock}; load ${load[0].toFixed(1)} before, ${load[1].toFixed(1)} after`,
  ];
  if (last) {
    const same = last.processor === processor && last.node === node;
    lines.push(
      `"change" is the speed over the committed result of ${last.date.slice(0, 10)}` +
        (same ? '' : `, which is from another machine: ${last.processor}, Node ${last.node}`) +
        `; ! marks more than ${tolerance * 100} %`,
    );
  }
  return lines.join('\n');
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The ratios of all drawn tables as bars on a logarithmic axis, readable in light and in dark. */
export function drawing(report: Report): string {
  const groups = report.tables
    .filter(({ drawn }) => drawn)
    .map(({ title, rows, drawn }) => ({
      title: title.replace(/, ns .*/, ''),
      bars: rows
        .filter(({ name }) => drawn!.rows?.includes(name) ?? true)
        .map(({ name, values }) => ({ name, ratio: values[drawn!.key] }))
        .filter((bar): bar is { name: string; ratio: number } => typeof bar.ratio === 'number'),
    }))
    .filter(({ bars }) => bars.length > 0);
  const ratios = groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio));
  const end = 2 ** Math.ceil(Math.log2(Math.max(2, ...ratios) * 1.2));
  const [width, left, right, row] = [780, 270, 60, 18];
  const place = (ratio: number) =>
    left + ((width - left - right) * Math.log2(Math.max(1, ratio))) / Math.log2(end);
  const parts: string[] = [];
  let y = 62;
  for (const { title, bars } of groups) {
    y += 14;
    parts.push(`<text class="group" x="16" y="${y}">${escaped(title)}</text>`);
    y += 8;
    for (const { name, ratio } of bars) {
      const middle = y + row / 2 + 4;
      parts.push(
        `<text x="${left - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>`,
        `<rect x="${left}" y="${y + 3}" width="${(place(ratio) - left).toFixed(1)}" height="${row - 6}" rx="2"/>`,
        `<text class="number" x="${(place(ratio) + 6).toFixed(1)}" y="${middle}">${show(ratio)}×</text>`,
      );
      y += row;
    }
  }
  const ticks: string[] = [];
  for (let tick = 1; tick <= end; tick *= 2) {
    const x = place(tick).toFixed(1);
    ticks.push(
      `<line x1="${x}" x2="${x}" y1="58" y2="${y + 4}"/>`,
      `<text class="quiet" x="${x}" y="52" text-anchor="middle">${tick}×</text>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 20}" viewBox="0 0 ${width} ${y + 20}" role="img">
<title>WebAssembly over plain JavaScript, in times as fast</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .group { font-weight: 600; }
  .quiet { fill: #59636e; }
  .number { font-variant-numeric: tabular-nums; }
  rect { fill: #0969da; }
  .ground { fill: #fff; }
  line { stroke: #d1d9e0; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    rect { fill: #4493f8; }
    .ground { fill: #0d1117; }
    line { stroke: #3d444d; }
  }
</style>
<rect class="ground" width="100%" height="100%"/>
<text class="title" x="16" y="24">WebAssembly over plain JavaScript, in times as fast</text>
<text class="quiet" x="${width - 16}" y="24" text-anchor="end">${escaped(`${report.processor}, Node ${report.node}, ${report.date.slice(0, 10)}`)}</text>
${[...ticks, ...parts].join('\n')}
</svg>
`;
}
