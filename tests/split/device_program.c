/* What a device does with a code that a file describes: `code` writes frames of stored values and
 * reads them back, `read` reads frames, `fuzz` reads changed ones. device_programs.py runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eb_split_code.h"

#define MAX_CODE 8192

static FILE *in, *out;
static eb_split_code code;
static int32_t channels_at[255];
static uint16_t starts[MAX_CODE];
static const uint8_t model[EB_SPLIT_MODEL_BYTES] = {1, 2, 3, 4};

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(3);
}

static void get(void *to, size_t count)
{
    if (fread(to, 1, count, in) != count) {
        fail("the input ends too early");
    }
}

static void put(const void *from, size_t count)
{
    if (fwrite(from, 1, count, out) != count) {
        fail("the output cannot be written");
    }
}

static void put_number(int32_t value)
{
    put(&value, sizeof value);
}

static int32_t get_number(void)
{
    int32_t value;
    get(&value, sizeof value);
    return value;
}

static size_t values(void)
{
    return (size_t)(code.height * code.width * code.channels);
}

static void get_code(void)
{
    int32_t *fields[] = {&code.height, &code.width, &code.channels, &code.bits,
                         &code.lowest, &code.step,  &code.absent,   &code.rates};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; ++i) {
        *fields[i] = get_number();
    }
    const size_t levels = (size_t)1 << code.bits;
    const size_t count = (size_t)code.channels * (levels + 1) * (levels - 1);
    if (code.rates > 255 || count > MAX_CODE) {
        fail("the code is too large");
    }
    get(channels_at, (size_t)code.rates * sizeof channels_at[0]);
    get(starts, count * sizeof starts[0]);
    code.channels_at = channels_at;
    code.starts = starts;
}

/* The frame comes back as what it was made of, channels beyond its rate absent. */
static void check_back(const uint8_t *data, int32_t bytes, int32_t rate, const int8_t *stored)
{
    eb_split_message message;
    int8_t *found = malloc(values());
    if (eb_split_read(data, bytes, &message) != EB_SPLIT_OK ||
        eb_split_read_features(&code, &message, found) != EB_SPLIT_OK) {
        fail("a frame is not read back");
    }
    for (size_t i = 0; i < values(); ++i) {
        const int is_sent = (int32_t)(i % (size_t)code.channels) < channels_at[rate - 1];
        const int expected = is_sent ? stored[i] : code.lowest + code.step * code.absent;
        if (found[i] != expected) {
            fail("a frame is read back as something else");
        }
    }
    free(found);
}

static void write_frames(void)
{
    int8_t *stored = malloc(values());
    eb_tensor tensor = {
        stored, 4, {1, code.height, code.width, code.channels}, EB_I8, 0.0f, 0, 0, 0, 0, 0, 0};
    const int32_t samples = get_number();
    for (int32_t sample = 0; sample < samples; ++sample) {
        get(stored, values());
        for (int32_t rate = 1; rate <= code.rates; ++rate) {
            const int32_t room = EB_SPLIT_HEADER_BYTES + eb_split_packed_bytes(&code, rate);
            uint8_t *frame = malloc((size_t)room); /* so that a sanitizer sees its end */
            const int32_t bytes =
                eb_split_write_features(&code, &tensor, model, (uint32_t)sample, rate, frame, room);
            put_number(bytes);
            if (bytes > 0) {
                put(frame, (size_t)bytes);
                check_back(frame, bytes, rate, stored);
            }
            if (eb_split_write_features(&code, &tensor, model, 0, rate, frame, room - 1) !=
                EB_SPLIT_NO_ROOM) {
                fail("a buffer that is too small is taken");
            }
            free(frame);
        }
    }
    free(stored);
}

static eb_split_error
read_one(const uint8_t *data, int32_t size, int8_t *stored, eb_split_error *features)
{
    eb_split_message message;
    const eb_split_error error = eb_split_read(data, size, &message);
    *features = error == EB_SPLIT_OK && message.kind == EB_SPLIT_FEATURES
                    ? eb_split_read_features(&code, &message, stored)
                    : EB_SPLIT_NO_REPLY;
    return error;
}

static void read_frames(void)
{
    int8_t *stored = malloc(values());
    for (int32_t left = get_number(); left > 0; --left) {
        const int32_t size = get_number();
        uint8_t *data = malloc((size_t)size + (size == 0));
        eb_split_error features;
        get(data, (size_t)size);
        put_number(read_one(data, size, stored, &features));
        put_number(features);
        if (features == EB_SPLIT_OK) {
            put(stored, values());
        }
        free(data);
    }
    free(stored);
}

static uint64_t state = 88172645463325252u;

/* Marsaglia, "Xorshift RNGs" (2003). */
static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* Changes some bytes and perhaps the length; in half of the cases the checksum is put right. */
static int32_t mutate(uint8_t *data, int32_t size)
{
    for (uint32_t changes = 1 + draw(4); changes > 0; --changes) {
        data[draw((uint32_t)size)] = (uint8_t)draw(256);
    }
    if (draw(4) == 0) {
        size = (int32_t)draw((uint32_t)size + 1);
    }
    if (draw(2) == 0 && size >= EB_SPLIT_HEADER_BYTES) {
        const int32_t length = size - EB_SPLIT_HEADER_BYTES;
        if (draw(2) == 0) {
            eb_split_put_32(data + 12, data[12] | (uint32_t)length << 8);
        }
        const uint32_t check = eb_split_crc32c(eb_split_crc32c(0, data, EB_SPLIT_CHECKED_BYTES),
                                               data + EB_SPLIT_HEADER_BYTES, length);
        eb_split_put_32(data + EB_SPLIT_CHECKED_BYTES, check);
    }
    return size;
}

#define MAX_BASES 256

static void fuzz(long count)
{
    static uint8_t *bases[MAX_BASES];
    static int32_t sizes[MAX_BASES];
    long errors[32] = {0}, features[32] = {0};
    const int32_t frames = get_number();
    if (frames < 1 || frames > MAX_BASES) {
        fail("no frames to change, or too many");
    }
    for (int32_t i = 0; i < frames; ++i) {
        sizes[i] = get_number();
        bases[i] = malloc((size_t)sizes[i]);
        get(bases[i], (size_t)sizes[i]);
    }
    int8_t *stored = malloc(values());
    for (long i = 0; i < count; ++i) {
        const uint32_t base = draw((uint32_t)frames);
        uint8_t *changed = malloc((size_t)sizes[base]);
        memcpy(changed, bases[base], (size_t)sizes[base]);
        const int32_t size = mutate(changed, sizes[base]);
        uint8_t *data = malloc((size_t)size + (size == 0)); /* so that a sanitizer sees its end */
        memcpy(data, changed, (size_t)size);
        eb_split_error found;
        ++errors[-read_one(data, size, stored, &found)];
        ++features[-found];
        free(changed);
        free(data);
    }
    free(stored);
    for (int i = 0; i < frames; ++i) {
        free(bases[i]);
    }
    for (int i = 0; i < 32; ++i) {
        if (errors[i] + features[i] > 0) {
            printf("%d %ld %ld\n", -i, errors[i], features[i]);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 4 || (in = fopen(argv[2], "rb")) == NULL) {
        return 2;
    }
    get_code();
    if (strcmp(argv[1], "fuzz") == 0) {
        fuzz(strtol(argv[3], NULL, 10));
        return fclose(in);
    }
    if ((out = fopen(argv[3], "wb")) == NULL) {
        return 2;
    }
    if (strcmp(argv[1], "code") == 0) {
        write_frames();
    } else {
        read_frames();
    }
    fclose(in);
    return fclose(out);
}
