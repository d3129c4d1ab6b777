// Kills a training that writes checkpoints at random moments, and checks that nothing is lost:
//
//   npm run kill            a thousand times
//   npm run kill -- 50 7    so many times, from another seed
import { killTrainings } from '../test/checkpoints/kill.js';

const [kills = '1000', seed = '1'] = process.argv.slice(2);
const { epochs, halfWritten } = await killTrainings(Number(kills), Number(seed));
console.log(
  `${kills} kills over ${epochs} epochs: nothing lost, the weights are those of a training that was not killed; ` +
    `${halfWritten} kills left a file half written beside the whole ones`,
);
