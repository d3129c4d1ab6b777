import { Writable } from 'node:stream';
import { run } from '../../src/cli/run.js';

/** Runs a command line into pipes, which are no terminals. */
export async function command(...given: string[]) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const code = await run(given, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { code, ...written };
}
