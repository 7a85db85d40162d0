"""One trace id, from the API's call to the agent's log line."""
import rig

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_id_goes_from_the_call_to_both_logs(platform, agent, endpoint):
    agent.set_policy(rig.rule("all", f"{rig.origin(endpoint.url())}/**"), extra='log = { format = "json"; };').start()
    platform.put_profile("hr", connector="dc", token_url=endpoint.url())
    body = {"variables": {"username": "alice", "password": "right"}}
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = platform.api("POST", "/v1/profiles/hr/exchange", body, key=platform.app_key, headers=headers)
    assert answer.status == 200 and answer.json["trace_id"] == TRACE
    ours = platform.process.wait(f"exchange.result.*trace_id={TRACE}")
    assert answer.json["id"] in ours
    theirs = agent.process.wait(f'"job.done".*"trace_id":"{TRACE}"')
    assert answer.json["id"] in theirs

    second = platform.api("POST", "/v1/profiles/hr/exchange", body, key=platform.app_key)
    made = second.json["trace_id"]
    assert made != TRACE
    agent.process.wait(f'"job.done".*"trace_id":"{made}"')
    platform.process.wait(f"exchange.result.*trace_id={made}")


def test_an_exchange_that_fails_here_is_logged_with_its_trace_id(platform, agent, endpoint):
    agent.set_policy(rig.rule("all", f"{rig.origin(endpoint.url())}/**")).start()
    platform.put_profile("slow", connector="dc", token_url=endpoint.url("/hang"), budget_ms=500)
    body = {"variables": {"username": "alice", "password": "right"}}
    agent.process.signal(19)  # SIGSTOP: it can't answer
    try:
        answer = platform.api("POST", "/v1/profiles/slow/exchange", body, key=platform.app_key)
    finally:
        agent.process.signal(18)
    assert answer.status == 504 and answer.json["code"] == "budget_exceeded"
    platform.process.wait(f"exchange.failed id={answer.json['id']} trace_id={answer.json['trace_id']} ")
