import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import { check } from '../checks.mjs';

console.log(`OUTCOME ${JSON.stringify(await check(chainrule, fused))}`);
