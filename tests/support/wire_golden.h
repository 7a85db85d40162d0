#ifndef CONNECTOR_TESTS_SUPPORT_WIRE_GOLDEN_H
#define CONNECTOR_TESTS_SUPPORT_WIRE_GOLDEN_H

/* Messages of the tunnel protocol in the bytes that an independent implementation makes of them:
 * Python's msgpack 1.0.3, for each line below
 *
 *     I = lambda n: bytes([n]) * 16
 *     print(msgpack.packb(LINE).hex())
 */

/* clang-format off */

/* [1,{"agent_version":"0.1.0","instance":I(1),"tunnel":15,"ledger":I(2),"ledger_seq":5000000000,
 * "host":"dc1-host","capacity":2048,"known":[I(3),I(4)],"policy":{"rules":[{"name":"hr",
 * "url":"https://hr.example/oauth","methods":["POST","PUT"]},{}]},"features":["trace"]}] */
#define GOLDEN_HELLO_FULL \
    "92018aad6167656e745f76657273696f6ea5302e312e30a8696e7374616e6365c41001010101010101010101" \
    "010101010101a674756e6e656c0fa66c6564676572c41002020202020202020202020202020202aa6c656467" \
    "65725f736571cf000000012a05f200a4686f7374a86463312d686f7374a86361706163697479cd0800a56b6e" \
    "6f776e92c41003030303030303030303030303030303c41004040404040404040404040404040404a6706f6c" \
    "69637981a572756c65739283a46e616d65a26872a375726cb868747470733a2f2f68722e6578616d706c652f" \
    "6f61757468a76d6574686f647392a4504f5354a350555480a8666561747572657391a57472616365"

/* [1,{"agent_version":"","instance":I(1),"tunnel":0,"ledger":I(1),"ledger_seq":0,"host":"",
 * "capacity":1,"known":[],"policy":{"rules":[]},"features":[]}] */
#define GOLDEN_HELLO_MIN \
    "92018aad6167656e745f76657273696f6ea0a8696e7374616e6365c410010101010101010101010101010101" \
    "01a674756e6e656c00a66c6564676572c41001010101010101010101010101010101aa6c65646765725f7365" \
    "7100a4686f7374a0a8636170616369747901a56b6e6f776e90a6706f6c69637981a572756c657390a8666561" \
    "747572657390"

/* [2,{"platform_version":"0.1.0","session":I(9),"heartbeat_ms":10000,"now_ms":1760000000000,
 * "limits":{"message_bytes":262144,"websocket_bytes":1048576}}] */
#define GOLDEN_WELCOME_FULL \
    "920285b0706c6174666f726d5f76657273696f6ea5302e312e30a773657373696f6ec4100909090909090909" \
    "0909090909090909ac6865617274626561745f6d73cd2710a66e6f775f6d73cf00000199c82cc000a66c696d" \
    "69747382ad6d6573736167655f6279746573ce00040000af776562736f636b65745f6279746573ce00100000"

/* [3,{"id":I(5),"budget_ms":29750,"purpose":"authorize","request":{"method":"POST",
 * "url":"https://hr.example/token","encoding":"form","fields":[["payload","username",
 * "{{username}}"],["header","X-Pin",""]],"client":{"method":"client_secret_basic_raw",
 * "id":"portal","secret":"s3","key":"k","certificate":"c"}},"variables":{"username":"zo\u00eb",
 * "pin":""},"secret_variables":["pin"],"expect":{"auth_error_status":[403,499],
 * "answer":{"expect":"json"}},"trace":True}] */
#define GOLDEN_JOB_FULL \
    "920388a26964c41005050505050505050505050505050505a96275646765745f6d73cd7436a7707572706f73" \
    "65a9617574686f72697a65a77265717565737485a66d6574686f64a4504f5354a375726cb868747470733a2f" \
    "2f68722e6578616d706c652f746f6b656ea8656e636f64696e67a4666f726da66669656c64739293a7706179" \
    "6c6f6164a8757365726e616d65ac7b7b757365726e616d657d7d93a6686561646572a5582d50696ea0a6636c" \
    "69656e7485a66d6574686f64b7636c69656e745f7365637265745f62617369635f726177a26964a6706f7274" \
    "616ca6736563726574a27333a36b6579a16bab6365727469666963617465a163a97661726961626c657382a8" \
    "757365726e616d65a47a6fc3aba370696ea0b07365637265745f7661726961626c657391a370696ea6657870" \
    "65637482b1617574685f6572726f725f73746174757392cd0193cd01f3a6616e7377657281a6657870656374" \
    "a46a736f6ea57472616365c3"

