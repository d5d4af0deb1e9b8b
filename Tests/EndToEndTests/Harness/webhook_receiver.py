"""A webhook's receiver, for the tests: python3 webhook_receiver.py PORT FILE REFUSALS

Refuses so many of the first requests with 503, and writes each body that it takes to the file, a line each,
with the signature that it came with in front.
"""

import http.server
import sys

port, file, refusals = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global refusals
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if refusals > 0:
            refusals -= 1
            self.send_response(503)
        else:
            with open(file, "a", encoding="utf-8") as taken:
                taken.write(f"{self.headers['Azimuth-Signature']} {body}\n")
            self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


http.server.HTTPServer(("127.0.0.1", port), Receiver).serve_forever()
