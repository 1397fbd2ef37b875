/* Brings a vendor's records in and lists some. First start a vendor: `cmms simulate upkeep`. */
#include <stdio.h>
#include <string.h>

#include "cmms.h"

/* Calls an operation and says what it answered; the text is given back with cmms_buf_free. */
static cmms_buf call(cmms_client client, const char *op, const char *input) {
    cmms_buf out = {0};
    int32_t status =
        cmms_call(client, (const uint8_t *)op, strlen(op), (const uint8_t *)input, strlen(input), NULL, &out);
    printf("%s: status %d\n%.*s\n", op, (int)status, (int)out.len, (const char *)out.data);
    return out;
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "http://127.0.0.1:9100";
    char text[512];
    cmms_client client = 0;
    cmms_buf out = {0};
    snprintf(text, sizeof text, "{\"url\": \"sqlite://plant.db\", \"settings\": {\"CMMS_EGRESS_ALLOW\": \"%s\"}}", address);
    if (cmms_open((const uint8_t *)text, strlen(text), &client, &out)) {
        printf("%.*s\n", (int)out.len, (const char *)out.data);
        return 1;
    }
    snprintf(text, sizeof text,
             "{\"cmms_type\": \"upkeep\", \"api_url\": \"%s\", \"connection_name\": \"Plant\", \"credentials\": "
             "{\"email\": \"integration@example.com\", \"password\": \"upkeep-sim\"}}",
             address);
    out = call(client, "connections.ensure", text);
    /* The answer begins with the id; a program of any size reads JSON with a library. */
    const char *id = out.len ? strstr((const char *)out.data, "\"id\":\"") : NULL;
    if (!id) return 1;
    snprintf(text, sizeof text, "{\"cmms_connection_id\": \"%.36s\"}", id + 6);
    cmms_buf_free(&out);
    out = call(client, "sync.all", text);
    /* A sync that failed is answered, too: its run says so. */
    int failed = !out.len || strstr((const char *)out.data, "\"status\":\"failed\"");
    cmms_buf_free(&out);
    if (failed) return 1;
    out = call(client, "work_orders.list", "{\"status\": [\"in_progress\"], \"limit\": 3}");
    cmms_buf_free(&out);
    return cmms_close(client, NULL);
}
