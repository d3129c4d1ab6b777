/** Numbers that become float32. */
export const floatTypes = { F32: 4, F64: 8, F16: 2, BF16: 2 } as const;

/** IEEE 754 half precision: a sign, five bits of exponent, ten of fraction. */
function half(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Little-endian numbers of one of these types as float32; those of eight bytes are rounded. */
export function floatsFrom(bytes: Uint8Array, type: keyof typeof floatTypes): Float32Array {
  const own = bytes.slice().buffer;
  switch (type) {
    case 'F32':
      return new Float32Array(own);
    case 'F64':
      return Float32Array.from(new Float64Array(own));
    case 'F16':
      return Float32Array.from(new Uint16Array(own), half);
    case 'BF16':
      // The upper half of a float32.
      return new Float32Array(Uint32Array.from(new Uint16Array(own), (bits) => bits << 16).buffer);
  }
}
