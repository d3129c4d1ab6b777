/**
 * Where threads that walk lists side by side wait for one another. `sync` points to three words: how
 * many have come, how often all have, and whether the lists are to stop.
 */

/** Looks before a thread goes to sleep: others come soon, and waking takes long. */
const LOOKS = 100000;
/** Nanoseconds of one sleep, and how many there may be before the others are given up: 20 s. */
const SLEEP: i64 = 50000000;
const SLEEPS = 400;

/** Waits until all have come; true where the lists are to stop. */
export function meet(sync: usize, threads: i32): bool {
  if (!ASC_FEATURE_THREADS) return true;
  const met = atomic.load<i32>(sync, 4);
  if (atomic.add<i32>(sync, 1) == threads - 1) {
    atomic.store<i32>(sync, 0);
    atomic.add<i32>(sync, 1, 4);
    atomic.notify(sync + 4, threads);
    return atomic.load<i32>(sync, 8) != 0;
  }
  let looks = LOOKS;
  let sleeps = SLEEPS;
  while (atomic.load<i32>(sync, 4) == met) {
    if (atomic.load<i32>(sync, 8) != 0) return true;
    if (looks > 0) {
      --looks;
      continue;
    }
    if (sleeps-- == 0) {
      atomic.store<i32>(sync, 2, 8);
      return true;
    }
    atomic.wait<i32>(sync + 4, met, SLEEP);
  }
  return atomic.load<i32>(sync, 8) != 0;
}
