/* What a C program does, and what it does wrong. */
#include <pthread.h>

#include "try.h"

static cmms_client shared;

static void *many_calls(void *nothing) {
    (void)nothing;
    for (int n = 0; n < 50; n++) {
        cmms_buf out = {0};
        CHECK(called(shared, "work_orders.create", "{\"title\": \"Check pump\"}", &out) == 0);
        cmms_buf_free(&out);
    }
    return NULL;
}

static void *calls_until_closed(void *nothing) {
    (void)nothing;
    for (;;) {
        cmms_buf out = {0};
        int32_t status = called(shared, "work_orders.list", "{}", &out);
        cmms_buf_free(&out);
        if (status) return NULL;
    }
}

int main(void) {
    cmms_buf out = {0};
    CHECK(cmms_abi_version() == CMMS_ABI_VERSION);
    CHECK(cmms_version(&out) == 0 && has(&out, "\""));
    CHECK(cmms_operations(&out) == 0 && has(&out, "work_orders.create"));
    CHECK(cmms_errors(&out) == 0 && has(&out, "CMMS-EMBED-003"));

    cmms_client client = opened();
    CHECK(called(client, "work_orders.create", "{\"title\": \"Check pump\"}", &out) == 0 && has(&out, "WO-"));
    CHECK(called(client, "work_orders.create", "{}", &out) == 2 && has(&out, "CMMS-INPUT-004"));
    CHECK(called(client, "work_orders.creat", "{}", &out) == 5 && has(&out, "did you mean work_orders.create"));
    CHECK(called(client, "work_orders.create", "{", &out) == 1 && has(&out, "CMMS-INPUT-001"));
    CHECK(called(client, "work_orders.list", "", &out) == 0 && has(&out, "Check pump"));

    /* Bytes that are no text, lengths that no memory has. */
    const uint8_t broken[] = {'w', 0xff, 0xfe};
    CHECK(cmms_call(client, broken, sizeof broken, NULL, 0, NULL, &out) == 2 && has(&out, "no UTF-8"));
    CHECK(cmms_call(client, broken, (size_t)-1, NULL, 0, NULL, &out) == 2 && has(&out, "longer than the memory"));
    CHECK(cmms_open(broken, sizeof broken, &client + 0, &out) == 2 && has(&out, "config"));
    CHECK(client == 0);

    /* A key makes a call once. */
    client = opened();
    cmms_call_opts opts = {.size = sizeof opts, .idempotency_key = (const uint8_t *)"once", .idempotency_key_len = 4};
    const char *op = "work_orders.create", *input = "{\"title\": \"Grease\"}";
    for (int n = 0; n < 3; n++) {
        int32_t status = cmms_call(client, (const uint8_t *)op, strlen(op), (const uint8_t *)input, strlen(input), &opts, &out);
        CHECK(status == 0 && has(&out, "-0001\""));
    }
    opts.size = 3;
    CHECK(cmms_call(client, (const uint8_t *)op, strlen(op), NULL, 0, &opts, &out) == 2 && has(&out, "opts.size"));

    /* One that was fired ends a call before it begins. */
    cmms_call_opts ending = {.size = sizeof ending, .cancel = made_cancel()};
    CHECK(cmms_cancel_fire(ending.cancel, NULL) == 0);
    CHECK(cmms_call(client, (const uint8_t *)op, strlen(op), (const uint8_t *)input, strlen(input), &ending, &out) == 10);
    CHECK(has(&out, "CMMS-OP-003"));
    CHECK(cmms_cancel_free(ending.cancel, NULL) == 0 && cmms_cancel_free(ending.cancel, NULL) == 2);
    CHECK(cmms_call(client, (const uint8_t *)op, strlen(op), NULL, 0, &ending, &out) == 2 && has(&out, "cancel"));

    /* A text is given back once; what is no text of the library is left alone, whatever the numbers beside it say. */
    CHECK(called(client, "work_orders.list", "{}", &out) == 0);
    cmms_buf copy = out;
    out.len = out.cap = (size_t)-1;
    CHECK(cmms_buf_free(&out) == 0 && out.data == NULL && cmms_buf_free(&out) == 0);
    CHECK(cmms_buf_free(&copy) == 2);
    uint8_t own[4] = {0};
    cmms_buf foreign = {.data = own, .len = 4, .cap = 4};
    CHECK(cmms_buf_free(&foreign) == 2 && foreign.data == own);

    /* Closed is closed. */
    CHECK(cmms_close(client, NULL) == 0 && cmms_close(client, &out) == 2 && has(&out, "no open client"));
    CHECK(called(client, "work_orders.list", "{}", &out) == 2 && has(&out, "no open client"));
    const char *old = "{\"abi\": 99, \"client\": \"9.9.9\"}";
    CHECK(cmms_open((const uint8_t *)old, strlen(old), &client, &out) == 15 && has(&out, "9.9.9"));
    const char *newer = "{\"operations\": [\"work_orders.teleport\"]}";
    CHECK(cmms_open((const uint8_t *)newer, strlen(newer), &client, &out) == 15 && has(&out, "work_orders.teleport"));

    /* Threads share a client, and one closes it under the others' calls. */
    shared = opened();
    pthread_t threads[8];
    for (int n = 0; n < 8; n++) CHECK(pthread_create(&threads[n], NULL, many_calls, NULL) == 0);
    for (int n = 0; n < 8; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    CHECK(called(shared, "work_orders.list", "{\"sort\": \"-created_at\", \"limit\": 1}", &out) == 0 && has(&out, "-0400\""));
    for (int n = 0; n < 8; n++) CHECK(pthread_create(&threads[n], NULL, calls_until_closed, NULL) == 0);
    CHECK(called(shared, "work_orders.list", "{}", &out) == 0);
    cmms_buf_free(&out);
    CHECK(cmms_close(shared, NULL) == 0);
    for (int n = 0; n < 8; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    return ended();
}
