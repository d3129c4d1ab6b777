import { Writable } from 'node:stream';
import { run } from '../../src/cli/run.js';

/** Runs a command line into pipes, which are no terminals. */
export const command = (...given: string[]) => runInto(false, given);

/** Runs a command line whose results a terminal shows. */
export const commandInTerminal = (...given: string[]) => runInto(true, given);

async function runInto(isTTY: boolean, given: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const stdout = Object.assign(stream('stdout'), { isTTY });
  const code = await run(given, { stdout, stderr: stream('stderr') });
  return { code, ...written };
}
