/** Numbers in [−3, 3), the same in every run (Park and Miller 1988). */
let state = 7;

const draw = () => {
  state = (state * 48271) % 2147483647;
  return (6 * state) / 2147483647 - 3;
};

export const floats = (count: number) => Float32Array.from({ length: count }, draw);
