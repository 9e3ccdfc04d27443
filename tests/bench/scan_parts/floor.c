// What a job takes at the least, without anything around it: walks a tree with two threads and, as the second word says,
// looks at names only (n), stats (s) or reads (r) every file, and gives what it read to libcrypto (h: SHA-256; t: MD5, SHA-1
// and SHA-256), to Hyperscan (p, with a file of expressions) or to libyara (y, with a file of rules) as it is.
#define _GNU_SOURCE
#include <fcntl.h>
#include <hs/hs.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <yara.h>

static char **stack;
static long top, room, busy;
static char mode;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static long files;
static EVP_MD *sums[3];
static int kinds;
static hs_database_t *patterns;
static YR_RULES *rules;

static char *text_of(const char *path) {
  FILE *file = fopen(path, "r");
  static char text[1 << 20];
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  return text;
}

static void prepare(const char *argument) {
  if (mode == 'h' || mode == 't') {
    sums[0] = EVP_MD_fetch(0, "SHA256", 0), sums[1] = EVP_MD_fetch(0, "MD5", 0), sums[2] = EVP_MD_fetch(0, "SHA1", 0);
    kinds = mode == 'h' ? 1 : 3;
  } else if (mode == 'p') {
    static const char *lines[100000];
    static unsigned flags[100000], numbers[100000];
    unsigned count = 0;
    for (char *line = strtok(text_of(argument), "\n"); line; line = strtok(0, "\n"))
      flags[count] = HS_FLAG_MULTILINE, numbers[count] = count, lines[count++] = line;
    hs_compile_error_t *error;
    if (hs_compile_multi(lines, flags, numbers, count, HS_MODE_BLOCK, 0, &patterns, &error)) exit(1);
  } else if (mode == 'y') {
    YR_COMPILER *compiler;
    yr_initialize();
    yr_compiler_create(&compiler);
    if (yr_compiler_add_string(compiler, text_of(argument), 0) || yr_compiler_get_rules(compiler, &rules)) exit(1);
  }
}

static int seen(unsigned number, unsigned long long from, unsigned long long to, unsigned flags, void *context) {
  (void)number, (void)from, (void)to, (void)flags, (void)context;
  return 0;
}
static int told(YR_SCAN_CONTEXT *scan, int message, void *data, void *user) {
  (void)scan, (void)message, (void)data, (void)user;
  return CALLBACK_CONTINUE;
}

static void push(char *path) {
  pthread_mutex_lock(&lock);
  if (top == room) stack = realloc(stack, (room = room * 2 + 64) * sizeof *stack);
  stack[top++] = path;
  pthread_cond_signal(&more);
  pthread_mutex_unlock(&lock);
}

static void *work(void *unused) {
  static __thread char entries[65536], block[262144], *whole;
  static __thread size_t whole_room;
  EVP_MD_CTX *contexts[3];
  for (int i = 0; i < kinds; ++i) contexts[i] = EVP_MD_CTX_new();
  hs_scratch_t *scratch = 0;
  if (patterns) hs_alloc_scratch(patterns, &scratch);
  YR_SCANNER *scanner = 0;
  if (rules) {
    yr_scanner_create(rules, &scanner);
    yr_scanner_set_callback(scanner, told, 0);
    yr_scanner_set_flags(scanner, SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
  }
  for (;;) {
    pthread_mutex_lock(&lock);
    while (top == 0 && busy > 0) pthread_cond_wait(&more, &lock);
    if (top == 0) {
      pthread_cond_broadcast(&more);
      pthread_mutex_unlock(&lock);
      return unused;
    }
    char *path = stack[--top];
    ++busy;
    pthread_mutex_unlock(&lock);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    for (long got; (got = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0;)
      for (long at = 0; at < got; at += *(unsigned short *)(entries + at + 16)) {
        char *name = entries + at + 19, type = entries[at + 18];
        if (type == 4 && strcmp(name, ".") && strcmp(name, "..")) {
          char *child = malloc(strlen(path) + strlen(name) + 2);
          sprintf(child, "%s/%s", path, name);
          push(child);
        }
        if (type != 8) continue;
        struct stat info;
        if (mode == 's') fstatat(fd, name, &info, 0);
        if (mode != 'n' && mode != 's') {
          int file = openat(fd, name, O_RDONLY);
          long n;
          size_t size = 0;
          for (int i = 0; i < kinds; ++i) EVP_DigestInit_ex2(contexts[i], sums[i], 0);
          do {
            n = read(file, block, sizeof block);
            for (int i = 0; n > 0 && i < kinds; ++i) EVP_DigestUpdate(contexts[i], block, n);
            if (patterns && n > 0) hs_scan(patterns, block, n, 0, scratch, seen, 0);
            if (scanner && n > 0) {
              if (size + n > whole_room) whole = realloc(whole, whole_room = 2 * size + n);
              memcpy(whole + size, block, n);
              size += n;
            }
          } while (n == sizeof block);
          unsigned char sum[EVP_MAX_MD_SIZE];
          for (int i = 0; i < kinds; ++i) EVP_DigestFinal_ex(contexts[i], sum, 0);
          if (scanner) yr_scanner_scan_mem(scanner, (unsigned char *)whole, size);
          close(file);
        }
        __atomic_add_fetch(&files, 1, __ATOMIC_RELAXED);
      }
    close(fd);
    free(path);
    pthread_mutex_lock(&lock);
    --busy;
    pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
  }
}

int main(int count, char **words) {
  mode = count > 2 ? words[2][0] : 'n';
  prepare(count > 3 ? words[3] : 0);
  push(strdup(words[1]));
  pthread_t other;
  pthread_create(&other, 0, work, 0);
  work(0);
  pthread_join(other, 0);
  printf("%ld\n", files);
}
