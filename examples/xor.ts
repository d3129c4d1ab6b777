// biome-ignore-all format: a truth table reads best on one line
import { dense, sequential } from 'chainrule';

const x = [[0, 0], [0, 1], [1, 0], [1, 1]];
const y = [0, 1, 1, 0];
const layers = [dense(16, { activation: 'tanh' }), dense(1)];
const model = sequential({ inputShape: [2], layers, task: 'binary' });
await model.fit(x, y, { epochs: 2000 });
console.log(model.predict(x)); // 0.005, 0.995, 0.994, 0.005
console.log(model.predictClasses(x)); // 0, 1, 1, 0
