/* The same answer in every encoding: what is tolerated and what is refused in JSON is so in a form,
 * XML, RSS, text and CSV as well. */
#include "tests/support/answer_check.h"

enum { ENCODINGS = 6 };

static const struct {
    const char *name, *type;
} labels[ENCODINGS] = {
    {"JSON", "application/json"}, {"form", "application/x-www-form-urlencoded"},
    {"XML", "application/xml"},   {"RSS", "application/rss+xml"},
    {"text", "text/plain"},       {"CSV", "text/csv"},
};

#define RSS(item) "<rss version='2.0'><channel><title>t</title>" item "</channel></rss>"

/* One habit, in each encoding; NULL where it makes no sense. */
struct habit {
    const char *why;
    const char *bodies[ENCODINGS];
    const char *type; /* of the token */
    bool has_expires, is_type_assumed, has_refresh_expires;
    const char *refresh, *scope;
};

static const struct habit habits[] = {
    {"the standard's own",
     {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":"
      "\"r\",\"scope\":\"a b\"}",
      "access_token=t&token_type=Bearer&expires_in=3600&refresh_token=r&scope=a+b",
      "<token><access_token>t</access_token><token_type>Bearer</token_type>"
      "<expires_in>3600</expires_in><refresh_token>r</refresh_token><scope>a b</scope></token>",
      RSS("<item><access_token>t</access_token><token_type>Bearer</token_type>"
          "<expires_in>3600</expires_in><refresh_token>r</refresh_token><scope>a b</scope></item>"),
      "access_token=t\ntoken_type=Bearer\nexpires_in=3600\nrefresh_token=r\nscope=a b\n",
      "access_token,token_type,expires_in,refresh_token,scope\r\nt,Bearer,3600,r,a b\r\n"},
     "Bearer",
     true,
     false,
     false,
     "r",
     "a b"},
    {"expires_in as text",
     {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":\"3600\"}", NULL, NULL,
      NULL, NULL, "\"access_token\",\"token_type\",\"expires_in\"\n\"t\",\"Bearer\",\"3600\""},
     "Bearer",
     true,
     false,
     false,
     NULL,
     NULL},
    {"expires_in with a fraction",
     {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":3600.9}",
      "access_token=t&token_type=Bearer&expires_in=3600.9",
      "<r><access_token>t</access_token><token_type>Bearer</token_type>"
      "<expires_in>3600.9</expires_in></r>",
      RSS("<item><access_token>t</access_token><token_type>Bearer</token_type>"
          "<expires_in>3600.9</expires_in></item>"),
      "access_token=t\ntoken_type=Bearer\nexpires_in=3600.9",
      "access_token,token_type,expires_in\nt,Bearer,3600.9"},
     "Bearer",
     true,
     false,
     false,
     NULL,
     NULL},
    {"expires",
     {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires\":3600}",
      "access_token=t&token_type=Bearer&expires=3600",
      "<r><access_token>t</access_token><token_type>Bearer</token_type>"
      "<expires>3600</expires></r>",
      RSS("<item><access_token>t</access_token><token_type>Bearer</token_type>"
          "<expires>3600</expires></item>"),
      "access_token=t\ntoken_type=Bearer\nexpires=3600",
      "access_token,token_type,expires\nt,Bearer,3600"},
     "Bearer",
     true,
     false,
     false,
     NULL,
     NULL},
    {"camel case",
     {"{\"accessToken\":\"t\",\"tokenType\":\"bearer\",\"expiresIn\":3600,\"refreshToken\":\"r\"}",
      "accessToken=t&tokenType=bearer&expiresIn=3600&refreshToken=r",
      "<r><accessToken>t</accessToken><tokenType>bearer</tokenType><expiresIn>3600</expiresIn>"
      "<refreshToken>r</refreshToken></r>",
      RSS("<item><accessToken>t</accessToken><tokenType>bearer</tokenType>"
          "<expiresIn>3600</expiresIn><refreshToken>r</refreshToken></item>"),
      "accessToken=t\ntokenType=bearer\nexpiresIn=3600\nrefreshToken=r",
      "accessToken,tokenType,expiresIn,refreshToken\nt,bearer,3600,r"},
     "Bearer",
     true,
     false,
     false,
     "r",
     NULL},
    {"the refresh token's life",
     {"{\"access_token\":\"t\",\"token_type\":\"BEARER\",\"refresh_expires_in\":86400}",
      "access_token=t&token_type=BEARER&refresh_token_expires_in=86400",
      "<r><access_token>t</access_token><token_type>BEARER</token_type>"
      "<refresh_expires_in>86400</refresh_expires_in></r>",
      RSS("<item><access_token>t</access_token><token_type>BEARER</token_type>"
          "<refreshExpiresIn>86400</refreshExpiresIn></item>"),
      "access_token=t\ntoken_type=BEARER\nrefreshTokenExpiresIn=86400",
      "access_token,token_type,refresh_expires_in\nt,BEARER,86400"},
     "Bearer",
     false,
     false,
     true,
     NULL,
     NULL},
    {"no token type",
     {"{\"access_token\":\"t\"}", "access_token=t", "<r><access_token>t</access_token></r>",
      RSS("<item><access_token>t</access_token></item>"), "access_token=t", "access_token\nt"},
     "Bearer",
     false,
     true,
     false,
     NULL,
     NULL},
    {"an empty token type",
     {"{\"access_token\":\"t\",\"token_type\":\"\"}",
      "access_token=t&token_type=", "<r><access_token>t</access_token><token_type/></r>",
      RSS("<item><access_token>t</access_token><token_type></token_type></item>"),
      "access_token=t\ntoken_type=", "access_token,token_type\nt,"},
     "Bearer",
     false,
     true,
     false,
     NULL,
     NULL},
    {"another token type",
     {"{\"access_token\":\"t\",\"token_type\":\"mac\"}", "access_token=t&token_type=mac",
      "<r><access_token>t</access_token><token_type>mac</token_type></r>",
      RSS("<item><access_token>t</access_token><token_type>mac</token_type></item>"),
      "access_token=t\ntoken_type=mac", "access_token,token_type\nt,mac"},
     "mac",
     false,
     false,
     false,
     NULL,
     NULL},
    {"several scopes",
     {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"scope\":[\"a\",\"b\"]}",
      "access_token=t&token_type=Bearer&scope=a%2Cb",
      "<r><access_token>t</access_token><token_type>Bearer</token_type><scope>a</scope>"
      "<scope>b</scope></r>",
      RSS("<item><access_token>t</access_token><token_type>Bearer</token_type><scope>a</scope>"
          "<scope>b</scope></item>"),
      "access_token=t\ntoken_type=Bearer\nscope=a,b",
      "access_token,token_type,scope\nt,Bearer,\"a,b\""},
     "Bearer",
     false,
     false,
     false,
     NULL,
     "a b"},
    {"a wrapping object",
     {"{\"data\":{\"access_token\":\"t\",\"token_type\":\"Bearer\"}}", NULL,
      "<response><data><access_token>t</access_token><token_type>Bearer</token_type></data>"
      "</response>",
      RSS("<item><result><access_token>t</access_token><token_type>Bearer</token_type></result>"
          "</item>"),
      NULL, NULL},
     "Bearer",
     false,
     false,
     false,
     NULL,
     NULL},
    {"a byte order mark",
     {"\xef\xbb\xbf{\"access_token\":\"t\",\"token_type\":\"Bearer\"}",
      "\xef\xbb\xbf"
      "access_token=t&token_type=Bearer",
      "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><r><access_token>t</access_token>"
      "<token_type>Bearer</token_type></r>",
      "\xef\xbb\xbf" RSS("<item><access_token>t</access_token><token_type>Bearer</token_type>"
                         "</item>"),
      "\xef\xbb\xbf"
      "access_token=t\ntoken_type=Bearer",
      "\xef\xbb\xbf"
      "access_token,token_type\nt,Bearer"},
     "Bearer",
     false,
     false,
     false,
     NULL,
     NULL},
    {"white space around",
     {"\r\n{\"access_token\":\"t\",\"token_type\":\"Bearer\"}\r\n",
      "access_token=t&token_type=Bearer\r\n",
      "\n<r>\n  <access_token>\n    t\n  </access_token>\n  <token_type> Bearer </token_type>\n"
      "</r>\n",
      "\n" RSS("\n<item>\n<access_token> t </access_token><token_type>Bearer</token_type>"
               "</item>\n"),
      "\n access_token = t \r\n\r\n token_type = Bearer \r\n",
      "access_token,token_type\r\nt,Bearer\r\n"},
     "Bearer",
     false,
     false,
     false,
     NULL,
     NULL},
    {"an error that is none",
     {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"error\":false}",
      "access_token=t&token_type=Bearer&error=0",
      "<r><access_token>t</access_token><token_type>Bearer</token_type><error>False</error></r>",
      RSS("<item><access_token>t</access_token><token_type>Bearer</token_type><error/></item>"),
      "access_token=t\ntoken_type=Bearer\nerror=null",
      "access_token,token_type,error\nt,Bearer,false"},
     "Bearer",
     false,
     false,
     false,
     NULL,
     NULL},
};

