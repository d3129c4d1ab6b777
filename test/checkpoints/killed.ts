// The process that is killed: trains on from the newest checkpoint in a folder, and says on its output
// which epochs are behind it, each when its checkpoint has been written.
import { writeSync } from 'node:fs';
import { load, sequential } from 'chainrule';
import { checkpointFile, latestCheckpoint } from 'chainrule/node';
import { batchSize, spec, x, y } from './training.js';

const folder = process.argv[2]!;
const resume = await latestCheckpoint(folder);
const model = resume ? load(resume) : sequential(spec);
const say = (line: string | number) => writeSync(1, `${line}\n`);
say('begun');
await model.fit(x, y, {
  epochs: 2 ** 31,
  batchSize,
  ...(resume && { resume }),
  callbacks: [
    checkpointFile({ folder, keep: 2 }),
    { onEpochEnd: ({ epoch }) => void say(epoch + 1) },
  ],
});
