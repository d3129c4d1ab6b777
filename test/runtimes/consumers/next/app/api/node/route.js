import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import * as workers from 'chainrule/worker';
import { check } from '../../../../../checks.mjs';

export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(await check(chainrule, fused, workers));
}
