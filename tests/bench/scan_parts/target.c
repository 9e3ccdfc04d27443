// A process with much memory: filled from a file over and over, with a needle across a page and a 256 KiB border, and
// one of its own number at each of forty offsets about such borders. They are made of pieces, so that the program's own
// text does not hold them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **words) {
  (void)count;
  size_t size = strtoull(words[1], 0, 10), sparse = strtoull(words[3], 0, 10);
  FILE *file = fopen(words[2], "r");
  char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (sparse) mmap(0, sparse, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (size_t at = 0; at < size;) {
    size_t got = fread(memory + at, 1, size - at, file);
    if (got == 0) rewind(file);
    at += got;
  }
  const char head[] = "MIGMEM", tail[] = "NEEDLE_c0ffee11";
  char *at = memory + 100 * 262144 - 9;
  for (const char *c = head; *c; ++c) *at++ = *c;
  for (const char *c = tail; *c; ++c) *at++ = *c;
  for (int i = 0; i < 40 && (size_t)(i + 2) << 20 < size; ++i) {
    char number[8], *to = memory + ((size_t)(i + 1) << 20) + 262144 - i;
    snprintf(number, sizeof number, "%02d", i);
    const char *parts[] = {"MIGBOR", "DER_", number, "_end"};
    for (int part = 0; part < 4; ++part)
      for (const char *c = parts[part]; *c; ++c) *to++ = *c;
  }
  puts("ready");
  fflush(stdout);
  pause();
}
