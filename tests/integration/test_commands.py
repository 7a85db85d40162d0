"""The commands as a person meets them: help, exit statuses, wrong files."""
import os
import stat

import pytest
import rig

COMMANDS = {
    "connector-agent": ["run", "enroll", "check", "explain", "try", "status", "version"],
    "connector-platform": ["init", "serve", "check", "version", "key add", "key list", "key revoke", "connector add",
                           "connector list", "connector show", "connector enroll", "connector revoke", "connector remove",
                           "profile put", "profile list", "profile show", "profile remove", "exchange"],
}


@pytest.mark.parametrize("program, command", [(p, c) for p, commands in COMMANDS.items() for c in commands])
def test_every_command_has_help(program, command):
    done = rig.run(rig.BUILD / program, *command.split(), "--help")
    assert done.returncode == 0 and command in done.stdout and "-c FILE" in done.stdout and not done.stderr


@pytest.mark.parametrize("program", COMMANDS)
def test_wrong_usage_is_exit_status_2(program):
    for words in (["frobnicate"], [], ["check", "--nope"], ["check", "too", "many"]):
        done = rig.run(rig.BUILD / program, *words)
        assert done.returncode == 2 and done.stderr, words
    assert "check" in rig.run(rig.BUILD / program, "chekc").stderr, "the nearest neighbour is named"


def test_check_names_every_fault_with_file_and_line(tmp_path):
    conf = tmp_path / "agent.conf"
    conf.write_text('platform = { url = "https://p.example/v1/tunnel"; };\n'
                    'limts = { jobs = 10; };\n'
                    'limits = { jobs = 0; answer_bytes = "many"; };\n'
                    'policy = ( { name = "a"; url = "ftp://x/**"; },\n'
                    '           { name = "a"; url = "https://h.example/**"; methods = ["BREW"]; networks = ["10.0.0.1/8"]; } );\n')
    done = rig.run(rig.BUILD / "connector-agent", "check", "-c", conf)
    assert done.returncode == 3
    for line, words in ((1, "wss://"), (2, "limits"), (3, "limits.jobs"), (3, "limits.answer_bytes"), (4, "policy[0].url"), (5, "BREW"), (5, "10.0.0.1/8")):
        assert any(f"agent.conf:{line}:" in l and words in l for l in done.stderr.splitlines()), (line, words, done.stderr)
    run = rig.run(rig.BUILD / "connector-agent", "run", "-c", conf)
    assert run.returncode == 3


def test_a_missing_file_is_exit_status_3(tmp_path):
    for program in COMMANDS:
        done = rig.run(rig.BUILD / program, "check", "-c", tmp_path / "none.conf")
        assert done.returncode == 3 and "none.conf" in done.stderr


def test_a_key_that_others_can_read_is_refused(agent):
    os.chmod(agent.folder / "agent.key", 0o644)
    for command in ("check", "run"):
        done = agent.cli(command)
        assert done.returncode == 3 and "chmod 600" in done.stderr, done.stderr


def test_init_makes_private_files_and_never_overwrites(tmp_path):
    platform = rig.Platform(tmp_path / "p")
    for name in ("ca.key", "platform.key", "master.key", "platform.db"):
        assert stat.S_IMODE(os.stat(platform.folder / name).st_mode) == 0o600, name
    before = (platform.folder / "ca.key").read_bytes()
    done = platform.cli("init")
    assert done.returncode == 1 and done.stderr
    assert (platform.folder / "ca.key").read_bytes() == before
    assert platform.cli("check").returncode == 0


def test_init_writes_a_configuration_where_there_is_none(tmp_path):
    conf = tmp_path / "new" / "platform.conf"
    conf.parent.mkdir()
    done = rig.run(rig.BUILD / "connector-platform", "init", "-c", conf)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1].split()[-1].startswith("cxk_")
    assert conf.exists() and rig.run(rig.BUILD / "connector-platform", "check", "-c", conf).returncode == 0


def test_the_platform_checks_its_configuration_whole(tmp_path):
    conf = tmp_path / "platform.conf"
    conf.write_text('public_url = "http://x";\nlisten = { tunnel = "nonsense"; api = [ "http://0.0.0.0:8080", "gopher://x" ]; };\nstor = {};\n')
    done = rig.run(rig.BUILD / "connector-platform", "check", "-c", conf)
    assert done.returncode == 3
    for line, words in ((1, "public_url"), (2, "listen.tunnel"), (2, "loopback"), (2, "gopher"), (3, "store")):
        assert any(f"platform.conf:{line}:" in l and words in l for l in done.stderr.splitlines()), (line, words, done.stderr)


def test_a_command_without_a_running_server_is_exit_status_4(tmp_path):
    platform = rig.Platform(tmp_path / "p")
    done = platform.cli("key", "list")
    assert done.returncode == 4 and "not running" in done.stderr


def test_a_second_server_on_the_same_store_is_refused(platform):
    done = platform.cli("serve")
    assert done.returncode == 1 and done.stderr


def test_keys_by_command(platform):
    done = platform.cli("key", "add", "portal", "--role", "app")
    assert done.returncode == 0 and done.stdout.startswith("cxk_")
    assert platform.api("GET", "/v1/keys", key=done.stdout.strip()).status == 403
    assert "portal" in platform.cli("key", "list").stdout
    assert platform.cli("key", "add", "portal", "--role", "app").returncode == 1
    assert platform.cli("key", "add", "x", "--role", "king").returncode == 2
    assert platform.cli("key", "revoke", "portal").returncode == 0
    assert platform.api("GET", "/v1/keys", key=done.stdout.strip()).status == 401


def test_an_exchange_by_command_masks_the_token_and_tells_the_hops(platform, agent, endpoint):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    done = platform.cli("exchange", "p", "--set", "username=alice", "--ask", "password", stdin="right\n")
    assert done.returncode == 0, done.stderr
    assert "issued" in done.stdout and "hops" in done.stdout and "total" in done.stdout
    assert "at-1" not in done.stdout.split()
    done = platform.cli("exchange", "p", "--set", "username=alice", "--ask", "password", stdin="nope\n")
    assert done.returncode == 1 and "credentials_refused" in done.stdout
    assert platform.cli("exchange", "p", "--set", "nonsense").returncode == 2
    assert platform.cli("exchange", "nobody").returncode == 1


def test_a_profile_file_with_faults_names_each(platform, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"name": "p", "type": "x", "token_url": 5}')
    done = platform.cli("profile", "put", bad)
    assert done.returncode == 1 and "type" in done.stderr and "token_url" in done.stderr
    bad.write_text('{"name": "p",\n "type" }')
    assert "bad.json:2" in platform.cli("profile", "put", bad).stderr
