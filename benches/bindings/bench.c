/* Single operations from C: bench DATABASE IDS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmms.h"

static cmms_client client;
static char (*keys)[40];
static int count;

static void call(const char *op, const char *input) {
    cmms_buf out = {0};
    if (cmms_call(client, (const uint8_t *)op, strlen(op), (const uint8_t *)input, strlen(input), NULL, &out)) {
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.data);
        exit(1);
    }
    cmms_buf_free(&out);
}

static void get(int n) {
    char input[80];
    snprintf(input, sizeof input, "{\"work_order_id\":\"%s\"}", keys[n % count]);
    call("work_orders.get", input);
}

static void create(int n) {
    (void)n;
    call("work_orders.create", "{\"title\":\"Check pump\",\"priority\":\"high\"}");
}

static void page(int n) {
    (void)n;
    call("work_orders.list", "{\"status\":[\"scheduled\"],\"limit\":50}");
}

static int less(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Microseconds: the middle of five blocks. */
static double per_call(void (*one)(int), int times) {
    double blocks[5];
    for (int block = 0; block < 5; block++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (int n = 0; n < times; n++) one(block * times + n);
        clock_gettime(CLOCK_MONOTONIC, &end);
        blocks[block] = ((end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3) / times;
    }
    qsort(blocks, 5, sizeof *blocks, less);
    return blocks[2];
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    char config[512];
    snprintf(config, sizeof config, "{\"url\": \"sqlite://%s\"}", argv[1]);
    if (cmms_open((const uint8_t *)config, strlen(config), &client, NULL)) return 1;
    FILE *ids = fopen(argv[2], "r");
    keys = malloc(100000 * sizeof *keys);
    while (ids && count < 100000 && fscanf(ids, "%39s", keys[count]) == 1) count++;
    double got = per_call(get, 4000), listed = per_call(page, 200), created = per_call(create, 200);
    printf("RESULT {\"get\": %.3f, \"list\": %.3f, \"create\": %.3f}\n", got, listed, created);
    return cmms_close(client, NULL);
}
