"""The figures for people, each beside what it must be and what it shall become."""

COLUMNS = (52, 10, 10, 10, 6)


def line(*cells):
    return "  ".join(f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
                     for i, (cell, width) in enumerate(zip(cells, COLUMNS))).rstrip()


def verdict(value, must, goal, more_is_better):
    def holds(limit):
        return value >= limit if more_is_better else value <= limit
    return "goal" if holds(goal) else "must" if holds(must) else "MISSED"


def figure(name, value, must, goal, unit="", more_is_better=False):
    def show(number):
        return f"{number:,.2f}".rstrip("0").rstrip(".") + unit
    return line(name, show(value), show(must), show(goal), verdict(value, must, goal, more_is_better))


def grid(title, names, rows):
    widths = [max(len(name), *(len(f"{row[i]:,}") for row in rows)) for i, name in enumerate(names)]
    yield title
    yield "  " + "  ".join(f"{name:>{width}}" for name, width in zip(names, widths))
    for row in rows:
        yield "  " + "  ".join(f"{cell:>{width},}" for cell, width in zip(row, widths))
    yield ""


def rows_of(rows):
    return [tuple(row.values()) for row in rows]


def figures(r, extra, idle):
    jobs = {row["in_flight"]: row for row in r["rows"]}
    api = {row["concurrent"]: row for row in r["api_rows"]}
    yield line("", "measured", "must", "goal", "met")
    yield figure("jobs/s against bare libcurl, 64 in flight", jobs[64]["ratio"], 0.55, 0.75, more_is_better=True)
    yield figure("agent CPU a job against bare libcurl's, 64 in flight", jobs[64]["agent_cpu_us"] / jobs[64]["bare_cpu_us"],
                 1.8, 1.25)
    yield figure("added median latency, 1 in flight", jobs[1]["tunnel_p50_us"] - jobs[1]["bare_p50_us"], 120, 50, " µs")
    yield figure("requests/s through the API, 16 callers, against wrk", api[16]["ratio"], 0.09, 0.20, more_is_better=True)
    yield figure("median through the API, 1 caller, against wrk", api[1]["api_p50_us"] / api[1]["direct_p50_us"], 6, 2.5)
    yield figure("agent RSS, idle", r["agent_rss_idle_kb"] / 1024, 16, 12, " MB")
    yield figure("agent RSS, 256 in flight", r["agent_rss_busy_kb"] / 1024, 24, 18, " MB")
    yield figure(f"platform memory an idle tunnel, of {idle:,}", r["idle_tunnel_kb"], 40, 30, " KB")
    yield figure("platform CPU a handshake", r["handshake_cpu_us"] / 1000, 1.2, 0.9, " ms")
    yield figure(f"median beside {idle:,} idle tunnels against none", r["idle_neighbours_ratio"], 2, 1.2)
    yield figure(f"{idle:,} agents back after the platform's restart", r["all_back_s"], 20, 9, " s")
    yield figure("a frozen platform noticed", r["frozen_noticed_s"], 60, 20, " s")
    yield figure("back after it returns", extra["frozen_back_s"], 5, 1, " s")
    yield figure("attempts while the platform is gone for 5 s", r["outage_attempts"], 10, 5)
    yield figure("agent CPU while the platform is gone for 5 s", r["outage_cpu_ms"], 20, 5, " ms")


def text(r, extra, cores, idle):
    tls = extra["tls"]
    return "\n".join([
        f"{cores} cores, shared by all that runs here", "",
        *grid("through the tunnel (µs a job where no unit is given)",
              ("in flight", "bare jobs/s", "tunnel jobs/s", "ratio", "bare CPU", "agent CPU", "bare p50", "p50", "p99",
               "errors"), rows_of(r["rows"])),
        *grid("the whole way, through the HTTP API",
              ("callers", "wrk straight/s", "API/s", "ratio", "straight p50", "p50", "p99", "errors"), rows_of(r["api_rows"])),
        f"  the API over TLS, 16 callers: {tls['rps']:,.0f}/s, p50 {tls['p50_us']:,} µs, p99 {tls['p99_us']:,} µs, "
        f"{tls['errors']} errors", "",
        *figures(r, extra, idle)])
