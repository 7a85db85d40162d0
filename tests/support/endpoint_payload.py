"""What a request's payload says, read by Python's own parsers: one function a media type.

Each gives the pairs (name, value) in the order in which they stand.
"""

import csv
import email.message
import email.parser
import email.policy
import io
import json
import urllib.parse
import xml.etree.ElementTree


def _media_type(content_type):
    """("multipart/related", {"boundary": ...}) of a Content-Type."""
    header = email.message.Message()
    header["Content-Type"] = content_type
    return header.get_content_type(), dict(header.get_params(failobj=[])[1:])


def _json(body):
    members = json.loads(body.decode("utf-8"), object_pairs_hook=list)
    return [(name, value) for name, values in members
            for value in (values if isinstance(values, list) else [values])]


def _form(body):
    return urllib.parse.parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True,
                                  errors="strict")


def _elements(parent):
    return [(child.tag, child.text or "") for child in parent]


def _xml(body):
    return _elements(xml.etree.ElementTree.fromstring(body))


def _rss(body):
    root = xml.etree.ElementTree.fromstring(body)
    channel = root.find("channel")
    items = channel.findall("item")
    if root.tag != "rss" or root.get("version") != "2.0" or len(items) != 1:
        raise ValueError("no RSS 2.0 with one item")
    if not all(channel.findtext(name) for name in ("title", "link", "description")):
        raise ValueError("a channel has a title, a link and a description")
    return _elements(items[0])


def _csv(body):
    names, values = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
    return list(zip(names, values, strict=True))


def _text(body):
    lines = body.decode("utf-8").splitlines()
    return [tuple(line.split("=", 1)) if "=" in line else ("", line) for line in lines]


def _parts(content_type, body):
    head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        raise ValueError(f"no multipart body: {message.defects}")
    return message.get_payload()


def _multipart_form(content_type, body):
    # names are raw UTF-8 (RFC 7578, 5.1), which the parser of e-mail keeps as surrogates
    return [(part.get_param("name", header="Content-Disposition").encode("utf-8", "surrogateescape").decode("utf-8"),
             part.get_payload(decode=True).decode("utf-8")) for part in _parts(content_type, body)]


def _multipart_related(content_type, body):
    parameters = _media_type(content_type)[1]
    root, = (part for part in _parts(content_type, body) if part["Content-ID"] == parameters["start"])
    if root.get_content_type() != parameters["type"]:
        raise ValueError("the root's type is another than the whole's")
    return _json(root.get_payload(decode=True))


READERS = {
    "application/json": _json,
    "application/vnd.oracle.adf.resourceitem+json": _json,
    "application/x-www-form-urlencoded": _form,
    "application/xml": _xml,
    "application/rss+xml": _rss,
    "text/csv": _csv,
    "text/plain": _text,
}
MULTIPART_READERS = {"multipart/form-data": _multipart_form, "multipart/related": _multipart_related}


def read_payload(content_type, body):
    """The pairs of the body; none if its media type is not known. ValueError if it is malformed."""
    media_type = _media_type(content_type)[0]
    try:
        if media_type in MULTIPART_READERS:
            return MULTIPART_READERS[media_type](content_type, body)
        return READERS[media_type](body) if media_type in READERS else []
    except (xml.etree.ElementTree.ParseError, csv.Error, KeyError, AttributeError) as error:
        raise ValueError(f"malformed {media_type}: {error}") from error
