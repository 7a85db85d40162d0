"""What the documents list is what the code has."""
import re

import pytest

import rig

DOCUMENTS = sorted(p for folder in ("", "certs", "common", "conf", "tests/support") for p in (rig.ROOT / folder).glob("*.md"))


def source(path):
    return (rig.ROOT / path).read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(rig.ROOT)))
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    assert [t for t in targets if "://" not in t and not (path.parent / t).exists()] == []


def test_readme_explains_every_verdict_with_its_status():
    verdicts = dict(re.findall(r'X\(VERDICT_\w+, "(\w+)", (\d+)\)', source("common/core/terms.h")))
    told = dict(re.findall(r"^\| `(\w+)` \| (\d+)", source("README.md"), re.M))
    for verdict, status in verdicts.items():
        if verdict not in ("issued", "revoked", "cancelled"):  # no problems; the last one's caller has gone
            assert told.get(verdict) == status, verdict


def test_readme_explains_every_answer_to_try_again():
    words = re.search(r"names\[\] = \{(.*?)\}", source("platform/core/problem.c"), re.S).group(1)
    told = set(re.findall(r"^\| `(\w+)` \| [^0-9]", source("README.md"), re.M))
    assert set(re.findall(r'"(\w+)"', words)) - told == set()


def test_readme_lists_every_resource_of_the_api():
    routes = re.findall(r'\{"([A-Z]+)", "(/[^"]+)", ACCESS_', source("platform/io/api.c"))
    text = source("README.md")
    assert len(routes) > 10
    for method, path in routes:
        path = re.sub(r"(?<=/exchanges/)\*|(?<=/agents/)\*", "ID", path).replace("*", "NAME")
        lines = [l for l in text.splitlines() if l.startswith("| `") and re.search(re.escape(path) + "[`?]", l)]
        assert any(method in l for l in lines), (method, path)


def test_readme_lists_every_metric():
    told = re.search(r"^## Metrics$(.*?)^## ", source("README.md"), re.S | re.M).group(1)
    for side, names in (("agent", ("agent/io/metrics.c",)), ("platform", ("platform/io/metrics.c", "platform/core/figures.c"))):
        table = re.search(rf"^\| `connector_{side}_…` \|(.*?)\n\n", told, re.S | re.M).group(1)
        listed = {re.sub(r"_total$|_info$", "", name) for name in re.findall(r"`(\w+)(?:\{[\w,]+\})?`", table.replace("`2xx`", ""))}
        families = {m for path in names for m in re.findall(rf'"connector_{side}_(\w+)", METRICS_', re.sub(r"\s+", " ", source(path)))}
        assert len(families) > 9 and families - listed == set()


def test_profile_reference_has_every_member():
    names = re.search(r"static void read_all.*?names\[\] = \{(.*?)\}", source("common/core/profile_read.c"), re.S).group(1)
    members = re.findall(r'"(\w+)"', names)
    told = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", source("conf/PROFILE.md"), re.M)))
    assert len(members) > 15 and set(members) - set(told) == set()


def test_protocol_has_every_message_and_close_code():
    header, text = source("common/core/message.h"), source("common/PROTOCOL.md")
    types = {number: name.lower() for name, number in re.findall(r"MSG_([A-Z]+) = (\d+),", header) if number != "0"}
    assert len(types) == 11 and dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.M)) == types
    codes = set(re.findall(r"MSG_CLOSE_\w+ = (\d{4}),", header)) - {"1007"}  # a library's, never ours
    assert codes == set(re.findall(r"^\| (\d{4}) \|", text, re.M))
