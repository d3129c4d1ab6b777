// All peers on one workload: prepared one after the other, measured in turns.

import { Session } from './session.mjs';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const outcome = (answer) => {
  if (answer.unsupported) return { status: 'unsupported', reason: answer.unsupported };
  if (answer.wrong) return { status: 'wrong result', reason: answer.wrong };
  if (answer.crashed) return { status: 'crashed', reason: answer.crashed };
  if (answer.timedOut) return { status: 'too slow', reason: `more than ${answer.timedOut} s` };
  if (answer.error) return { status: 'failed', reason: answer.error };
  return null;
};

/**
 * One row per peer: { peer, status, … }. Measured rows have rows a second by CPU time (`rate`, with
 * `low` and `high` over the rounds) and by wall time (`wallRate`), and the peak `memory` in bytes.
 */
export async function measureWorkload(spec, folder, peers, env, settings, progress) {
  const rows = [];
  const running = [];
  for (const peer of peers) {
    progress(peer.id);
    const session = new Session(peer.id, folder, env);
    const row = { peer: peer.id, status: 'measured', note: '', times: [] };
    rows.push(row);
    // A worker at a time: the first minutes of one must not disturb the check of another.
    let answer = await session.request('prepare', settings.prepareLimit);
    let bad = outcome(answer);
    if (!bad) {
      Object.assign(row, { check: answer.check, note: answer.note });
      answer = await session.request('warm', settings.warmLimit, {
        seconds: settings.warm,
        slice: settings.slice,
      });
      bad = outcome(answer);
      row.steps = answer.steps;
    }
    if (bad) {
      Object.assign(row, bad);
      await session.end();
    } else {
      running.push({ row, session });
    }
  }

  for (let round = 0; round < settings.rounds; round++) {
    for (const { row, session } of running) {
      if (row.status !== 'measured') continue;
      progress(`${row.peer} ${round + 1}/${settings.rounds}`);
      const answer = await session.request('measure', settings.measureLimit, { steps: row.steps });
      const bad = outcome(answer);
      if (bad) {
        Object.assign(row, bad);
        await session.end();
      } else {
        row.times.push(answer);
      }
    }
  }

  for (const { row, session } of running) {
    if (row.status === 'measured') {
      const { memory } = await session.request('finish', 10);
      const perSecond = (kind) => row.times.map((time) => (row.steps * spec.batch) / time[kind]);
      const rates = perSecond('cpu');
      Object.assign(row, {
        rate: median(rates),
        low: Math.min(...rates),
        high: Math.max(...rates),
        wallRate: median(perSecond('wall')),
        memory,
      });
    }
    await session.end();
  }
  return rows.map(({ times, ...row }) => row);
}
