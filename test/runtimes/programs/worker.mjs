import * as chainrule from 'chainrule';
import * as convert from 'chainrule/convert';
import { fused } from 'chainrule/fused';
import * as module from 'chainrule/module';
import * as onnx from 'chainrule/onnx';
import * as predict from 'chainrule/predict';
import { threads } from 'chainrule/threads';
import * as workers from 'chainrule/worker';
import { check } from '../checks.mjs';

postMessage(
  await check(chainrule, fused, {
    ...onnx,
    ...convert,
    ...module,
    ...predict,
    ...workers,
    threads,
  }),
);
