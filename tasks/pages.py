"""`python -m tasks.pages FOLDER --port PORT`: the pages below runs/ (reports, Data Docs), on
loopback, for the links on Prefect's pages. No models, databases or records, and no listings."""

import sys
from collections.abc import Iterator
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

LOOPBACK = "127.0.0.1"
_SHOWN = (".html", ".css", ".js", ".png", ".jpg", ".jpeg", ".svg", ".ico", ".woff2")
_REPORT = "*/report.html"


class _Pages(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """An index of reports, or a page."""
        if not self._asked_here():
            return
        if self.path == "/":
            self._send_index()
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        if self._asked_here():
            super().do_HEAD()

    def _asked_here(self) -> bool:
        """Under our own name, and for a page that lies in the folder."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        asked, root = Path(self.translate_path(self.path)).resolve(), Path(self.directory).resolve()
        inside = asked == root or (asked.is_relative_to(root) and asked.suffix in _SHOWN)
        if host in (LOOPBACK, "localhost") and inside:
            return True
        self.send_error(404)
        return False

    def _send_index(self) -> None:
        body = "".join(self._entries()) or "<p>There is no report yet."
        page = f"<!doctype html><meta charset=utf-8><title>RLS3</title><h1>Reports</h1>{body}"
        content = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _entries(self) -> Iterator[str]:
        root = Path(self.directory)
        for report in sorted(root.glob(_REPORT)):
            place = quote(str(report.relative_to(root)))
            yield f'<p><a href="/{place}">{escape(report.parent.name)}</a>'

    def log_message(self, *_: object) -> None:
        """A year of lines would help nobody."""


def main() -> None:
    """Serve until the process ends."""
    folder, port = sys.argv[1], int(sys.argv[3])
    ThreadingHTTPServer((LOOPBACK, port), partial(_Pages, directory=folder)).serve_forever()


if __name__ == "__main__":
    main()
