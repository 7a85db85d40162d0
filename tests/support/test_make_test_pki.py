"""make-test-pki makes what certs/README.md says, by the verdicts of openssl verify."""

import pathlib
import stat
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "certs/make-test-pki"


@pytest.fixture(scope="module", name="pki")
def made_pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "pki"
    subprocess.run([SCRIPT, folder], check=True)
    return folder


def verify(pki, ca, purpose, name, *more):
    """What openssl verify says: "OK", or its error."""
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", pki / ca, "-purpose", purpose, *more,
         pki / name], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return "OK"
    return next(line for line in said.splitlines() if line.startswith("error ")).split(": ")[-1]


@pytest.mark.parametrize(("ca", "purpose", "name", "host", "verdict"), [
    ("ca.pem", "sslserver", "server.pem", "localhost", "OK"),
    ("ca.pem", "sslserver", "server.pem", "other.example", "hostname mismatch"),
    ("ca.pem", "sslserver", "client.pem", None, "unsuitable certificate purpose"),
    ("ca.pem", "sslclient", "client.pem", None, "OK"),
    ("ca.pem", "sslclient", "server.pem", None, "unsuitable certificate purpose"),
    ("ca.pem", "sslserver", "expired.pem", "localhost", "certificate has expired"),
    ("ca.pem", "sslclient", "expired-client.pem", None, "certificate has expired"),
    ("ca.pem", "sslserver", "not-yet-valid.pem", "localhost", "certificate is not yet valid"),
    ("ca.pem", "sslserver", "wrong-host.pem", "localhost", "hostname mismatch"),
    ("ca.pem", "sslserver", "wrong-host.pem", "other.example", "OK"),
    ("ca.pem", "sslserver", "self-signed.pem", "localhost", "self-signed certificate"),
    ("ca.pem", "sslserver", "other-server.pem", "localhost",
     "unable to get local issuer certificate"),
    ("ca.pem", "sslclient", "other-client.pem", None, "unable to get local issuer certificate"),
    ("other-ca.pem", "sslserver", "other-server.pem", "localhost", "OK"),
    ("other-ca.pem", "sslclient", "other-client.pem", None, "OK"),
])
def test_certificates_are_what_their_names_say(pki, ca, purpose, name, host, verdict):
    host_args = ["-verify_hostname", host] if host else []
    assert verify(pki, ca, purpose, name, *host_args) == verdict


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_server_is_good_for_loopback_addresses(pki, address):
    assert verify(pki, "ca.pem", "sslserver", "server.pem", "-verify_ip", address) == "OK"


def test_everything_is_private_and_has_its_key(pki):
    names = {path.stem for path in pki.iterdir() if path.suffix == ".pem"}
    assert names == {path.stem for path in pki.iterdir() if path.suffix == ".key"}
    for path in pki.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_with_something_in_it_is_left_alone(pki):
    before = {path.name: path.read_bytes() for path in pki.iterdir()}
    done = subprocess.run([SCRIPT, pki], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert before == {path.name: path.read_bytes() for path in pki.iterdir()}
