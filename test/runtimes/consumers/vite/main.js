import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import * as workers from 'chainrule/worker';
import { check } from '../../checks.mjs';
import { report } from '../../programs/report.mjs';

report(() => check(chainrule, fused, workers));
