const chainrule = require('chainrule');
const { fused } = require('chainrule/fused');
const formats = ['onnx', 'convert', 'module', 'predict', 'worker', 'threads'].map((name) =>
  require(`chainrule/${name}`),
);

import('../checks.mjs')
  .then(({ check }) => check(chainrule, fused, Object.assign({}, ...formats)))
  .then((outcome) => console.log(`OUTCOME ${JSON.stringify(outcome)}`));
