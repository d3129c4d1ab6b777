import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import { check } from '../checks.mjs';

postMessage(await check(chainrule, fused));
