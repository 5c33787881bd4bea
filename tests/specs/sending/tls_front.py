"""A front for specs that speaks TLS on loopback, as "localhost", and hands on what it hears and what it is told.

tls_front.py DIRECTORY PORT

PORT is that of the plain server behind it. Whom its certificate is from stands in DIRECTORY/ca.pem. The port it listens
on is the first line it prints."""

import asyncio
import pathlib
import ssl
import sys

import trustme

directory, behind = pathlib.Path(sys.argv[1]), int(sys.argv[2])


async def pump(reader, writer):
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def hand_on(reader, writer):
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
    await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)


async def serve():
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(hand_on, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
