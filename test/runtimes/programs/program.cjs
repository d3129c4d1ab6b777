const chainrule = require('chainrule');
const { fused } = require('chainrule/fused');

import('../checks.mjs')
  .then(({ check }) => check(chainrule, fused))
  .then((outcome) => console.log(`OUTCOME ${JSON.stringify(outcome)}`));
