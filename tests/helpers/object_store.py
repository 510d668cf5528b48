"""A small store of objects in this process that speaks as much of S3's protocol as is used here:
buckets, listing by prefix, ranges, and uploads in parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.helpers.loopback import served

Query = dict[str, list[str]]


class ObjectStore:
    """What it holds.

    Attributes:
        buckets: objects by key, by bucket.
        closed: keys that may not be had.
        place: of it, for an address: ``s3://bucket/key?{place}``.
    """

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {name: {} for name in buckets}
        self.closed: set[str] = set()
        self.place = ""
        self._parts: dict[str, dict[int, bytes]] = {}

    def respond(self, method: str, path: str, query: Query, body: bytes) -> tuple[int, bytes]:
        """Status and body; the length of an object is that of its body, also for HEAD."""
        bucket, _, key = path.lstrip("/").partition("/")
        if bucket not in self.buckets:
            return 404, _xml("Error", Code="NoSuchBucket")
        held = self.buckets[bucket]
        if method == "POST":
            if "uploads" in query:
                self._parts[key] = {}
                return 200, _xml("InitiateMultipartUploadResult", UploadId="1", Key=key)
            parts = self._parts.pop(key)
            held[key] = b"".join(parts[number] for number in sorted(parts))
            return 200, _xml("CompleteMultipartUploadResult", Key=key, ETag="x")
        if method == "PUT":
            if "partNumber" in query:
                self._parts[key][int(query["partNumber"][0])] = body
            else:
                held[key] = body
            return 200, b""
        if key in self.closed:
            return 403, _xml("Error", Code="AccessDenied")
        if not key:
            return 200, _listing(held, query) if method == "GET" else b""
        return (200, held[key]) if key in held else (404, _xml("Error", Code="NoSuchKey"))


def _listing(held: dict[str, bytes], query: Query) -> bytes:
    prefix = query.get("prefix", [""])[0]
    objects, folders = [], set()
    for key in sorted(held):
        rest = key.removeprefix(prefix)
        if not key.startswith(prefix):
            continue
        if "/" in rest and "delimiter" in query:
            folders.add(prefix + rest.partition("/")[0] + "/")
        else:
            date = "2026-01-01T00:00:00.000Z"
            objects.append(_element("Contents", Key=key, Size=len(held[key]), LastModified=date))
    found = [*objects, *(_element("CommonPrefixes", Prefix=one) for one in sorted(folders))]
    return _xml("ListBucketResult", *found, KeyCount=len(found), IsTruncated="false")


def _element(name: str, *inside: str, **values: object) -> str:
    fields = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in values.items())
    return f"<{name}>{fields}{''.join(inside)}</{name}>"


def _xml(name: str, *inside: str, **values: object) -> bytes:
    return f'<?xml version="1.0"?>{_element(name, *inside, **values)}'.encode()


def _unchunked(body: bytes) -> bytes:
    """The data of a body in chunks of S3's own: size, line end, data, line end; then a checksum."""
    data = b""
    while body:
        head, _, rest = body.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if not size:
            break
        data, body = data + rest[:size], rest[size + 2 :]
    return data


@contextmanager
def object_store(*buckets: str) -> Iterator[ObjectStore]:
    """A store that answers for as long as the block lasts."""
    store = ObjectStore(*buckets)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def _answer(self) -> None:
            body = self._body()
            if "aws-chunked" in (self.headers.get("Content-Encoding") or ""):
                body = _unchunked(body)
            parts = urlsplit(self.path)
            query = parse_qs(parts.query, keep_blank_values=True)
            status, data = store.respond(self.command, unquote(parts.path), query, body)
            asked = self.headers.get("Range")
            total = len(data)
            if asked and status == 200:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                status, data = 206, data[int(first) : int(last) + 1]
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", '"x"')
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_PUT = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with served(Handler) as port:
        store.place = f"scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
        yield store
