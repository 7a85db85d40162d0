-- For wrk: the same token request again and again; at the end one line of JSON.
-- BENCH_BODY, BENCH_TYPE and BENCH_AUTHORIZATION come in the environment.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Content-Type"] = os.getenv("BENCH_TYPE")
wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "us": %d, "p50_us": %d, "p99_us": %d, "errors": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        e.connect + e.read + e.write + e.status + e.timeout))
end
