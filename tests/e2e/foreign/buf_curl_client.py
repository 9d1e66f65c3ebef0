"""A client by `buf curl` that learns the services from the server's reflection.

It reads the details of errors with the published protos: reflection hands out only the files that
a service imports.

Usage: buf_curl_client.py BUF PROTO_DIR HOST:PORT
"""

import base64
import json
import re
import subprocess
import sys
import uuid

PASSWORD = "correct horse battery staple"
# buf exits with the gRPC code, shifted by three bits.
INVALID_ARGUMENT, ALREADY_EXISTS, UNAUTHENTICATED = 3 << 3, 6 << 3, 16 << 3


class BufCurl:
    def __init__(self, buf, protos, address):
        self.buf = buf
        self.protos = protos
        self.url = f"http://{address}"

    def run(self, *arguments):
        return subprocess.run(
            [self.buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments],
            capture_output=True, text=True, timeout=60, check=False)

    def decode(self, detail):
        value = detail["value"]
        binary = base64.b64decode(value + "=" * (-len(value) % 4))
        return json.loads(subprocess.run(
            [self.buf, "convert", self.protos, "--type", detail["type"], "--from=-#format=binpb"],
            input=binary, capture_output=True, timeout=60, check=True).stdout)

    def call(self, method, request):
        """The answer of a call that must succeed."""
        ended = self.run(f"{self.url}/{method}", "--data", json.dumps(request))
        assert ended.returncode == 0, f"{method}: {ended.returncode}\n{ended.stderr}"
        return json.loads(ended.stdout)

    def refused(self, method, request, code, reason):
        """The details, by type, of a call that must be refused with this code and reason."""
        ended = self.run(f"{self.url}/{method}", "--data", json.dumps(request))
        assert ended.returncode == code, f"{method}: {ended.returncode}\n{ended.stderr}"
        error = json.loads(ended.stderr)
        details = {detail["type"]: self.decode(detail) for detail in error["details"]}
        info = details["google.rpc.ErrorInfo"]
        assert (info["reason"], info["domain"]) == (reason, "auth.v1"), error
        return details


def main(buf, protos, address):
    client = BufCurl(buf, protos, address)
    auth = "auth.v1.AuthService"

    services = client.run(client.url, "--list-services").stdout.split()
    assert {auth, "grpc.health.v1.Health"} <= set(services), services

    health = client.call("grpc.health.v1.Health/Check", {"service": auth})
    assert health == {"status": "SERVING"}, health

    email = f"Buf.{uuid.uuid4()}@example.com"
    registered = client.call(f"{auth}/Register", {"email": email, "password": PASSWORD})
    assert set(registered) == {"user", "session"}, registered
    assert set(registered["user"]) == {"id", "email", "createdAt", "updatedAt"}, registered
    assert registered["user"]["email"] == email, registered
    assert set(registered["session"]) == {"id", "userId", "expires", "sessionToken"}, registered
    assert registered["session"]["userId"] == registered["user"]["id"], registered
    token = registered["session"]["sessionToken"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token), registered

    client.refused(f"{auth}/Register", {"email": email, "password": PASSWORD}, ALREADY_EXISTS,
                   "EMAIL_ALREADY_REGISTERED")
    details = client.refused(f"{auth}/Register", {"email": "nobody", "password": ""},
                             INVALID_ARGUMENT, "INVALID_FIELDS")
    violations = details["google.rpc.BadRequest"]["fieldViolations"]
    assert [v["field"] for v in violations] == ["email", "password"], violations
    assert all(v["reason"] and v["description"] for v in violations), violations

    client.refused(f"{auth}/SignIn", {"email": email, "password": "wrong"}, UNAUTHENTICATED,
                   "INVALID_CREDENTIALS")
    signed_in = client.call(f"{auth}/SignIn", {"email": email, "password": PASSWORD})
    assert signed_in["user"] == registered["user"], signed_in

    valid = client.call(f"{auth}/ValidateSession", {"sessionToken": token})
    assert valid["user"] == registered["user"], valid
    assert "sessionToken" not in valid["session"], valid
    user = client.call(f"{auth}/GetUser", {"sessionToken": token})
    assert user == {"user": registered["user"]}, user

    for _ in range(2):
        assert client.call(f"{auth}/SignOut", {"sessionToken": token}) == {}
    client.refused(f"{auth}/ValidateSession", {"sessionToken": token}, UNAUTHENTICATED,
                   "SESSION_INVALID")
    print("buf curl: all answers are as published")


if __name__ == "__main__":
    main(*sys.argv[1:])
