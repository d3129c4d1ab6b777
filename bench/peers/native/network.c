/* The same network in C: float32, row-major, w[inputs][units], as a good engineer would write it
   without intrinsics, for the compiler to vectorise. With -DBLAS the products go to cblas_sgemm.

   network <folder> <sizes, comma-separated> <relu|sigmoid> <softmax|sigmoid|linear>
           <sgd|adam> <rate> <batch> <rows>
   reads x.f32, y.f32, w<i>.f32, b<i>.f32 from the folder, then commands from stdin, one a line, and
   answers each with one line of JSON:  step n | predict n | outputs rows file | weights file. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#ifdef BLAS
enum { RowMajor = 101, NoTrans = 111, Trans = 112 };
void cblas_sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
                 float *, int);
#endif

enum { MAX_LAYERS = 8 };
typedef struct {
  int inputs, units;
  float *w, *b, *y, *dz, *dw, *db, *mw, *vw, *mb, *vb;
} Layer;

static Layer layers[MAX_LAYERS];
static int count, batch, rows, adam, hidden_sigmoid, softmax_output, sigmoid_output;
static float rate, power1 = 1, power2 = 1, *x, *t, *packed;

static float *allocate(size_t n) {
  float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
  memset(p, 0, n * sizeof(float));
  return p;
}

static float *load(const char *folder, const char *name, int index, size_t n) {
  char path[4096];
  if (index < 0) snprintf(path, sizeof path, "%s/%s.f32", folder, name);
  else snprintf(path, sizeof path, "%s/%s%d.f32", folder, name, index);
  FILE *file = fopen(path, "rb");
  float *p = allocate(n);
  if (!file || fread(p, sizeof(float), n, file) != n) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  fclose(file);
  return p;
}

/* y[m][n] = bias or zero, then += a[m][k] · b[k][n]: two rows of a by four rows of b at a time, the
   inner loop along b and y, where the compiler makes vectors of it. `as` and `ak` are the distances
   between rows and between columns of a, so that aᵀ needs no copy. */
static void multiply(float *restrict y, const float *restrict bias, const float *restrict a, long as, long ak,
                     const float *restrict b, int m, int k, int n) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) y[(long)i * n + j] = bias ? bias[j] : 0;
#ifdef BLAS
  cblas_sgemm(RowMajor, ak == 1 ? NoTrans : Trans, NoTrans, m, n, k, 1, a, ak == 1 ? as : ak, b, n, 1, y, n);
#else
  int i = 0;
  for (; i + 2 <= m; i += 2) {
    float *restrict o = y + (long)i * n, *restrict u = o + n;
    const float *p = a + i * as, *q = b;
    int c = 0;
    for (; c + 4 <= k; c += 4, p += 4 * ak, q += 4 * n) {
      float f0 = p[0], f1 = p[ak], f2 = p[2 * ak], f3 = p[3 * ak];
      float g0 = p[as], g1 = p[as + ak], g2 = p[as + 2 * ak], g3 = p[as + 3 * ak];
      for (int j = 0; j < n; j++) {
        float b0 = q[j], b1 = q[n + j], b2 = q[2 * n + j], b3 = q[3 * n + j];
        o[j] += f0 * b0 + f1 * b1 + (f2 * b2 + f3 * b3);
        u[j] += g0 * b0 + g1 * b1 + (g2 * b2 + g3 * b3);
      }
    }
    for (; c < k; c++, p += ak, q += n)
      for (int j = 0; j < n; j++) o[j] += p[0] * q[j], u[j] += p[as] * q[j];
  }
  for (; i < m; i++) {
    float *restrict o = y + (long)i * n;
    const float *p = a + i * as, *q = b;
    int c = 0;
    for (; c + 4 <= k; c += 4, p += 4 * ak, q += 4 * n) {
      float f = p[0], g = p[ak], h = p[2 * ak], e = p[3 * ak];
      for (int j = 0; j < n; j++) o[j] += f * q[j] + g * q[n + j] + (h * q[2 * n + j] + e * q[3 * n + j]);
    }
    for (; c < k; c++, p += ak, q += n)
      for (int j = 0; j < n; j++) o[j] += *p * q[j];
  }
#endif
}

/* dx = dz · wᵀ */
static void input_gradient(float *dx, const float *dz, const Layer *layer) {
  int n = layer->units, k = layer->inputs;
#ifdef BLAS
  cblas_sgemm(RowMajor, NoTrans, Trans, batch, k, n, 1, dz, n, layer->w, n, 0, dx, k);
#else
  for (int i = 0; i < k; i++) /* w turned once, then the same tiles */
    for (int j = 0; j < n; j++) packed[(long)j * k + i] = layer->w[(long)i * n + j];
  multiply(dx, NULL, dz, n, 1, packed, batch, n, k);
#endif
}

static void forward(const float *input, int m) {
  for (int i = 0; i < count; i++) {
    Layer *l = &layers[i];
    long size = (long)m * l->units;
    multiply(l->y, l->b, input, l->inputs, 1, l->w, m, l->inputs, l->units);
    int last = i == count - 1;
    if (last ? sigmoid_output : hidden_sigmoid) {
      for (long e = 0; e < size; e++) l->y[e] = 1 / (1 + expf(-l->y[e]));
    } else if (!last) {
      for (long e = 0; e < size; e++) l->y[e] = l->y[e] > 0 ? l->y[e] : 0;
    } else if (softmax_output) {
      for (int r = 0; r < m; r++) {
        float *y = l->y + (long)r * l->units, top = y[0], sum = 0;
        for (int j = 1; j < l->units; j++) top = y[j] > top ? y[j] : top;
        for (int j = 0; j < l->units; j++) sum += y[j] = expf(y[j] - top);
        for (int j = 0; j < l->units; j++) y[j] /= sum;
      }
    }
    input = l->y;
  }
}

