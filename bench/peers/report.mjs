// Results as text for the terminal and as Markdown for the README.

/** Three significant digits with k or M. */
export function count(value) {
  if (value >= 999_500) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 999.5) return `${(value / 1e3).toPrecision(3)} k`;
  return value.toPrecision(3);
}

const duration = (microseconds) =>
  microseconds < 999.5
    ? `${microseconds.toPrecision(3)} µs`
    : `${(microseconds / 1000).toPrecision(3)} ms`;
const factor = (value) => `${value >= 99.5 ? Math.round(value) : value.toPrecision(2)}×`;
const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
const kilobytes = (bytes) =>
  bytes >= 1e6 ? `${(bytes / 1e6).toPrecision(3)} MB` : `${(bytes / 1e3).toPrecision(3)} kB`;

/** Rows a second, or microseconds where the workload is one row at a time. */
const speed = ({ kind, batch }, rate) =>
  kind === 'inference' && batch === 1 ? duration(1e6 / rate) : count(rate);

/** How many times as fast as this row chainrule is; empty for chainrule and without it. */
function ratio(workload, row) {
  const own = workload.rows.find(({ peer }) => peer === 'chainrule');
  return row.rate && own?.rate && own !== row ? factor(own.rate / row.rate) : '';
}

export function header({ date, cpu, node, data, rounds, quick }) {
  const digits = data === 'mnist' ? 'MNIST digits' : "synthetic digits of MNIST's sparsity";
  return `${cpu}, Node ${node}, ${date}, ${digits}, medians of ${rounds} rounds${quick ? ' (quick run)' : ''}`;
}

/** Columns of text, the first left-aligned. */
function columns(lines) {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const pad = (cell, i) =>
    i === 0 || i === lines[0].length - 1 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** One workload for the terminal. */
export function terminalTable(workload, titles) {
  const unit = workload.kind === 'inference' && workload.batch === 1 ? 'time' : 'rows/s';
  const lines = [['', unit, 'chainrule is', 'spread', 'by wall', 'memory', '']];
  for (const row of workload.rows) {
    if (row.status === 'unsupported') continue;
    const name = titles.get(row.peer);
    if (row.status !== 'measured') {
      lines.push([name, '—', '', '', '', '', `${row.status}: ${row.reason}`.slice(0, 100)]);
      continue;
    }
    const spread = `±${Math.round((50 * (row.high - row.low)) / row.rate)} %`;
    const wall = speed(workload, row.wallRate);
    lines.push([
      name,
      speed(workload, row.rate),
      ratio(workload, row),
      spread,
      wall,
      megabytes(row.memory),
      row.note,
    ]);
  }
  return `\n${workload.id}  ${workload.title}\n${columns(lines)}\n`;
}

const markdown = (head, lines) =>
  [head, head.map((_, i) => (i ? '---:' : '---')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

function speedTable(results, workloads) {
  const lines = results.peers
    .map(({ id, title }) => {
      const cells = workloads.map((workload) => {
        const row = workload.rows.find(({ peer }) => peer === id);
        if (!row || row.status === 'unsupported') return '';
        if (row.status !== 'measured') return row.status;
        const times = ratio(workload, row);
        return speed(workload, row.rate) + (times && ` (${times})`);
      });
      return [title, ...cells];
    })
    .filter((cells) => cells.slice(1).some(Boolean));
  return markdown(['', ...workloads.map(({ title }) => title)], lines);
}

function startupTable(results) {
  const { cold, sizes } = results.startup;
  const biggest = results.workloads
    .filter(({ kind }) => kind === 'training')
    .find(({ id }) => id === 'W3');
  const lines = results.peers.map(({ id, title }) => {
    const time = cold.peers[id];
    const size = sizes[id];
    const memory = biggest?.rows.find(({ peer }) => peer === id)?.memory;
    const bytes = size
      ? kilobytes(size.script + size.wasm) + (size.wasm ? ` (${kilobytes(size.wasm)} wasm)` : '')
      : '';
    return [
      title,
      time === undefined || time === null ? '' : `${Math.max(0, time).toFixed(0)} ms`,
      bytes,
      memory ? megabytes(memory) : '',
    ];
  });
  const head = [
    '',
    'import to first prediction',
    'bundled, gzipped',
    `peak memory${biggest ? `, ${biggest.title}` : ''}`,
  ];
  return markdown(
    head,
    lines.filter((cells) => cells.slice(1).some(Boolean)),
  );
}

/** "title: text (W1, W2)", once per peer and text. */
function remarks(results) {
  const found = new Map();
  for (const { id, title } of results.peers) {
    for (const workload of results.workloads) {
      const row = workload.rows.find(({ peer }) => peer === id);
      const text =
        row?.status === 'measured' ? row.note : row?.status !== 'unsupported' && row?.reason;
      if (!text) continue;
      const line =
        row.status === 'measured' ? `${title}: ${text}` : `${title}, ${row.status}: ${text}`;
      found.set(line, [...(found.get(line) ?? []), workload.id]);
    }
  }
  return [...found].map(([line, ids]) => `- ${line} (${ids.join(', ')})`).join('\n');
}

/** The tables, for bench/results/peers.md. */
export function markdownReport(results) {
  const of = (kind) =>
    results.workloads.filter((workload) => workload.kind === kind && !workload.front);
  const fronts = results.workloads.filter(({ front }) => front);
  const parts = [
    `${header(results.header)}. One thread, process CPU time; in brackets how many times as fast as that row chainrule is.`,
  ];
  if (of('training').length)
    parts.push('Rows trained a second:', speedTable(results, of('training')));
  if (of('inference').length)
    parts.push(
      'Inference, time of one row or rows a second:',
      speedTable(results, of('inference')),
    );
  if (fronts.length)
    parts.push('Convolution and recurrence, rows a second:', speedTable(results, fronts));
  if (results.startup) parts.push(startupTable(results));
  const notes = remarks(results);
  if (notes) parts.push(`Where a peer does something else than asked, or nothing:\n\n${notes}`);
  const apart = new Map();
  for (const { id, date, rounds } of results.workloads) {
    if (date === results.header.date && rounds === results.header.rounds) continue;
    const when = `${date}, medians of ${rounds} rounds`;
    apart.set(when, [...(apart.get(when) ?? []), id]);
  }
  for (const [when, ids] of apart) parts.push(`Measured apart, ${when}: ${ids.join(', ')}.`);
  const versions = results.peers
    .filter(({ version }) => version)
    .map(({ title, version }) => {
      const name = title.replace(/ \(.*| with .*/, '');
      return version.startsWith('gcc') ? version : `${name} ${version}`;
    });
  parts.push(`Versions: ${[...new Set(versions)].join(', ')}.`);
  return `${parts.join('\n\n')}\n`;
}