static void check_habit(const struct habit *h, size_t encoding)
{
    char why[96];
    struct answer a;

    (void)snprintf(why, sizeof(why), "%s, in %s", h->why, labels[encoding].name);
    answer_read_body(labels[encoding].type, slice_of_str(h->bodies[encoding]), ENCODING_UNKNOWN,
                     ENCODING_FORM, &a);
    answer_need_issued(why, &a);
    answer_check_slice(why, a.token.access_token, "t");
    answer_check_slice(why, a.token.token_type, h->type);
    answer_check_slice(why, a.token.refresh_token, h->refresh);
    answer_check_slice(why, a.token.scope, h->scope);
    CHECK(why, a.is_type_assumed == h->is_type_assumed);
    CHECK(why, a.token.has_expires_in == h->has_expires);
    CHECK(why, a.token.expires_in == (h->has_expires ? 3600 : 0));
    CHECK(why, a.token.has_refresh_expires_in == h->has_refresh_expires);
    CHECK(why, a.token.refresh_expires_in == (h->has_refresh_expires ? 86400 : 0));
    answer_done(&a);
}

static void habits_are_read_in_every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(habits); i++) {
        for (size_t e = 0; e < ENCODINGS; e++) {
            if (habits[i].bodies[e] != NULL) {
                check_habit(&habits[i], e);
            }
        }
    }
}