static void adam_step(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, long n) {
  float step = rate / (1 - power1), scale = 1 / (1 - power2), mean = 1.0f / batch;
  for (long i = 0; i < n; i++) {
    float a = g[i] * mean;
    m[i] = 0.9f * m[i] + 0.1f * a;
    v[i] = 0.999f * v[i] + 0.001f * a * a;
    p[i] -= step * m[i] / (sqrtf(v[i] * scale) + 1e-8f);
  }
}

static void train(long first) {
  forward(x + first * layers[0].inputs, batch);
  Layer *top = &layers[count - 1];
  const float *target = t + first * top->units;
  for (long e = 0; e < (long)batch * top->units; e++) {
    float y = top->y[e];
    top->dz[e] = (y - target[e]) * (sigmoid_output ? y * (1 - y) : 1);
  }
  power1 *= 0.9f, power2 *= 0.999f;
  for (int i = count - 1; i >= 0; i--) {
    Layer *l = &layers[i];
    if (i > 0) {
      float *dx = layers[i - 1].dz, *y = layers[i - 1].y;
      input_gradient(dx, l->dz, l);
      for (long e = 0; e < (long)batch * l->inputs; e++)
        dx[e] *= hidden_sigmoid ? y[e] * (1 - y[e]) : y[e] > 0 ? 1.0f : 0.0f;
    }
    const float *input = i > 0 ? layers[i - 1].y : x + first * l->inputs;
    long size = (long)l->inputs * l->units;
    multiply(l->dw, NULL, input, 1, l->inputs, l->dz, l->inputs, batch, l->units);
    for (int j = 0; j < l->units; j++) l->db[j] = 0;
    for (int r = 0; r < batch; r++)
      for (int j = 0; j < l->units; j++) l->db[j] += l->dz[(long)r * l->units + j];
    if (adam) {
      adam_step(l->w, l->dw, l->mw, l->vw, size);
      adam_step(l->b, l->db, l->mb, l->vb, l->units);
    } else {
      for (long e = 0; e < size; e++) l->w[e] -= rate / batch * l->dw[e];
      for (int j = 0; j < l->units; j++) l->b[j] -= rate / batch * l->db[j];
    }
  }
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc < 9) return 2;
  int sizes[MAX_LAYERS + 1], places = 0;
  for (char *part = strtok(argv[2], ","); part && places <= MAX_LAYERS; part = strtok(NULL, ",")) sizes[places++] = atoi(part);
  count = places - 1;
  hidden_sigmoid = !strcmp(argv[3], "sigmoid");
  softmax_output = !strcmp(argv[4], "softmax");
  sigmoid_output = !strcmp(argv[4], "sigmoid");
  adam = !strcmp(argv[5], "adam");
  rate = atof(argv[6]), batch = atoi(argv[7]), rows = atoi(argv[8]);
  x = load(argv[1], "x", -1, (size_t)rows * sizes[0]);
  t = load(argv[1], "y", -1, (size_t)rows * sizes[count]);
  size_t largest = 0;
  for (int i = 0; i < count; i++) {
    size_t n = sizes[i + 1], k = sizes[i], m = batch > 64 ? batch : 64; /* 64: the check's rows */
    float *w = load(argv[1], "w", i, k * n), *b = load(argv[1], "b", i, n);
    layers[i] = (Layer){k, n, w, b, allocate(m * n), allocate(m * n), allocate(k * n), allocate(n),
                        allocate(adam ? k * n : 1), allocate(adam ? k * n : 1), allocate(n), allocate(n)};
    if (k * n > largest) largest = k * n;
  }
  packed = allocate(largest);

  char line[4200], path[4096];
  long n, first = 0;
  while (fgets(line, sizeof line, stdin)) {
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
    if (sscanf(line, "step %ld", &n) == 1) {
      for (long i = 0; i < n; i++, first = first + batch < rows ? first + batch : 0) train(first);
    } else if (sscanf(line, "predict %ld", &n) == 1) {
      for (long i = 0; i < n; i++, first = first + batch < rows ? first + batch : 0)
        forward(x + first * sizes[0], batch);
    } else if (sscanf(line, "outputs %ld %4095s", &n, path) == 2) {
      FILE *file = fopen(path, "wb");
      forward(x, n);
      fwrite(layers[count - 1].y, sizeof(float), n * sizes[count], file);
      fclose(file);
    } else if (sscanf(line, "weights %4095s", path) == 1) {
      FILE *file = fopen(path, "wb");
      for (int i = 0; i < count; i++) {
        fwrite(layers[i].w, sizeof(float), (size_t)layers[i].inputs * layers[i].units, file);
        fwrite(layers[i].b, sizeof(float), layers[i].units, file);
      }
      fclose(file);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"cpu\":%.9f,\"wall\":%.9f,\"memory\":%ld}\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
           seconds(CLOCK_MONOTONIC) - wall, usage.ru_maxrss * 1024);
    fflush(stdout);
  }
  return 0;
}
