import type { BackendFactory } from './backends/backend.js';
import { wasmBackend } from './backends/wasm.js';
import type { Callback, CallbackContext } from './hooks.js';
import { load } from './load.js';
import { Threads } from './threads/team.js';
import {
  type FromThread,
  type HookEvent,
  type Order,
  plainError,
  rateOf,
  type ToThread,
} from './workers/protocol.js';

/*
 * What runs in a worker: a program by itself, which the build puts into one file and, as text, into
 * chainrule/worker.
 */

interface Port {
  postMessage(message: FromThread): void;
  onmessage: ((event: { readonly data: ToThread }) => void) | null;
}

// Node's workers have no port of their own among the globals: who starts one there puts it.
const port = ((globalThis as { chainrulePort?: Port }).chainrulePort ?? globalThis) as Port;
const aborter = new AbortController();
let reply: ((told: Extract<ToThread, { type: 'told' }>) => void) | undefined;

/** The one callback of the training here, which asks those on the other side. */
function asking(order: Order): Callback[] {
  if (!order.hooks) return [];
  const ask = async (hook: HookEvent['hook'], context: CallbackContext): Promise<void> => {
    const { model, epoch, epochs, batch, logs, learningRate } = context;
    const around = hook === 'onTrainBegin' || hook === 'onTrainEnd';
    const answer = new Promise<Extract<ToThread, { type: 'told' }>>((resolve) => {
      reply = resolve;
    });
    port.postMessage({
      ...{ type: 'hook', hook, context: { epoch, epochs, batch, logs, learningRate } },
      snapshot: model.snapshot({ optimizer: true }),
      checkpoint: around ? undefined : context.checkpoint(),
    });
    const { stop, weights, failed } = await answer;
    if (failed) throw new Error('a callback has thrown');
    if (weights) context.setWeights(weights as Parameters<typeof context.setWeights>[0]);
    if (stop) context.stop(stop as 'stopped');
  };
  const callback: Record<string, unknown> = {};
  for (const hook of order.hooks) {
    callback[hook] = (context: CallbackContext) => ask(hook, context);
  }
  // One that wants to be told of nothing still counts where a training is resumed.
  if (order.hooks.length === 0) callback.onTrainBegin = () => {};
  return [callback];
}

/** The backend that the other side has. */
function backendOf(given: Order['backend']): 'js' | BackendFactory {
  if (given === 'js') return 'js';
  const { name, module, threads } = given;
  const team = threads > 1 ? new Threads(module, threads) : undefined;
  return { create: () => wasmBackend(module, name, team) };
}

async function train(order: Order): Promise<void> {
  const { snapshot, backend, x, y, options, learningRate } = order;
  const onWarning = (message: string) => port.postMessage({ type: 'warning', message });
  const rate = rateOf(learningRate);
  if (order.aborted) aborter.abort();
  let network: ReturnType<typeof load> | undefined;
  try {
    network = load(snapshot, { backend: backendOf(backend), onWarning });
    const result = await network.fit(x, y, {
      ...options,
      ...(rate !== undefined && { learningRate: rate }),
      callbacks: asking(order),
      signal: aborter.signal,
    });
    port.postMessage({ type: 'done', result, snapshot: network.snapshot({ optimizer: true }) });
  } catch (error) {
    const left = network?.snapshot({ optimizer: true });
    port.postMessage({ type: 'failed', error: plainError(error), snapshot: left });
  }
}

port.onmessage = ({ data }) => {
  if (data.type === 'train') void train(data);
  else if (data.type === 'abort') aborter.abort();
  else reply?.(data);
};
port.postMessage({ type: 'ready' });
