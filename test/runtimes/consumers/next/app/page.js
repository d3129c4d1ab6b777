'use client';

import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import * as workers from 'chainrule/worker';
import { useEffect } from 'react';
import { check } from '../../../checks.mjs';
import { report } from '../../../programs/report.mjs';

export default function Page() {
  useEffect(() => {
    report(() => check(chainrule, fused, workers));
  }, []);
  return <h1>Next.js</h1>;
}
