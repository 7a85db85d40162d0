"""What stands in conf/ is what the programs accept."""
import json
import re
import shutil

import rig

CONF = rig.ROOT / "conf"

# A setting that is commented out, with its default. Those without one show "...".
COMMENTED = re.compile(r'^( *)# ([a-z_]+ = (?!"\.\.\.").*;)$', re.M)


def test_agent_example_passes_check(tmp_path):
    agent = rig.Agent(tmp_path)
    shutil.copy(CONF / "agent.conf.example", agent.conf)
    done = agent.cli("check")
    assert done.returncode == 0, done.stderr
    assert "good, 1 rule" in done.stdout and "not enrolled" in done.stdout


def test_agent_example_shows_defaults_that_can_be_written(tmp_path):
    agent = rig.Agent(tmp_path)
    text, changed = COMMENTED.subn(r"\1\2", (CONF / "agent.conf.example").read_text())
    assert changed > 8
    agent.conf.write_text(text)
    for folder in ("policy.d", "secrets.d"):
        (tmp_path / folder).mkdir(mode=0o700)
    done = agent.cli("check")
    assert done.returncode == 0, done.stderr


def init_and_check(tmp_path, text):
    conf = tmp_path / "platform.conf"
    conf.write_text(text)
    for command in ("init", "check"):
        done = rig.run(rig.BUILD / "connector-platform", command, "-c", conf)
        assert done.returncode == 0, done.stderr


def test_platform_example_passes_init_and_check(tmp_path):
    init_and_check(tmp_path, (CONF / "platform.conf.example").read_text())


def test_platform_example_shows_defaults_that_can_be_written(tmp_path):
    text, changed = COMMENTED.subn(r"\1\2", (CONF / "platform.conf.example").read_text())
    assert changed > 12
    init_and_check(tmp_path, text)


def test_profile_example_is_accepted_as_it_stands(platform):
    profile = json.loads((CONF / "profile.json.example").read_text())
    platform.add_connector(profile["connector"])
    done = platform.cli("profile", "put", CONF / "profile.json.example")
    assert done.returncode == 0, done.stderr
    assert "profile hr-portal added" in done.stdout
    stored = platform.api("GET", "/v1/profiles/hr-portal").json
    assert stored.pop("client")["secret"] == {"set": True}
    del profile["client"]
    assert {name: stored[name] for name in profile if name != "form_fields"} == \
           {name: profile[name] for name in profile if name != "form_fields"}
