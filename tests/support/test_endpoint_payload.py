"""The test endpoint reads what each content type says, and what is malformed is no payload."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from endpoint_payload import read_payload  # noqa: E402

PARTS = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n\r\n--b--\r\n'
RELATED = 'multipart/related; type="application/json"; start="<x@y>"; boundary=b'
ROOT = b'--b\r\nContent-Type: application/json\r\nContent-ID: <x@y>\r\n\r\n{"a":"1","b":["2","3"]}\r\n--b--\r\n'
RSS = b"<rss version='2.0'><channel><title>t</title><link>l</link><description>d</description>%s</channel></rss>"


@pytest.mark.parametrize("content_type, body, pairs", [
    ("application/json", b'{"b":["2","3"],"a":"\xc3\xbc"}', [("b", "2"), ("b", "3"), ("a", "ü")]),
    ("application/vnd.oracle.adf.resourceitem+json", b'{"a":"1"}', [("a", "1")]),
    ("application/x-www-form-urlencoded; charset=utf-8", b"b=a+b&a=%C3%BC%26", [("b", "a b"), ("a", "ü&")]),
    ("application/xml", b"<r><b>&lt;]]&gt;</b><a/></r>", [("b", "<]]>"), ("a", "")]),
    ("application/rss+xml", RSS % b"<item><a>1</a></item>", [("a", "1")]),
    ("text/csv", b'b,"a,"\r\n"x ""y""\r\n",\r\n', [("b", 'x "y"\r\n'), ("a,", "")]),
    ("text/plain; charset=utf-8", b"b=1=2\r\na=\r\n", [("b", "1=2"), ("a", "")]),
    ("multipart/form-data; boundary=b", PARTS % "ü".encode(), [("a", "1\r\n2"), ("ü", "")]),
    (RELATED, ROOT, [("a", "1"), ("b", "2"), ("b", "3")]),
    ("image/png", b"x", []),
])
def test_the_pairs_are_read_in_their_order(content_type, body, pairs):
    assert read_payload(content_type, body) == pairs


@pytest.mark.parametrize("content_type, body", [
    ("application/json", b'{"a":'), ("application/x-www-form-urlencoded", b"a"), ("application/xml", b"<a>"),
    ("application/rss+xml", RSS % b""), ("application/rss+xml", b"<rss/>"), ("text/csv", b"a,b\r\n1\r\n"),
    ("text/csv", b'a\r\n"1\r\n'), ("multipart/form-data; boundary=b", b"a=1"),
    (RELATED.replace("<x", "<z"), ROOT), (RELATED.replace("application/json", "text/plain"), ROOT)])
def test_what_is_malformed_is_no_payload(content_type, body):
    with pytest.raises(ValueError):
        read_payload(content_type, body)
