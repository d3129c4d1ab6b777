// From nothing to the first prediction, in a fresh process: `cold.mjs <peer> <folder>`. run.mjs
// measures it from outside, against a bare `node -e ''`.

import { load } from './workloads.mjs';

const [id, folder] = process.argv.slice(2);
const { prepare } = await import(`./adapters/${id}.mjs`);
const peer = await prepare(load(folder));
await peer.predict(1);
process.exit(0);
