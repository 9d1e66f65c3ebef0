"""A client by `buf curl`: over gRPC, where it learns the services from the server's reflection, and
by the Connect protocol over HTTP/1.1, where it knows the published protos.

It reads the details of errors with the protos in both: reflection hands out only the files that a
service imports.

Usage: buf_curl_client.py BUF PROTO_DIR GRPC_HOST:PORT HTTP_HOST:PORT TOKEN_FILE
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import uuid

PASSWORD = "correct horse battery staple"
# buf exits with the gRPC code, shifted by three bits.
INVALID_ARGUMENT, ALREADY_EXISTS, UNAUTHENTICATED = 3 << 3, 6 << 3, 16 << 3


class BufCurl:
    def __init__(self, buf, protos, address, *options):
        self.buf = buf
        self.protos = protos
        self.url = f"http://{address}"
        self.options = options

    def run(self, *arguments):
        return subprocess.run([self.buf, "curl", *self.options, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def decode(self, detail):
        value = detail["value"]
        binary = base64.b64decode(value + "=" * (-len(value) % 4))
        return json.loads(subprocess.run(
            [self.buf, "convert", self.protos, "--type", detail["type"], "--from=-#format=binpb"],
            input=binary, capture_output=True, timeout=60, check=True).stdout)

    def call(self, method, request, *options):
        """The answer of a call that must succeed."""
        ended = self.run(f"{self.url}/{method}", "--data", json.dumps(request), *options)
        assert ended.returncode == 0, f"{method}: {ended.returncode}\n{ended.stderr}"
        return json.loads(ended.stdout)

    def refused(self, method, request, code, reason, *options):
        """The details, by type, of a call that must be refused with this code and reason."""
        ended = self.run(f"{self.url}/{method}", "--data", json.dumps(request), *options)
        assert ended.returncode == code, f"{method}: {ended.returncode}\n{ended.stderr}"
        error = json.loads(ended.stderr)
        details = {detail["type"]: self.decode(detail) for detail in error["details"]}
        info = details["google.rpc.ErrorInfo"]
        assert (info["reason"], info["domain"]) == (reason, "auth.v1"), error
        return details


AUTH, ADMIN = "auth.v1.AuthService", "auth.v1.AdminService"


def discover(client):
    services = client.run(client.url, "--list-services").stdout.split()
    assert {AUTH, ADMIN, "grpc.health.v1.Health"} <= set(services), services
    health = client.call("grpc.health.v1.Health/Check", {"service": AUTH})
    assert health == {"status": "SERVING"}, health


def use_account(client):
    email = f"Buf.{uuid.uuid4()}@example.com"
    registered = client.call(f"{AUTH}/Register", {"email": email, "password": PASSWORD})
    assert set(registered) == {"user", "session"}, registered
    assert set(registered["user"]) == {"id", "email", "createdAt", "updatedAt"}, registered
    assert registered["user"]["email"] == email, registered
    assert set(registered["session"]) == {"id", "userId", "expires", "sessionToken"}, registered
    assert registered["session"]["userId"] == registered["user"]["id"], registered
    token = registered["session"]["sessionToken"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token), registered

    client.refused(f"{AUTH}/Register", {"email": email, "password": PASSWORD}, ALREADY_EXISTS,
                   "EMAIL_ALREADY_REGISTERED")
    details = client.refused(f"{AUTH}/Register", {"email": "nobody", "password": ""},
                             INVALID_ARGUMENT, "INVALID_FIELDS")
    violations = details["google.rpc.BadRequest"]["fieldViolations"]
    assert [v["field"] for v in violations] == ["email", "password"], violations
    assert all(v["reason"] and v["description"] for v in violations), violations

    client.refused(f"{AUTH}/SignIn", {"email": email, "password": "wrong"}, UNAUTHENTICATED,
                   "INVALID_CREDENTIALS")
    signed_in = client.call(f"{AUTH}/SignIn", {"email": email, "password": PASSWORD})
    assert signed_in["user"] == registered["user"], signed_in

    valid = client.call(f"{AUTH}/ValidateSession", {"sessionToken": token})
    assert valid["user"] == registered["user"], valid
    assert "sessionToken" not in valid["session"], valid
    user = client.call(f"{AUTH}/GetUser", {"sessionToken": token})
    assert user == {"user": registered["user"]}, user

    for _ in range(2):
        assert client.call(f"{AUTH}/SignOut", {"sessionToken": token}) == {}
    client.refused(f"{AUTH}/ValidateSession", {"sessionToken": token}, UNAUTHENTICATED,
                   "SESSION_INVALID")


def administer(client, token_file):
    status, recreate = f"{ADMIN}/GetPoolStatus", f"{ADMIN}/RecreatePool"
    token = pathlib.Path(token_file).read_text().strip()
    allowed = ("--header", f"authorization: Bearer {token}")
    for options in ((), ("--header", "authorization: Bearer wrong")):
        client.refused(status, {}, UNAUTHENTICATED, "CALLER_NOT_ALLOWED", *options)
        client.refused(recreate, {}, UNAUTHENTICATED, "CALLER_NOT_ALLOWED", *options)
    before = client.call(status, {}, *allowed)["status"]
    assert before["ready"] and before["maxConnections"] == 10, before
    recreated = client.call(recreate, {}, *allowed)
    assert recreated == {"generation": before["generation"] + 1}, recreated


def main(buf, protos, grpc_address, http_address, token_file):
    grpc = BufCurl(buf, protos, grpc_address, "--protocol", "grpc", "--http2-prior-knowledge")
    discover(grpc)
    connect = BufCurl(buf, protos, http_address, "--protocol", "connect", "--schema", protos)
    for client in (grpc, connect):
        use_account(client)
        administer(client, token_file)
    print("buf curl: all answers are as published")


if __name__ == "__main__":
    main(*sys.argv[1:])
