/* Calls what it is told: opens with its first argument, reads lines of an operation and its input, writes lines of the
 * status and the answer. The golden scripts run through it. */
#include "try.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    cmms_client client = 0;
    cmms_buf out = {0};
    if (cmms_open((const uint8_t *)argv[1], strlen(argv[1]), &client, &out)) {
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.data);
        return 1;
    }
    cmms_buf_free(&out);
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, stdin)) > 0) {
        line[len - 1] = 0;
        char *input = strchr(line, ' ');
        if (!input) break;
        *input++ = 0;
        int32_t status = called(client, line, input, &out);
        printf("%d %.*s\n", (int)status, (int)out.len, (const char *)out.data);
        fflush(stdout);
        cmms_buf_free(&out);
    }
    free(line);
    return cmms_close(client, NULL);
}