static void an_error_inside_a_200_is_found_in_every_encoding(void **state)
{
    static const char *const bodies[] = {
        "{\"error\":\"invalid_grant\",\"error_description\":\"no & no\"}",
        "error=invalid_grant&error_description=no+%26+no",
        "<r><error>invalid_grant</error><error_description>no &amp; no</error_description></r>",
        RSS("<item><error>invalid_grant</error><error_description><![CDATA[no & no]]>"
            "</error_description></item>"),
        "error=invalid_grant\nerror_description=no & no",
        "error,error_description\ninvalid_grant,no & no",
    };

    (void)state;
    for (size_t e = 0; e < ENCODINGS; e++) {
        struct answer a;

        answer_read_body(labels[e].type, slice_of_str(bodies[e]), ENCODING_UNKNOWN, ENCODING_FORM,
                         &a);
        answer_need_declined(labels[e].name, &a, VERDICT_CREDENTIALS_REFUSED, "invalid_grant");
        answer_check_slice(labels[e].name, a.error.oauth_error, "invalid_grant");
        answer_check_slice(labels[e].name, a.error.oauth_description, "no & no");
        answer_done(&a);
    }
}

static void what_could_be_guessed_wrongly_is_refused_in_every_encoding(void **state)
{
    static const struct {
        const char *why;
        const char *bodies[ENCODINGS];
        const char *says[ENCODINGS];
    } rows[] = {
        {"two different tokens",
         {"{\"access_token\":\"t\",\"accessToken\":\"u\"}", "access_token=t&accessToken=u",
          "<r><access_token>t</access_token><data><access_token>u</access_token></data></r>",
          RSS("<item><access_token>t</access_token><accessToken>u</accessToken></item>"),
          "access_token=t\naccessToken=u", "access_token,accessToken\nt,u"},
         {"two different", "two different", "two different", "two different", "two different",
          "two different"}},
        {"a name twice",
         {"{\"access_token\":\"t\",\"access_token\":\"t\"}", "access_token=t&access_token=t",
          "<r><access_token>t</access_token><access_token>t</access_token></r>",
          RSS("<item><access_token>t</access_token><access_token>u</access_token></item>"),
          "access_token=t\naccess_token=u", "access_token,access_token\nt,t"},
         {"one name twice", "one name twice", "given more than once", "given more than once",
          "one name twice", "one name twice"}},
        {"a refresh token twice",
         {"{\"access_token\":\"t\",\"refresh_token\":[\"r\",\"s\"]}",
          "access_token=t&refresh_token=r&refresh_token=s",
          "<r><access_token>t</access_token><refresh_token>r</refresh_token>"
          "<refresh_token>s</refresh_token></r>",
          RSS("<item><access_token>t</access_token><refresh_token>r</refresh_token>"
              "<refresh_token>r</refresh_token></item>"),
          "access_token=t\nrefresh_token=r\nrefresh_token=r",
          "access_token,refresh_token,refresh_token\nt,r,r"},
         {"refresh_token is given more than once", "one name twice",
          "refresh_token is given more than once", "refresh_token is given more than once",
          "one name twice", "one name twice"}},
        {"a control character in a token",
         {"{\"access_token\":\"t\\u0007\"}", "access_token=t%07",
          "<r><access_token>t&#13;&#10;u</access_token></r>",
          RSS("<item><access_token>t\tu</access_token></item>"), "access_token=t\x7fu\nx=y",
          "access_token,x\n\"t\r\nu\",y"},
         {"control characters", "control characters", "control characters", "control characters",
          "control characters", "control characters"}},
        {"a character that XML has none of",
         {NULL, NULL, "<r><access_token>t&#7;</access_token></r>",
          RSS("<item><access_token>t\x01</access_token></item>"), NULL, NULL},
         {NULL, NULL, "it is no XML", "it is no XML", NULL, NULL}},
        {"invalid UTF-8",
         {"{\"access_token\":\"\xff\"}", "access_token=%FF",
          "<r><access_token>\xc3</access_token></r>",
          RSS("<item><access_token>\xed\xa0\x80</access_token></item>"), "access_token=\xff",
          "access_token\n\xf8"},
         {"not valid UTF-8", "not valid UTF-8", "not valid UTF-8", "not valid UTF-8",
          "not valid UTF-8", "not valid UTF-8"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * ENCODINGS; i++) {
        size_t e = i % ENCODINGS;
        char why[96];
        struct answer a;

        if (rows[i / ENCODINGS].bodies[e] == NULL) {
            continue;
        }
        (void)snprintf(why, sizeof(why), "%s, in %s", rows[i / ENCODINGS].why, labels[e].name);
        answer_read_body(labels[e].type, slice_of_str(rows[i / ENCODINGS].bodies[e]),
                         ENCODING_UNKNOWN, ENCODING_FORM, &a);
        answer_need_declined(why, &a, VERDICT_ANSWER_UNREADABLE, rows[i / ENCODINGS].says[e]);
        answer_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(habits_are_read_in_every_encoding),
        cmocka_unit_test(an_error_inside_a_200_is_found_in_every_encoding),
        cmocka_unit_test(what_could_be_guessed_wrongly_is_refused_in_every_encoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
