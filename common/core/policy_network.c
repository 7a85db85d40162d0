#include "common/core/policy_parts.h"

#include "common/core/slice.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static unsigned family_bits(int family)
{
    return family == AF_INET ? 32 : 128;
}

static bool read_address(struct slice text, struct policy_network *out)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    out->family = memchr(copy, ':', text.len) == NULL ? AF_INET : AF_INET6;
    return inet_pton(out->family, copy, out->address) == 1;
}

/* Clear the bits behind the prefix; true if one was set. */
static bool clear_host_bits(struct policy_network *n)
{
    bool had_any = false;

    for (unsigned bit = n->prefix_bits; bit < family_bits(n->family); bit++) {
        uint8_t mask = (uint8_t)(0x80u >> bit % 8);

        had_any |= (n->address[bit / 8] & mask) != 0;
        n->address[bit / 8] &= (uint8_t)~mask;
    }
    return had_any;
}

/* An IPv4-mapped address is judged as the IPv4 address, so such a network would hold nothing. Its
 * prefix is 96 bits at least, since all bits behind it are clear. */
static bool is_mapped(const struct policy_network *n)
{
    struct in6_addr address;

    memcpy(&address, n->address, sizeof(address));
    return n->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address);
}

enum cx_err policy_network_read(const char *text, struct policy_network *out, struct cx_fail *fail)
{
    static const char op[] = "policy.network";
    struct slice whole = slice_of_str(text);
    size_t slash = slice_find(whole, 0, '/');
    struct slice bits = slice_from(whole, slash + 1);
    struct policy_network made = {0};
    char shown[INET6_ADDRSTRLEN] = "?";
    uint64_t prefix;

    if (!read_address(slice_first(whole, slash), &made)) {
        return cx_fail_set(fail, CX_E_SYNTAX, op,
                           "must be a network like 10.0.0.0/8 or fd00::/8, found \"%s\"", text);
    }
    prefix = family_bits(made.family);
    if (slash < whole.len && ((bits.len > 1 && bits.ptr[0] == '0') ||
                              slice_to_u64(bits, 0, family_bits(made.family), &prefix) != CX_OK)) {
        return cx_fail_set(fail, CX_E_RANGE, op, "\"%s\": the prefix must be 0..%u", text,
                           family_bits(made.family));
    }
    made.prefix_bits = (unsigned)prefix;
    if (clear_host_bits(&made)) {
        (void)inet_ntop(made.family, made.address, shown, sizeof(shown));
        return cx_fail_set(fail, CX_E_RANGE, op,
                           "\"%s\" has bits set behind its prefix; the network is %s/%u", text,
                           shown, made.prefix_bits);
    }
    if (is_mapped(&made)) {
        (void)inet_ntop(AF_INET, made.address + 12, shown, sizeof(shown));
        return cx_fail_set(fail, CX_E_RANGE, op, "\"%s\" is judged as IPv4; write %s/%u", text,
                           shown, made.prefix_bits - 96);
    }
    *out = made;
    return CX_OK;
}
