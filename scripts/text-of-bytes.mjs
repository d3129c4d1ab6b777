// The other half of decodeBytes in src/backends/module.ts, which says what the text is.

/** Printable characters that no string literal needs to escape. */
const symbols = Array.from({ length: 92 }, (_, i) => String.fromCharCode(35 + i)).filter(
  (symbol) => symbol !== '\\',
);

export function textOf(bytes) {
  let text = '';
  for (const byte of bytes) {
    const place = (byte + 6) & 255;
    if (place < 89) text += symbols[place + 2];
    else text += symbols[Math.floor((place - 89) / 91)] + symbols[(place - 89) % 91];
  }
  return text;
}
