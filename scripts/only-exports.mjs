/**
 * A module of WebAssembly that exports these functions alone. Engines make an object of every export
 * for every instance, and the names of the kernels are a thirtieth of the module; the host calls them
 * through `run`.
 */
export function onlyExports(module, names) {
  const exportSection = 7;
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const encoded = (value) => {
    const bytes = [];
    for (let left = value; ; left >>= 7) {
      if (left < 128) return Buffer.from([...bytes, left]);
      bytes.push((left & 127) | 128);
    }
  };
  const parts = [module.subarray(0, at)];
  while (at < module.length) {
    const start = at;
    const id = module[at++];
    const size = number();
    const end = at + size;
    if (id === exportSection) {
      const kept = [];
      for (let left = number(); left > 0; left--) {
        const from = at;
        const length = number();
        const name = module.toString('utf8', at, at + length);
        at += length + 1;
        number();
        if (names.includes(name)) kept.push(module.subarray(from, at));
      }
      const body = Buffer.concat([encoded(kept.length), ...kept]);
      parts.push(Buffer.from([exportSection]), encoded(body.length), body);
    } else {
      parts.push(module.subarray(start, end));
    }
    at = end;
  }
  return Buffer.concat(parts);
}
