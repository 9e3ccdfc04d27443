// A polite neighbour's measure: slices of arithmetic with short sleeps between, for so many seconds. Prints operations a
// second and the 99th percentile of a slice in microseconds. With the word "idle": a neighbour in the idle class that asks
// the system for nothing, which is as polite as anything can be.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static int less(const void *a, const void *b) { return *(const double *)a < *(const double *)b ? -1 : 1; }

int main(int count, char **words) {
  (void)count;
  if (words[1][0] == 'i') {
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
    for (volatile unsigned x = 1;;) x = x * 3 + 1;
  }
  static double slices[4000000];
  double end = now() + atof(words[1]), begin = now();
  long done = 0;
  volatile unsigned x = 1;
  while (now() < end && done < 4000000) {
    double start = now();
    for (int i = 0; i < 100000; ++i) x = x * 1664525 + 1013904223;
    slices[done++] = now() - start;
    usleep(50);
  }
  double took = now() - begin;
  qsort(slices, done, sizeof *slices, less);
  printf("%f %f\n", done / took, slices[done * 99 / 100] * 1e6);
}
