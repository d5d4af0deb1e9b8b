"""What monitors check, for the tests: gRPC's health service, and agents of HAProxy's protocol.

    python3 checked_server.py grpc PORT TLS_PORT CERTIFICATE KEY
    python3 checked_server.py agents FIRST_PORT FILE

Of gRPC, the service "up" is SERVING, "down" is NOT_SERVING, and others are not known. Of the agents, each
port from the first on says one line of the file, which is read again for each connection.
"""

import socket
import sys
import threading


def serve_grpc(port, tls_port, certificate, key):
    from concurrent import futures

    import grpc

    def check(request, context):
        # A HealthCheckRequest has one field, a text: a byte for its number, one for its length.
        service = request[2:].decode()
        if service not in ("", "up", "down"):
            context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return bytes([8, 2 if service == "down" else 1])

    handler = grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)})
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), handlers=(handler,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    with open(certificate, "rb") as chain, open(key, "rb") as secret:
        credentials = grpc.ssl_server_credentials([(secret.read(), chain.read())])
    server.add_secure_port(f"127.0.0.1:{tls_port}", credentials)
    server.start()
    server.wait_for_termination()


def serve_agents(first_port, file):
    def lines():
        with open(file, encoding="ascii") as text:
            return text.read().split("\n")[:-1]

    def serve(listener, index):
        while True:
            connection, _ = listener.accept()
            try:
                connection.sendall(lines()[index].encode() + b"\n")
            except OSError:
                pass
            connection.close()

    threads = []
    for index in range(len(lines())):
        listener = socket.create_server(("127.0.0.1", first_port + index))
        threads.append(threading.Thread(target=serve, args=(listener, index)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if sys.argv[1] == "grpc":
    serve_grpc(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
else:
    serve_agents(int(sys.argv[2]), sys.argv[3])
