// Pages that post their outcome: no driver stands between the browser and the page.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { browser } from './install.mjs';
import { start, within } from './shell.mjs';

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

async function listen(handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

/** A folder as a site, with these headers. */
export const serve = (folder, headers = {}) =>
  listen(({ url }, response) => {
    const path = normalize(new URL(url, 'http://site').pathname);
    try {
      const body = readFileSync(join(folder, path));
      const type = types[extname(path)] ?? 'application/octet-stream';
      response.writeHead(200, { ...headers, 'content-type': type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });

const commands = {
  chromium: (profile, url) => [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
    url,
  ],
  firefox(profile, url) {
    const preferences = {
      'app.update.enabled': false,
      'browser.aboutwelcome.enabled': false,
      'browser.shell.checkDefaultBrowser': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'network.captive-portal-service.enabled': false,
      'toolkit.telemetry.reportingpolicy.firstRun': false,
    };
    const lines = Object.entries(preferences).map(
      (pref) => `user_pref(${JSON.stringify(pref).slice(1, -1)});`,
    );
    writeFileSync(join(profile, 'user.js'), lines.join('\n'));
    return ['--headless', '--no-remote', '--profile', profile, url];
  },
};

/** Opens a page, and waits for what it posts to the address in its query. */
export async function visit(name, url, seconds = 90) {
  const program = await browser(name);
  const profile = mkdtempSync(join(tmpdir(), `chainrule-${name}-`));
  let post;
  const posted = new Promise((resolve) => {
    post = resolve;
  });
  const collector = await listen(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
    if (request.method === 'POST') post(JSON.parse(text));
  });
  const address = `${url}?report=${encodeURIComponent(collector.url)}`;
  const { ended, stop, output } = start(program, commands[name](profile, address), {
    env: { HOME: profile },
  });
  try {
    const over = ended.then(({ code }) => {
      throw new Error(`${name} ended with code ${code}\n${output()}`);
    });
    const outcome = await within(seconds, Promise.race([posted, over]), output);
    if (outcome.error) throw new Error(outcome.error);
    return outcome;
  } finally {
    stop();
    await ended.catch(() => {});
    collector.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
