"""The agent's policy: what it refuses, whatever the platform asks."""
import pytest
import rig

RIGHT = {"username": "alice", "password": "right"}


@pytest.fixture
def ask(platform, agent, endpoint):
    """Set rules, exchange with a URL; the answer."""
    def run(rules, url, **profile):
        agent.stop()
        agent.set_policy(*rules).start()
        platform.put_profile("p", connector="dc", token_url=url, **profile)
        return platform.exchange("p", variables=RIGHT)
    return run


def refused(answer):
    assert answer.status == 422 and answer.json["code"] == "policy_refused", answer
    assert answer.json["execution"] == "not_sent" and answer.json["stage"] == "policy"
    assert answer.json["safe_to_retry"] == "after_fix"
    return answer.json["detail"]


def test_nothing_is_reached_without_a_rule(ask, endpoint):
    refused(ask([], endpoint.url("/token")))
    assert endpoint.count("/token") == 0


def test_a_rule_for_another_path_or_method_does_not_count(ask, endpoint):
    origin = rig.origin(endpoint.url("/"))
    refused(ask([rig.rule("a", origin + "/other/**")], endpoint.url("/token")))
    detail = refused(ask([rig.rule("a", origin + "/**", methods=["GET"])], endpoint.url("/token")))
    assert '"a"' in detail or "a" in detail.split()
    assert endpoint.count("/token") == 0


def test_loopback_needs_a_network_inside_loopback(ask, endpoint):
    origin = rig.origin(endpoint.url("/"))
    for networks in ((), ("0.0.0.0/0",), ("10.0.0.0/8",)):
        refused(ask([rig.rule("a", origin + "/**", networks=networks)], endpoint.url("/token")))
    assert endpoint.count("/token") == 0
    assert not endpoint.journal.requests()
    assert ask([rig.rule("a", origin + "/**", networks=["127.0.0.0/8"])], endpoint.url("/token")).status == 200


def test_a_name_is_judged_by_the_address_it_has(ask, endpoint):
    url = endpoint.url("/token").replace("127.0.0.1", "localhost")
    refused(ask([rig.rule("a", rig.origin(url) + "/**", networks=["10.0.0.0/8"])], url))
    assert endpoint.count("/token") == 0


def test_the_address_is_checked_on_a_reused_connection_too(ask, platform, agent, endpoint):
    """Two rules, one connection: the second rule's networks don't allow where it goes."""
    origin = rig.origin(endpoint.url("/"))
    rules = [rig.rule("open", origin + "/token"), rig.rule("closed", origin + "/form-answer", networks=["10.0.0.0/8"])]
    assert ask(rules, endpoint.url("/token")).status == 200
    platform.put_profile("q", connector="dc", token_url=endpoint.url("/form-answer"))
    refused(platform.exchange("q", variables=RIGHT))
    assert endpoint.count("/form-answer") == 0


@pytest.mark.parametrize("path", ["/a/../token", "/%2e%2e/token", "/a%2ftoken", "/token%00"])
def test_paths_that_read_in_two_ways_are_refused(ask, endpoint, path):
    origin = rig.origin(endpoint.url("/"))
    platform_says = ask([rig.rule("a", origin + "/**")], origin + "/{realm}",
                        fields=[{"place": "path", "key": "realm", "value": "x"}])
    assert platform_says.status in (502, 422)  # the rule itself is good
    before = len(endpoint.journal.requests())
    answer = None
    try:
        answer = ask([rig.rule("a", origin + "/**")], origin + path)
    except AssertionError as refused_when_put:
        assert "400" in str(refused_when_put)
    if answer is not None:
        refused(answer)
    assert len(endpoint.journal.requests()) == before


def test_a_value_can_not_leave_its_segment(ask, endpoint):
    origin = rig.origin(endpoint.url("/"))
    answer = ask([rig.rule("a", origin + "/**")], origin + "/x/{realm}/token",
                 fields=[{"place": "path", "key": "realm", "value": "../.."}])
    refused(answer)


def test_rules_of_the_policy_directory_come_after_and_in_name_order(platform, agent, endpoint):
    origin = rig.origin(endpoint.url("/"))
    folder = agent.folder / "policy.d"
    folder.mkdir()
    (folder / "20-b.conf").write_text(f'policy = ( {rig.rule("b", origin + "/**")} );')
    (folder / "10-a.conf").write_text(f'policy = ( {rig.rule("a", origin + "/**", networks=["10.0.0.0/8"])} );')
    (folder / "30-c.txt").write_text("not a policy")
    agent.set_policy()
    agent.start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    refused(platform.exchange("p", variables=RIGHT))  # a decides, b would have allowed it
    agent.stop()
    (folder / "10-a.conf").unlink()
    agent.start()
    assert platform.exchange("p", variables=RIGHT).status == 200


def test_an_environment_proxy_never_sees_a_request(platform, agent, endpoint):
    proxy = rig.free_port()
    env = {**rig.ENV, "http_proxy": f"http://127.0.0.1:{proxy}", "https_proxy": f"http://127.0.0.1:{proxy}",
           "ALL_PROXY": f"http://127.0.0.1:{proxy}"}
    agent.set_policy(rig.rule("a", rig.origin(endpoint.url("/")) + "/**")).start(env=env)
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    assert platform.exchange("p", variables=RIGHT).status == 200, "nobody listens on the proxy's port"
