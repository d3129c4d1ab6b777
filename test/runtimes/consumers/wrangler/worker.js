import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import * as workers from 'chainrule/worker';
import { check } from '../../checks.mjs';

export default {
  async fetch() {
    return Response.json(await check(chainrule, fused, workers));
  },
};
