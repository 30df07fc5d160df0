"""Which application answers which request."""

import io
import json

import pytest

from musicrec.local.router import Router, Routes, signing_service

NAMES = ("moto", "kinesis", "personalize", "athena", "gateway", "invoke", "runtime", "admin")


def answering(name):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [name.encode(), environ["wsgi.input"].read()]

    return application


@pytest.fixture
def seen():
    return []


@pytest.fixture
def router(seen):
    def observer(exchange):
        seen.append(exchange)

    def failing(_):
        raise ValueError("an observer's own fault")

    return Router(
        Routes(
            **{name: answering(name) for name in NAMES},
            around=lambda application, *_: application,
            observers={"apigateway": observer, "kinesis": failing},
            reset=lambda: seen.append("reset"),
        )
    )


def environ_of(path="/", service=None, method="GET", body=b"", host="127.0.0.1:4566", **extra):
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "HTTP_HOST": host,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **extra,
    }
    if service is not None:
        scope = f"test/20260701/us-east-1/{service}/aws4_request"
        environ["HTTP_AUTHORIZATION"] = (
            f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        )
    return environ


def ask(router, **request):
    status = []
    body = b"".join(router(environ_of(**request), lambda line, _: status.append(line)))
    return int(status[0].split()[0]), body


class TestRouting:
    @pytest.mark.parametrize(
        ("path", "service", "expected"),
        [
            ("/", "personalize", "personalize"),
            ("/events", "personalize", "personalize"),
            ("/", "kinesis", "kinesis"),
            ("/bucket/key", "s3", "moto"),
            ("/bucket/key", None, "moto"),
            ("/execute-api/abc/v1/events", None, "gateway"),
            ("/execute-api/abc/v1/events", "execute-api", "gateway"),
            ("/execute-api/key", "s3", "moto"),
            ("/_runtime/e1/2018-06-01/runtime/invocation/next", None, "runtime"),
            ("/_musicrec/health", None, "admin"),
            ("/2015-03-31/functions/f/invocations", "lambda", "invoke"),
            ("/2015-03-31/functions/arn:aws:lambda:x:1:function:f/invocations", "lambda", "invoke"),
            ("/2015-03-31/functions/f", "lambda", "moto"),
            ("/2015-03-31/functions/f/invocations", "s3", "moto"),
        ],
    )
    def test_service_and_path_choose_the_application(self, router, path, service, expected):
        """The signed service decides, and the path where nothing was signed."""
        assert ask(router, path=path, service=service) == (200, expected.encode())

    def test_presigned_request(self):
        """A presigned URL names its service in the query."""
        query = "X-Amz-Credential=test%2F20260701%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=x"
        assert signing_service(environ_of(QUERY_STRING=query)) == "s3"

    @pytest.mark.parametrize("header", ["", "Basic abc", "AWS4-HMAC-SHA256 Credential=broken"])
    def test_unreadable_signature_is_no_service(self, header):
        """A request without a usable credential scope counts as unsigned."""
        assert signing_service(environ_of(HTTP_AUTHORIZATION=header)) == ""


class TestGuard:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4566", "[::1]:4566"])
    def test_loopback_hosts_come_in(self, router, host):
        """Every name of the loopback device is welcome."""
        assert ask(router, host=host)[0] == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "127.0.0.1.evil.example:80", "", "[broken", "127.0.0.1:4566, x"]
    )
    def test_other_hosts_do_not(self, router, host):
        """A name that somebody made resolve to this machine is refused, with the name."""
        status, body = ask(router, host=host)
        assert status == 403
        assert "127.0.0.1" in json.loads(body)["message"]

    @pytest.mark.parametrize(
        ("origin", "status"),
        [("http://localhost:8888", 200), ("https://evil.example", 403), ("null", 403)],
    )
    def test_pages_of_other_sites_do_not(self, router, origin, status):
        """A web page may only call in when this machine served it."""
        assert ask(router, HTTP_ORIGIN=origin)[0] == status


class TestObservers:
    def test_observer_sees_the_whole_exchange(self, router, seen):
        """Request and answer reach the observer, and the caller gets the same answer."""
        answer = ask(router, service="apigateway", method="POST", path="/restapis", body=b"{}")
        assert answer == (200, b"moto{}")
        (exchange,) = seen
        assert (exchange.method, exchange.path, exchange.body) == ("POST", "/restapis", b"{}")
        assert (exchange.status, exchange.response) == (200, b"moto{}")

    def test_failing_observer_does_not_spoil_the_answer(self, router, caplog):
        """What was answered stands; the observer's failure is logged."""
        assert ask(router, service="kinesis", HTTP_X_AMZ_TARGET="K.PutRecords") == (200, b"kinesis")
        assert "K.PutRecords" in caplog.text

    def test_reset_reaches_the_parts(self, router, seen):
        """POST /moto-api/reset resets moto and then the parts."""
        assert ask(router, path="/moto-api/reset", method="POST") == (200, b"moto")
        assert seen == ["reset"]

    def test_get_on_the_reset_path_resets_nothing(self, router, seen):
        """Looking is not resetting."""
        ask(router, path="/moto-api/reset")
        assert seen == []
