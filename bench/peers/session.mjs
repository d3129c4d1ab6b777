// The parent's end of a worker: requests with a time limit, and an end in any case.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./worker.mjs', import.meta.url));

export class Session {
  #child;
  #stderr = '';
  #settle = null;

  constructor(id, folder, env) {
    this.#child = fork(script, [id, folder], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr.on('data', (data) => {
      this.#stderr = (this.#stderr + data).slice(-4000);
    });
    this.#child.on('message', (answer) => this.#settle?.(answer));
    this.#child.on('exit', (code, signal) => {
      const reason = /heap out of memory/.test(this.#stderr)
        ? 'out of memory'
        : this.#lastWords(code ?? signal);
      this.#settle?.({ crashed: reason });
    });
  }

  #lastWords(code) {
    const line = this.#stderr.split('\n').find((text) => /Error/.test(text));
    return line?.trim() ?? `ended with ${code}`;
  }

  /** The worker's answer, { crashed } or, after `seconds`, { timedOut }. */
  request(command, seconds, settings = {}) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle({ timedOut: seconds }), seconds * 1000);
      this.#settle = (answer) => {
        clearTimeout(timer);
        this.#settle = null;
        resolve(answer);
      };
      if (this.#child.exitCode !== null || !this.#child.connected)
        this.#settle({ crashed: this.#lastWords('no answer') });
      else this.#child.send({ command, ...settings });
    });
  }

  /** Ends the process; one that does not listen is killed. */
  async end() {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await ended;
    clearTimeout(timer);
  }
}
