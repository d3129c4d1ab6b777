/*
 * The ceiling for kernels on 128-bit vectors without fused multiply-add: how many GFLOP/s one core
 * reaches in a loop of multiplications and additions that never leaves the registers.
 *
 *   gcc -O2 -msse4.1 bench/peak.c -o build/peak && build/peak [seconds]
 *
 * Prints the best and the median of many short runs; the best is the ceiling, and the distance
 * between the two shows how busy the machine is.
 */
#define _POSIX_C_SOURCE 199309L
#include <smmintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * A chain waits six to eight cycles for its multiplication and its addition, while two of each may
 * start in every cycle: twelve chains keep the units busy and leave registers for the operands.
 */
#define CHAINS 12
#define STEPS 8
#define ROUNDS 20000
#define RUNS_AT_MOST 100000

/* The empty assembler keeps the compiler from merging equal chains and from changing the order. */
#define KEEP(s) __asm__ volatile("" : "+x"(s));
#define MULTIPLY(s) s = _mm_mul_ps(s, factor); KEEP(s)
#define ADD(s) s = _mm_add_ps(s, offset); KEEP(s)
#define PAIR(s, t) MULTIPLY(s) MULTIPLY(t) ADD(s) ADD(t)
#define STEP PAIR(s0, s1) PAIR(s2, s3) PAIR(s4, s5) PAIR(s6, s7) PAIR(s8, s9) PAIR(s10, s11)

/* s ← s · 0.5 + 0.5 on every chain: the values settle at 1, far from subnormals. */
static float multiply_and_add(void) {
  const __m128 factor = _mm_set1_ps(0.5f), offset = factor;
  __m128 s0 = _mm_set1_ps(1.0f), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  __m128 s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;
  for (int round = 0; round < ROUNDS; round++) {
    STEP STEP STEP STEP STEP STEP STEP STEP
  }
  s0 = _mm_add_ps(_mm_add_ps(s0, s1), _mm_add_ps(s2, s3));
  s4 = _mm_add_ps(_mm_add_ps(s4, s5), _mm_add_ps(s6, s7));
  s8 = _mm_add_ps(_mm_add_ps(s8, s9), _mm_add_ps(s10, s11));
  return _mm_cvtss_f32(_mm_add_ps(_mm_add_ps(s0, s4), s8));
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  const double seconds = count > 1 ? atof(arguments[1]) : 1.0;
  static double rates[RUNS_AT_MOST];
  volatile float kept = multiply_and_add();
  int runs = 0;
  const double end = now() + seconds;
  while (runs == 0 || (runs < RUNS_AT_MOST && now() < end)) {
    const double start = now();
    kept = multiply_and_add();
    rates[runs++] = 2.0 * 4.0 * CHAINS * STEPS * ROUNDS / (now() - start) * 1e-9;
  }
  (void)kept;
  qsort(rates, (size_t)runs, sizeof rates[0], ascending);
  printf("%.1f GFLOP/s at best, %.1f in the median of %d runs\n", rates[runs - 1], rates[runs / 2],
         runs);
  return 0;
}
