/* What the C tests share: clients on files of their own, and calls that may fail but not crash. */
#ifndef TRY_H
#define TRY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmms.h"

static int failures = 0;

#define CHECK(truth)                                                                      \
    do {                                                                                  \
        if (!(truth)) {                                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth);           \
            failures++;                                                                   \
        }                                                                                 \
    } while (0)

static inline int32_t called(cmms_client client, const char *op, const char *input, cmms_buf *out) {
    return cmms_call(client, (const uint8_t *)op, strlen(op), (const uint8_t *)input, strlen(input), NULL, out);
}

/* Whether a buffer holds a text; then it is given back. */
static inline int has(cmms_buf *buf, const char *text) {
    size_t len = strlen(text);
    int found = 0;
    for (size_t at = 0; buf->data && at + len <= buf->len && !found; at++) found = !memcmp(buf->data + at, text, len);
    if (!found) fprintf(stderr, "no %s in %.*s\n", text, (int)buf->len, (const char *)buf->data);
    cmms_buf_free(buf);
    return found;
}

static inline cmms_client opened(void) {
    static int number = 0;
    char config[64];
    snprintf(config, sizeof config, "{\"url\": \"sqlite://try%d.db\"}", number++);
    cmms_client client = 0;
    cmms_buf err = {0};
    int32_t status = cmms_open((const uint8_t *)config, strlen(config), &client, &err);
    if (status) fprintf(stderr, "%.*s\n", (int)err.len, (const char *)err.data);
    CHECK(status == 0 && client != 0);
    cmms_buf_free(&err);
    return client;
}

static inline cmms_cancel made_cancel(void) {
    cmms_cancel cancel = 0;
    CHECK(cmms_cancel_new(&cancel, NULL) == 0 && cancel != 0);
    return cancel;
}

static inline void closed(cmms_client *client) {
    if (*client) cmms_close(*client, NULL);
    *client = 0;
}

static inline void given_up(cmms_cancel *cancel) {
    if (*cancel) cmms_cancel_free(*cancel, NULL);
    *cancel = 0;
}

/* A call with nulls has come back with a status of the table, whatever it is. */
static inline void tried(const char *name, int32_t status, cmms_buf *buf) {
    if (status < 0 || status > 16) {
        fprintf(stderr, "%s: status %d\n", name, (int)status);
        failures++;
    }
    cmms_buf_free(buf);
}

static inline int ended(void) {
    if (failures == 0) puts("ok");
    return failures != 0;
}

#endif
