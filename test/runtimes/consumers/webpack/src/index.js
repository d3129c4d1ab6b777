import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import * as workers from 'chainrule/worker';
import { check } from '../../../checks.mjs';
import { report } from '../../../programs/report.mjs';

const test = () => check(chainrule, fused, workers);
if (globalThis.document) report(test);
else test().then((outcome) => console.log(`OUTCOME ${JSON.stringify(outcome)}`));
