import { exp64, log64 } from '../../math64.js';
import type { Curve } from './plots.js';
import { shortNumber } from './plots.js';

const width = 720;
const height = 360;
const frame = { left: 64, right: 16, top: 40, bottom: 40 };
const colours = ['#0b7285', '#e67700', '#5f3dc4', '#2b8a3e'];

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

/** Curves over epochs as a picture (SVG), logarithmic where that shows more. */
export function curvesAsSvg(title: string, curves: readonly Curve[]): string {
  const finite = curves.flatMap(({ values }) => values.filter((v) => Number.isFinite(v)));
  const least = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const logarithmic = least > 0 && most > 4 * least;
  const scale = (v: number) => (logarithmic ? log64(v) : v);
  const span = scale(most) - scale(least) || 1;
  const epochs = Math.max(...curves.map(({ values }) => values.length), 1);
  const x = (epoch: number) =>
    frame.left + (epochs === 1 ? 0 : epoch / (epochs - 1)) * (width - frame.left - frame.right);
  const y = (value: number) =>
    frame.top + (1 - (scale(value) - scale(least)) / span) * (height - frame.top - frame.bottom);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = frame.top + (1 - share) * (height - frame.top - frame.bottom);
    const value = logarithmic ? exp64(log64(least) + share * span) : least + (most - least) * share;
    return (
      `<line x1="${frame.left}" x2="${width - frame.right}" y1="${at}" y2="${at}" stroke="#dee2e6"/>` +
      `<text x="${frame.left - 8}" y="${at + 4}" text-anchor="end">${shortNumber(value)}</text>`
    );
  });
  const lines = curves.map(({ name, values }, c) => {
    const points = values
      .map((value, epoch) => [epoch, value] as const)
      .filter(([, value]) => Number.isFinite(value))
      .map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`);
    const colour = colours[c % colours.length]!;
    const legend = frame.left + c * 140;
    return (
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${legend}" y="32" fill="${colour}">${escaped(name)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#495057">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${frame.left}" y="16" font-size="14" fill="#212529">${escaped(title)}</text>`,
    ...ticks,
    ...lines,
    `<text x="${frame.left}" y="${height - 12}">epoch 1</text>`,
    `<text x="${width - frame.right}" y="${height - 12}" text-anchor="end">${epochs}</text>`,
    '</svg>',
    '',
  ].join('\n');
}
