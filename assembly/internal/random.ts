/** Threefry-2x32 with 20 rounds on several counters at once: the same words as src/random.ts. */

// @ts-ignore: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** The first words of the blocks with the given counters under one key. */
// @ts-ignore: decorator
@inline
export function firstWords(key0: i32, key1: i32, counter0: v128, counter1: i32): v128 {
  const key2 = key0 ^ key1 ^ 0x1bd11bda;
  let a = i32x4.add(counter0, i32x4.splat(key0));
  let b = i32x4.splat(counter1 + key1);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 13), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 15), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 26), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 6), a);
  a = i32x4.add(a, i32x4.splat(key1)); b = i32x4.add(b, i32x4.splat(key2 + 1));
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 17), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 29), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 16), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 24), a);
  a = i32x4.add(a, i32x4.splat(key2)); b = i32x4.add(b, i32x4.splat(key0 + 2));
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 13), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 15), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 26), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 6), a);
  a = i32x4.add(a, i32x4.splat(key0)); b = i32x4.add(b, i32x4.splat(key1 + 3));
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 17), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 29), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 16), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 24), a);
  a = i32x4.add(a, i32x4.splat(key1)); b = i32x4.add(b, i32x4.splat(key2 + 4));
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 13), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 15), a);
  a = i32x4.add(a, b); b = v128.xor(rotate(b, 26), a);
  a = i32x4.add(a, b);
  return i32x4.add(a, i32x4.splat(key2));
}

/** The second half of a round, after a ← a + b: b ← rotated b ⊕ a. */
// @ts-ignore: decorator
@inline
function turned(a: v128, b: v128, bits: i32): v128 {
  return v128.xor(rotate(b, bits), a);
}

/** Two vectors of blocks, their words in the order in which the host draws them. */
// @ts-ignore: decorator
@inline
function storeWords(to: usize, first: v128, second: v128): void {
  v128.store(to, v128.shuffle<i32>(first, second, 0, 4, 1, 5));
  v128.store(to, v128.shuffle<i32>(first, second, 2, 6, 3, 7), 16);
}

/**
 * Both words of the sixteen blocks from `counter0` on, in the order in which the host draws them. Four
 * chains of rounds side by side, since each round waits for the one before it.
 */
export function drawWords(to: usize, key0: i32, key1: i32, counter0: i32, counter1: i32): void {
  let now = i32x4.splat(key0), next = i32x4.splat(key1);
  let last = i32x4.splat(key0 ^ key1 ^ 0x1bd11bda);
  const four = i32x4.splat(4);
  let a = i32x4.add(i32x4.add(i32x4.splat(counter0), i32x4(0, 1, 2, 3)), now);
  let c = i32x4.add(a, four), e = i32x4.add(c, four), g = i32x4.add(e, four);
  let b = i32x4.add(i32x4.splat(counter1), next), d = b, f = b, h = b;
  let rounds = 0;
  do {
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 13); d = turned(c, d, 13); f = turned(e, f, 13); h = turned(g, h, 13);
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 15); d = turned(c, d, 15); f = turned(e, f, 15); h = turned(g, h, 15);
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 26); d = turned(c, d, 26); f = turned(e, f, 26); h = turned(g, h, 26);
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 6); d = turned(c, d, 6); f = turned(e, f, 6); h = turned(g, h, 6);
    let key = i32x4.add(last, i32x4.splat((rounds >> 2) + 1));
    a = i32x4.add(a, next); c = i32x4.add(c, next); e = i32x4.add(e, next); g = i32x4.add(g, next);
    b = i32x4.add(b, key); d = i32x4.add(d, key); f = i32x4.add(f, key); h = i32x4.add(h, key);
    if (rounds == 16) break;
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 17); d = turned(c, d, 17); f = turned(e, f, 17); h = turned(g, h, 17);
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 29); d = turned(c, d, 29); f = turned(e, f, 29); h = turned(g, h, 29);
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 16); d = turned(c, d, 16); f = turned(e, f, 16); h = turned(g, h, 16);
    a = i32x4.add(a, b); c = i32x4.add(c, d); e = i32x4.add(e, f); g = i32x4.add(g, h);
    b = turned(a, b, 24); d = turned(c, d, 24); f = turned(e, f, 24); h = turned(g, h, 24);
    key = i32x4.add(now, i32x4.splat((rounds >> 2) + 2));
    a = i32x4.add(a, last); c = i32x4.add(c, last); e = i32x4.add(e, last); g = i32x4.add(g, last);
    b = i32x4.add(b, key); d = i32x4.add(d, key); f = i32x4.add(f, key); h = i32x4.add(h, key);
    key = now;
    now = last;
    last = next;
    next = key;
    rounds += 8;
  } while (true);
  storeWords(to, a, b);
  storeWords(to + 32, c, d);
  storeWords(to + 64, e, f);
  storeWords(to + 96, g, h);
}
