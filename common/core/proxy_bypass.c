#include "common/core/proxy.h"

#include <arpa/inet.h>
#include <string.h>

enum { ADDRESS_BYTES = 16 };

static bool address_of(struct slice text, int *family, uint8_t bytes[ADDRESS_BYTES])
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        text = slice_first(slice_from(text, 1), text.len - 2);
    }
    if (text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(*family, copy, bytes) == 1;
}

static bool begins_alike(const uint8_t *a, const uint8_t *b, uint64_t bits)
{
    size_t whole = (size_t)(bits / 8);
    uint8_t mask = (uint8_t)(0xff00u >> bits % 8);

    return memcmp(a, b, whole) == 0 && (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool holds_address(struct slice entry, int family, const uint8_t *address)
{
    uint8_t network[ADDRESS_BYTES] = {0};
    size_t slash = slice_find(entry, 0, '/');
    uint64_t bits = family == AF_INET ? 32 : 128;
    int entry_family;

    if (slash < entry.len && slice_to_u64(slice_from(entry, slash + 1), 0, bits, &bits) != CX_OK) {
        return false;
    }
    return address_of(slice_first(entry, slash), &entry_family, network) &&
           entry_family == family && begins_alike(network, address, bits);
}

static struct slice without_dots(struct slice name)
{
    if (name.len > 0 && name.ptr[0] == '.') {
        name = slice_from(name, 1);
    }
    if (name.len > 0 && name.ptr[name.len - 1] == '.') {
        name.len--;
    }
    return name;
}

static bool holds_name(struct slice entry, struct slice host)
{
    struct slice name = without_dots(entry);

    host = without_dots(host);
    if (name.len == 0 || host.len < name.len) {
        return false;
    }
    return slice_eq_nocase(slice_from(host, host.len - name.len), name) &&
           (host.len == name.len || host.ptr[host.len - name.len - 1] == '.');
}

bool proxy_is_bypassed(const char *no_proxy, const char *host)
{
    struct slice name = slice_of_str(host);
    uint8_t address[ADDRESS_BYTES] = {0};
    int family = AF_UNSPEC;
    bool is_address = address_of(name, &family, address);

    if (no_proxy == NULL) {
        return false;
    }
    if (strcmp(no_proxy, "*") == 0) {
        return true;
    }
    for (const char *at = no_proxy; *at != '\0';) {
        size_t len = strcspn(at, ", \t");
        struct slice entry = slice_of(at, len);

        if (len != 0 &&
            (is_address ? holds_address(entry, family, address) : holds_name(entry, name))) {
            return true;
        }
        at += len + (at[len] != '\0' ? 1 : 0);
    }
    return false;
}
