/** Threefry-2x32 with 20 rounds on four counters at once: the same words as src/random.ts. */

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
