// One peer on one workload in a process of its own: `worker.mjs <peer> <folder>`, driven by messages.
//   prepare             → { check, note } | { unsupported } | { wrong }
//   warm { seconds, … } → { steps }   how many steps fill the wanted time, once they run warm
//   measure { steps }   → { cpu, wall } in seconds
//   finish              → { memory } in bytes, and the process ends
// Any other failure answers { error }.

import { agree, agreeOutputs, Disagreement, expectation, loadExpectation } from './reference.mjs';
import { Unsupported } from './support/adapter.mjs';
import { load } from './workloads.mjs';

const [id, folder] = process.argv.slice(2);
const workload = load(folder);
const training = workload.kind === 'training';
let peer;

async function check() {
  const { variant, outputs, weights } = peer;
  const expected = variant ? expectation(workload, variant) : loadExpectation(folder, workload);
  if (training) {
    await peer.step(workload.checkSteps);
    return agree(workload, variant, expected, await outputs(expected.rows), await weights?.());
  }
  const answer = await peer.predict(1);
  return agreeOutputs(expected.outputs, answer.length ? answer : await outputs(expected.rows));
}

/** CPU time, of all threads, and wall time of n steps or predictions. */
async function time(n) {
  const run = training ? peer.step : peer.predict;
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const answer = await run(n);
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return answer?.cpu === undefined
    ? { cpu: (user + system) / 1e6, wall }
    : { cpu: answer.cpu, wall: answer.wall };
}

const commands = {
  async prepare() {
    const adapter = await import(`./adapters/${id}.mjs`);
    if (workload.front && !adapter.fronts?.includes(workload.front.type))
      throw new Unsupported(`no ${workload.front.type}`);
    peer = await adapter.prepare(workload);
    return { check: await check(), note: peer.note ?? '' };
  },

  async warm({ seconds, slice }) {
    let steps = 1;
    let spent = 0;
    let last;
    for (;;) {
      last = await time(steps);
      spent += last.cpu; // not wall time: a busy machine must not shorten the warm-up
      if (last.cpu < slice / 2)
        steps = Math.ceil(steps * Math.min(8, (0.8 * slice) / Math.max(last.cpu, 1e-6)));
      else if (spent >= seconds) break;
    }
    steps = Math.max(1, Math.round((steps * slice) / last.cpu));
    // Whole epochs where there is more than one: that is how fit is called.
    const perEpoch = workload.rows / workload.batch;
    return { steps: steps > perEpoch ? Math.ceil(steps / perEpoch) * perEpoch : steps };
  },

  measure: ({ steps }) => time(steps),

  finish: () => ({ memory: peer.memory?.() ?? process.resourceUsage().maxRSS * 1024 }),
};

process.on('message', async (message) => {
  let answer;
  try {
    answer = await commands[message.command](message);
  } catch (error) {
    if (error instanceof Unsupported) answer = { unsupported: error.message };
    else if (error instanceof Disagreement) answer = { wrong: error.message };
    else answer = { error: error?.message ?? String(error) };
  }
  process.send(answer, () => message.command === 'finish' && process.exit(0));
});
