// What a fresh machine lacks: the packages of this folder, the package under test, the browsers.
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NotAvailable, run } from './shell.mjs';

export const here = fileURLToPath(new URL('..', import.meta.url));
export const modules = join(here, 'node_modules');
const root = join(here, '../..');

/** `npm ci`, for the runtimes alone or for the consumers too, where it has not been done before. */
export async function installPackages(consumers) {
  const stamp = join(modules, '.installed');
  const lock = createHash('sha256').update(readFileSync(join(here, 'package-lock.json')));
  const state = lock.digest('hex');
  const had = existsSync(stamp) ? readFileSync(stamp, 'utf8').split(' ') : [];
  if (had[0] === state && (had[1] === 'all' || !consumers)) return;
  const only = consumers ? [] : ['--workspaces=false'];
  await run('npm', ['ci', ...only], { cwd: here, seconds: 1800 });
  writeFileSync(stamp, `${state} ${consumers ? 'all' : 'runtimes'}`);
}

/** chainrule as npm would install it: packed, and unpacked where all programs here look for it. */
export async function installPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'chainrule-packed-'));
  try {
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const target = join(modules, 'chainrule');
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    const archive = join(folder, `chainrule-${version}.tgz`);
    await run('tar', ['-xzf', archive, '-C', target, '--strip-components', '1']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function onPath(names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Look on.
      }
    }
  }
}

/** A browser's program; from Debian's archive, where it is missing and may be installed. */
async function installBrowser(names) {
  const found = onPath(names);
  if (found) return found;
  const [name] = names;
  const apt = onPath(['apt-get']);
  if (!apt || process.getuid() !== 0) {
    throw new NotAvailable(`no ${name}; apt-get as root could install it`);
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run(apt, ['update'], { env, seconds: 600 });
    await run(apt, ['install', '-y', '--no-install-recommends', name], { env, seconds: 1200 });
  } catch (error) {
    throw new NotAvailable(`no ${name}, and apt-get cannot install it: ${error.message}`);
  }
  return onPath(names);
}

const asked = new Map();

/** The same, asked for once. */
export function browser(name) {
  const names = {
    chromium: ['chromium', 'chromium-browser', 'google-chrome'],
    firefox: ['firefox-esr', 'firefox'],
  };
  if (!asked.has(name)) asked.set(name, installBrowser(names[name]));
  return asked.get(name);
}
