/** Runs a page's test, and posts its outcome, or its error, to the address in the page's query. */
export async function report(test) {
  let outcome;
  try {
    outcome = await test();
  } catch (error) {
    outcome = { error: String(error?.stack ?? error) };
  }
  const address = new URLSearchParams(location.search).get('report');
  await fetch(address, { method: 'POST', body: JSON.stringify(outcome) });
}