/* [3,{"id":I(5),"budget_ms":0,"purpose":"test","request":{"method":"GET","url":"",
 * "encoding":"oracle_adf","fields":[]},"variables":{}}] */
#define GOLDEN_JOB_MIN \
    "920385a26964c41005050505050505050505050505050505a96275646765745f6d7300a7707572706f7365a4" \
    "74657374a77265717565737484a66d6574686f64a3474554a375726ca0a8656e636f64696e67aa6f7261636c" \
    "655f616466a66669656c647390a97661726961626c657380"

/* [4,{"id":I(5),"outcome":"issued","code":"issued","execution":"answered","status":200,
 * "token":{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt",
 * "scope":"hr.read","id_token":"jwt","extra":"{}","extra_omitted":True},
 * "error":{"stage":"parse","message":"m","oauth_error":"invalid_grant","oauth_description":"d",
 * "retry_after_ms":1500},"age_ms":7,"timing_us":{"queued":1,"policy":2,"resolve":3,"connect":4,
 * "tls":5,"wait":6,"receive":7,"total":28}}] */
#define GOLDEN_RESULT_FULL \
    "920489a26964c41005050505050505050505050505050505a76f7574636f6d65a6697373756564a4636f6465" \
    "a6697373756564a9657865637574696f6ea8616e737765726564a6737461747573ccc8a5746f6b656e88ac61" \
    "63636573735f746f6b656ea26174aa746f6b656e5f74797065a6426561726572aa657870697265735f696ecd" \
    "0e10ad726566726573685f746f6b656ea27274a573636f7065a768722e72656164a869645f746f6b656ea36a" \
    "7774a56578747261a27b7dad65787472615f6f6d6974746564c3a56572726f7285a57374616765a570617273" \
    "65a76d657373616765a16dab6f617574685f6572726f72ad696e76616c69645f6772616e74b16f617574685f" \
    "6465736372697074696f6ea164ae72657472795f61667465725f6d73cd05dca66167655f6d7307a974696d69" \
    "6e675f757388a671756575656401a6706f6c69637902a77265736f6c766503a7636f6e6e65637404a3746c73" \
    "05a47761697406a77265636569766507a5746f74616c1c"

/* [4,{"id":I(5),"outcome":"failed","code":"budget_exceeded","execution":"sent"}] */
#define GOLDEN_RESULT_MIN \
    "920484a26964c41005050505050505050505050505050505a76f7574636f6d65a66661696c6564a4636f6465" \
    "af6275646765745f6578636565646564a9657865637574696f6ea473656e74"

/* [5,{"ids":[I(5),I(6)]}] */
#define GOLDEN_ACK_FULL \
    "920581a369647392c41005050505050505050505050505050505c41006060606060606060606060606060606"

/* [5,{"ids":[]}] */
#define GOLDEN_ACK_MIN \
    "920581a369647390"

/* [6,{"id":I(5)}] */
#define GOLDEN_CANCEL \
    "920681a26964c41005050505050505050505050505050505"

/* [7,{"reason":"restart","grace_ms":30000}] */
#define GOLDEN_DRAIN \
    "920782a6726561736f6ea772657374617274a867726163655f6d73cd7530"

/* [8,{"csr":b"\x30\x00"}] */
#define GOLDEN_RENEW \
    "920881a3637372c4023000"

/* [9,{"certificate":b"PEM"}] */
#define GOLDEN_RENEWED_CERTIFICATE \
    "920981ab6365727469666963617465c40350454d"

/* [9,{"error":{"code":"refused","message":"no"}}] */
#define GOLDEN_RENEWED_ERROR \
    "920981a56572726f7282a4636f6465a772656675736564a76d657373616765a26e6f"

/* [10,{"code":"not_stored","message":"disk","id":I(5)}] */
#define GOLDEN_ERROR_FULL \
    "920a83a4636f6465aa6e6f745f73746f726564a76d657373616765a46469736ba26964c41005050505050505" \
    "050505050505050505"

/* [10,{"code":"protocol","message":""}] */
#define GOLDEN_ERROR_MIN \
    "920a82a4636f6465a870726f746f636f6ca76d657373616765a0"

/* [11,{"rules":[{"name":"hr"}]}] */
#define GOLDEN_POLICY \
    "920b81a572756c65739181a46e616d65a26872"

/* clang-format on */

#endif
