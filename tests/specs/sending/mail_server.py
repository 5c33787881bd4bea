"""A mail server for specs: aiosmtpd on loopback, which writes what it takes as JSON, a line each, into a file.

mail_server.py DIRECTORY PORT [tls]

With "tls" it wants STARTTLS and to be told who comes (kim, with the password "pass@word"); whom its certificate is from
stands in DIRECTORY/ca.pem. Some mailboxes are odd: nobody@ is not there, later@ is full for the moment. PORT 0: any.
The port is the first line it prints."""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

directory, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
with_tls = sys.argv[3:] == ["tls"]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 No such mailbox"
        if address.startswith("later@"):
            return "451 4.2.2 Mailbox is full for the moment"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)

        def part(kind):
            found = mail.get_body(preferencelist=(kind,))
            return found.get_content() if found else None

        told = {
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "header_names": [name.lower() for name in mail.keys()],
            "plain": part("plain"),
            "html": part("html"),
            "encrypted": session.ssl is not None,
        }
        with open(directory / "mails.jsonl", "a", encoding="utf-8") as mails:
            mails.write(json.dumps(told) + "\n")
        return "250 2.0.0 Taken as 4711"


def authenticate(server, session, envelope, mechanism, data):
    is_known = (data.login, data.password) == (b"kim", b"pass@word")
    return AuthResult(success=is_known, handled=False)


def options():
    if not with_tls:
        return {}
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": authenticate,
    }


async def serve():
    loop, kept = asyncio.get_running_loop(), options()
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="mail.example", loop=loop, **kept), "127.0.0.1", port
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
